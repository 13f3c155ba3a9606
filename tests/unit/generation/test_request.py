import pytest

from generation import GenerationRequest, InvalidRequestError


def request(**changes: object) -> GenerationRequest:
    values: dict[str, object] = {"prompt": "a cat", "model": "tiny", "seed": 7}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("width", 100, "width must be a multiple of 8: 96 would work, 100 does not."),
        ("height", 8, "height must be between 64 and 4096, not 8."),
        ("width", 4104, "width must be between 64 and 4096, not 4104."),
        ("steps", 0, "steps must be between 1 and 150, not 0."),
        ("steps", 151, "steps must be between 1 and 150, not 151."),
        ("guidance_scale", -0.5, "cfg must be between 0 and 50, not -0.5."),
        ("guidance_scale", float("nan"), "cfg must be between 0 and 50, not nan."),
        ("seed", -1, "seed must be between 0 and 9007199254740991, not -1."),
        ("seed", 2**53, "seed must be between 0 and 9007199254740991, not 9007199254740992."),
        ("count", 11, "count must be between 1 and 10, not 11."),
        ("sampler", "euler_a", "There is no sampler named 'euler_a'. Did you mean euler or euler_ancestral?"),
        ("scheduler", "karas", "There is no scheduler named 'karas'. Did you mean karras?"),
        ("prompt", "a \ud83d cat", "prompt has half a character at character 3; delete it and type it once more."),
        ("prompt", "x" * 6001, "prompt is 6,001 characters long; at most 6,000 are possible."),
    ],
)
def test_an_impossible_value_is_refused_in_words(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        request(**{field: value})

    assert str(refused.value) == message
    assert refused.value.field in {field, "cfg"}


@pytest.mark.parametrize(
    "changes",
    [{"width": 64}, {"height": 4096}, {"steps": 150}, {"count": 10}, {"seed": 2**53 - 1}, {"guidance_scale": 0}],
)
def test_the_bounds_themselves_are_possible(changes: dict[str, object]) -> None:
    assert request(**changes) == request(**changes)


def test_the_last_seed_of_a_batch_must_be_possible_too() -> None:
    with pytest.raises(InvalidRequestError):
        request(seed=2**53 - 1, count=2)


def test_a_picture_of_a_batch_is_the_request_of_its_seed_alone() -> None:
    assert request(seed=5, count=3).picture(2) == request(seed=7)


def test_guidance_begins_above_one() -> None:
    assert [request(guidance_scale=scale).guided for scale in (0, 1, 1.01, 7)] == [False, False, True, True]
