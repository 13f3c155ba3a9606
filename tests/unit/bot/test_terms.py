import pytest

from bot.persistence.jobs import terms_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Red café, at-night", ["a", "red", "cafe", "at", "night"]),
        ("red RED (red:1.3)", ["red", "1", "3"]),
        ("straße ² Ünicode_names", ["strasse", "2", "unicode", "names"]),
        ("🎨 ... --", []),
    ],
)
def test_words_have_neither_capitals_nor_accents_nor_marks(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_every_term_is_joined_to_its_person() -> None:
    assert terms_of(7, "a red apple") == "7xa 7xred 7xapple"
    assert terms_of(7, "") == ""
