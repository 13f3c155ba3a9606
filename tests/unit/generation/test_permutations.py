import pytest

from generation import InvalidRequestError
from generation.prompt.permutations import count, escape, expand
from generation.typed_text import TypedText


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a cat", ("a cat",)),
        ("a {red, blue} cat", ("a red cat", "a blue cat")),
        ("{red, blue} {cat, dog}", ("red cat", "red dog", "blue cat", "blue dog")),
        ("a {red, {dark, light} blue} cat", ("a red cat", "a dark blue cat", "a light blue cat")),
        (r"{red\, green, blue}", ("red, green", "blue")),
        (r"a \{red, blue\} cat", ("a {red, blue} cat",)),
        (r"{a, \{b\}}", ("a", "{b}")),
        ("a cat --ar {3:2, 1:1}", ("a cat --ar 3:2", "a cat --ar 1:1")),
        ("{red}", ("red",)),
        ("a {big, } cat", ("a big cat", "a  cat")),
        (r"\(brackets\), commas", (r"\(brackets\), commas",)),
    ],
)
def test_every_choice_becomes_a_prompt(text: TypedText, prompts: tuple[str, ...]) -> None:
    assert expand(text, most=10) == prompts


@pytest.mark.parametrize(("text", "caret"), [("a {red, blue cat", 2), ("a red} cat", 5), ("{a, {b}", 0)])
def test_a_bracket_without_its_partner_is_shown(text: TypedText, caret: int) -> None:
    with pytest.raises(InvalidRequestError, match="bracket to be painted") as refused:
        expand(text, most=10)

    assert str(refused.value).splitlines()[-1].index("^") == caret


def test_too_many_choices_are_counted_but_never_written_out() -> None:
    with pytest.raises(InvalidRequestError, match=r"make 1,099,511,627,776 prompts; at most 40 are possible"):
        expand(TypedText("{a, b}" * 40), most=40)


def test_what_is_escaped_is_painted_as_it_is() -> None:
    assert expand(TypedText(escape("a {red, blue} cat")), most=1) == ("a {red, blue} cat",)


def test_a_prompt_that_is_too_long_is_not_expanded() -> None:
    with pytest.raises(InvalidRequestError, match="prompt is 6,001 characters long"):
        expand(TypedText("{a,b}" + "x" * 5996), most=100)


def test_choices_are_counted_without_being_written() -> None:
    assert count(TypedText("a {red, {dark, light} blue} {cat, dog}")) == 6
    assert count(TypedText("{a,b}" * 1000)) == 2**1000
    with pytest.raises(InvalidRequestError, match=r"make more than 10\^15 prompts; at most 100"):
        expand(TypedText("{a,b}" * 1000), most=100)


def test_choices_within_choices_are_read_up_to_fifty_deep() -> None:
    assert expand(TypedText("{" * 50 + "a" + "}" * 50), most=1) == ("a",)
    with pytest.raises(InvalidRequestError, match=r"this { is in 50 others; no more are read\.\n{+\n {30}\^"):
        expand(TypedText("{" * 331), most=1)
