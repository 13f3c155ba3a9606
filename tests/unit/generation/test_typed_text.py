import pytest

from generation import InvalidRequestError
from generation.typed_text import take_in


@pytest.mark.parametrize("text", ["", "a cat", "\U0001f34e \u202e", "\x1b", "\ufffe"])
def test_text_is_taken_in_as_it_is(text: str) -> None:
    assert take_in(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\x00b", "prompt has a NUL character at character 2; delete it."),
        ("a cat \ud83c", "prompt has half a character at character 7; delete it and type it once more."),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        take_in(text, "prompt")

    assert str(refused.value) == message
