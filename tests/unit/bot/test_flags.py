import pytest

from bot.domain import Order
from bot.services.requests.flags import Flagged, changes, command_line, flags_line, read, unflag
from generation import GenerationRequest, InvalidRequestError
from generation.typed_text import TypedText

APPLE = GenerationRequest(
    prompt="a red apple", model="sdxl", width=1216, height=832, steps=30, guidance_scale=7.5, seed=7, count=4
)


def test_flags_are_taken_out_of_a_prompt() -> None:
    text = "a red apple --ar 3:2 --no text, watermark --seed 7 --count 2 --steps 30 --cfg 7.5 --model sdxl"

    assert read(TypedText(text)) == Flagged(
        TypedText("a red apple"),
        {
            "aspect": "3:2",
            "negative": "text, watermark",
            "seed": 7,
            "count": 2,
            "steps": 30,
            "cfg": 7.5,
            "model": "sdxl",
        },
    )


@pytest.mark.parametrize("dashes", ["--", "—", "\u2013", "——", "\u2013-", "-\u2013", "\u2015"])
def test_what_phones_make_of_two_dashes_is_read_as_two(dashes: str) -> None:
    assert read(TypedText(f"a cat {dashes}seed 7")).values == {"seed": 7}


@pytest.mark.parametrize(
    "text", ["a cat — sleeping", "snow-white", "dark--blue", "left—right", "a --- b", "a -- b", "-5"]
)
def test_dashes_that_begin_no_word_are_text(text: TypedText) -> None:
    assert read(text) == Flagged(text, {})


@pytest.mark.parametrize(
    ("text", "prompt", "values"),
    [
        ("--seed 7 a cat", "a cat", {"seed": 7}),
        ("a cat --seed 7 on a mat", "a cat on a mat", {"seed": 7}),
        ("a cat --seed=7 --CFG = 3", "a cat", {"seed": 7, "cfg": 3.0}),
        ("a cat --seed 7, --steps 20;", "a cat", {"seed": 7, "steps": 20}),
        ('a cat --model "my model" asleep', "a cat asleep", {"model": "my model"}),
        ("a cat --no “dogs” --clip-skip 1", "a cat", {"negative": "dogs", "clip_skip": 1}),
        ('a cat --no "a \\"big\\" --seed 3"', "a cat", {"negative": 'a "big" --seed 3'}),
        ('a cat --no ""', "a cat", {"negative": ""}),
        ("a cat --no dogs --no birds", "a cat", {"negative": "dogs, birds"}),
        ("a cat --aspect 3:2 --w 512", "a cat", {"aspect": "3:2", "width": 512}),
        (r"a sign saying \--seed 7", "a sign saying --seed 7", {}),
        ("a cat --subseed 3 --weights a1111", "a cat", {"subseed": 3, "weights": "a1111"}),
    ],
)
def test_flags_may_stand_anywhere_and_values_may_be_quoted(
    text: TypedText, prompt: TypedText, values: dict[str, object]
) -> None:
    assert read(text) == Flagged(prompt, values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a cat --sed 7", "There is no flag `--sed`. Did you mean `--seed`"),
        ("a cat —stepz 7", "There is no flag `--stepz`. Did you mean `--steps`"),
        ("a cat --mody", r"There is no flag `--mody`. Did you mean `--moody` or `--model`?"),
        ("a cat --xyzzy", "There is no flag `--xyzzy`. I know `--ar`, `--no`, `--seed`"),
        ("a cat --seed", "--seed needs a value, such as `--seed 7`."),
        ("a cat --no --seed 7", "--no needs a value, such as `--no text`."),
        ("a cat --seed seven", "seed takes a whole number, such as `--seed 7`, not 'seven'."),
        ("a cat --cfg high", "cfg takes a number, such as `--cfg 7`, not 'high'."),
        ("a cat --seed 7 --seed 8", "--seed is given twice: 7 and 8. Leave one out."),
        ('a cat --no "dogs --seed 8', "--no: the quotation mark after it has no partner."),
    ],
)
def test_a_wrong_flag_is_refused_in_words(text: TypedText, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(text, {"moody"})

    assert str(refused.value).startswith(message)


def test_a_refusal_says_how_to_paint_the_dashes() -> None:
    with pytest.raises(InvalidRequestError, match=r"To have it painted as text, write `\\--foo`"):
        read(TypedText("a cat --foo"))


def test_presets_are_named_like_flags() -> None:
    assert read(TypedText("--Moody a cat --seed 7 --film-look"), {"moody", "film-look"}) == Flagged(
        TypedText("a cat"), {"seed": 7}, ("moody", "film-look")
    )


def test_flags_fill_an_orders_own_fields() -> None:
    order, presets = unflag(
        Order(prompt=TypedText("a cat --seed 7 --moody"), negative=TypedText("dogs"), steps=20), {"moody"}
    )

    assert order == Order(prompt=TypedText("a cat"), negative=TypedText("dogs"), steps=20, seed=7)
    assert presets == ("moody",)


def test_what_both_an_option_and_a_flag_keep_out_is_kept_out() -> None:
    assert unflag(Order(prompt=TypedText("a cat --no birds"), negative=TypedText("dogs")))[0].negative == "dogs, birds"


def test_an_option_and_a_flag_that_contradict_each_other_are_refused() -> None:
    assert unflag(Order(prompt=TypedText("a cat --steps 20"), steps=20))[0].steps == 20
    with pytest.raises(InvalidRequestError, match="steps is given twice: 20 and 30"):
        unflag(Order(prompt=TypedText("a cat --steps 30"), steps=20))


def test_a_request_is_written_as_flags() -> None:
    assert flags_line(APPLE, without=("negative",)) == (
        "--steps 30 --cfg 7.5 --seed 7 --count 4 --width 1216 --height 832 "
        "--sampler dpmpp_2m --scheduler karras --model sdxl"
    )


def test_a_requests_command_can_be_copied() -> None:
    assert command_line(APPLE, "paint").startswith('/paint prompt:a red apple --no "" --steps 30 --cfg 7.5 --seed 7')


def test_changes_are_told_by_the_names_people_type() -> None:
    other = GenerationRequest(
        prompt="a red apple", model="sdxl", width=1216, height=832, steps=30, guidance_scale=7, seed=8, count=4
    )

    assert changes(APPLE, other) == {"cfg": (7.5, 7), "seed": (7, 8)}


def test_a_flag_in_an_open_quotation_is_text() -> None:
    assert read(TypedText('a --no "b --seed 7" --steps 3')) == Flagged(
        TypedText("a"), {"negative": "b --seed 7", "steps": 3}
    )
    with pytest.raises(InvalidRequestError, match="the quotation mark after it has no partner"):
        read(TypedText('a --no "b --seed 7 --steps 3'))


def test_an_empty_negative_flag_adds_nothing_to_another() -> None:
    assert read(TypedText('a --no "" --no dogs')).values == {"negative": "dogs"}
