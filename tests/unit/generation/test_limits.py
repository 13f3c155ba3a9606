"""What one request may take, and what an earlier Easel painted beyond it."""

import pytest

from generation import GenerationRequest, Hires, InvalidRequestError, Lora, metadata
from generation.limits import MAX_LORAS, MAX_ROWS, check_limits, check_tile, least_rows, loras_of
from generation.prompt.parser import parse


def request(prompt: object = "a cat", **changes: object) -> GenerationRequest:
    values: dict[str, object] = {"prompt": prompt, "model": "tiny", "seed": 7}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def tags(count: int, name: str = "style{}", strength: float = 0.5) -> str:
    return " ".join(f"<lora:{name.format(number)}:{strength}>" for number in range(count))


@pytest.mark.parametrize(
    ("prompt", "rows"),
    [
        ("", 1),
        ("a red apple", 1),
        ("a BREAK b", 2),
        ("BREAK BREAK", 3),
        ("cat " * 75, 1),
        ("cat " * 76, 2),
        ("1" * 76, 2),
        ("embedding:a-b-c-d " * 75, 1),
        ("it's " * 38, 2),
        (", " * 200, 1),
    ],
)
def test_the_fewest_rows_of_a_prompt_are_counted_by_its_words(prompt: str, rows: int) -> None:
    assert least_rows(parse(prompt)) == rows


@pytest.mark.parametrize("field", ["prompt", "negative"])
@pytest.mark.parametrize("text", ["a BREAK " * (MAX_ROWS - 1), "a " * 75 * MAX_ROWS], ids=["breaks", "words"])
def test_a_prompt_may_fill_all_its_rows_and_no_more(field: str, text: str) -> None:
    name = "negative_prompt" if field == "negative" else field
    check_limits(request(**{"prompt": "a", name: text}))

    with pytest.raises(InvalidRequestError) as refused:
        check_limits(request(**{"prompt": "a", name: f"{text} BREAK b"}))

    assert str(refused.value) == (
        f"{field} takes 21 rows of 75 tokens, and at most 20 are possible. "
        "Shorten it, or leave out some BREAK: each begins a new row."
    )
    assert refused.value.field == field


def test_loras_of_equal_names_are_one_by_the_sum_of_their_strengths() -> None:
    asked = request(
        "a cat <lora:Fur:0.3:0.1> <lora:lace:1>", loras=(Lora("fur", 0.5, 0.2), Lora("old"), Lora("FUR", -0.1, 0))
    )

    assert loras_of(asked) == (Lora("fur", 0.7, 0.3), Lora("old"), Lora("lace"))


def test_eight_loras_are_possible_wherever_they_are_asked_for() -> None:
    options = tuple(Lora(f"o{number}") for number in range(3))
    check_limits(request(tags(MAX_LORAS - 3), loras=options))

    with pytest.raises(InvalidRequestError, match="9 LoRAs are too many: at most 8 are possible"):
        check_limits(request(tags(MAX_LORAS - 2), loras=options))


def test_one_lora_asked_for_a_hundred_times_is_one_lora() -> None:
    assert loras_of(request(tags(100, "fur", 0.01))) == (Lora("fur", 1.0, 1.0),)


def test_strengths_that_add_up_to_too_much_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="the strength of the LoRA fur must be between -10 and 10, not 12"):
        loras_of(request("<lora:fur:6> <lora:fur:6>"))


@pytest.mark.parametrize(("native", "least"), [(1024, 512), (1536, 512), (512, 256), (128, 64)])
def test_a_tile_is_at_least_512_pixels_or_half_the_models_native_size(native: int, least: int) -> None:
    check_tile(Hires(tile=least), native)
    check_tile(Hires(tile=0), native)

    if least > 64:
        with pytest.raises(InvalidRequestError, match=f"it must be at least {least}, or 0 for one piece"):
            check_tile(Hires(tile=least - 8), native)


def test_a_request_that_an_earlier_easel_painted_beyond_the_limits_is_still_read() -> None:
    before = request(
        f"{tags(9)} {'BREAK ' * 30}", loras=tuple(Lora(f"o{number}") for number in range(9)), hires=Hires(tile=64)
    )

    assert metadata.from_json(metadata.to_json(before)) == before
    with pytest.raises(InvalidRequestError):
        check_limits(before)
