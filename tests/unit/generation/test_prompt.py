import pytest

from generation import InvalidRequestError
from generation.prompt.parser import DIALECTS, Dialect, Piece, forget, parse, weigh
from generation.request.options import Lora


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a cat", [("a cat", 1)]),
        ("a (cat)", [("a ", 1), ("cat", 1.1)]),
        ("((cat))", [("cat", 1.1 * 1.1)]),
        ("(a (b:1.5) c:0.8)", [("a ", 0.8), ("b", 1.5), (" c", 0.8)]),
        (r"a \(b\)", [("a (b)", 1)]),
        ("(cat", [("(cat", 1)]),
        ("[cat]", [("[cat]", 1)]),
        ("(cat:dog)", [("cat:dog", 1.1)]),
        ("", []),
    ],
)
def test_comfyuis_brackets(text: str, pieces: list[tuple[str, float]]) -> None:
    assert weigh(text) == [Piece(*piece) for piece in pieces]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a (cat)", [("a ", 1), ("cat", 1.1)]),
        ("[cat]", [("cat", 1 / 1.1)]),
        ("(a (b:1.5) c:0.8)", [("a ", 0.8), ("b", 1.5 * 0.8), (" c", 0.8)]),
        ("([b])", [("b", 1 / 1.1 * 1.1)]),
        (r"a \(b\) \[c\]", [("a (b) [c]", 1)]),
        ("(cat", [("cat", 1.1)]),
        ("a: b", [("a: b", 1)]),
        ("cat)", [("cat)", 1)]),
        ("", []),
    ],
)
def test_a1111s_brackets(text: str, pieces: list[tuple[str, float]]) -> None:
    found = weigh(text, "a1111")

    assert [piece.text for piece in found] == [text for text, _ in pieces]
    assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in pieces])


def test_break_begins_a_chunk_even_within_brackets() -> None:
    parsed = parse("a cat BREAK a (dog BREAK bird:1.2)")

    assert parsed.chunks == (
        (Piece("a cat"),),
        (Piece("a dog".removesuffix("dog")), Piece("dog", 1.2)),
        (Piece("bird", 1.2),),
    )


def test_a_word_that_holds_break_is_none() -> None:
    assert parse("BREAKFAST").chunks == ((Piece("BREAKFAST"),),)


def test_loras_are_taken_out() -> None:
    parsed = parse("a cat <lora:fur:0.8>, soft <lora: old style :1:0.5><lora:plain>")

    assert parsed.loras == (Lora("fur", 0.8, 0.8), Lora("old style", 1, 0.5), Lora("plain", 1, 1))
    assert parsed.chunks == ((Piece("a cat , soft "),),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a <lora:fur:much>", "prompt: the strength of fur is no number.\na <lora:fur:much>\n        ^"),
        ("a <lora:>", "prompt: this <lora:...> names no file.\na <lora:>\n  ^"),
        ("a <lora:x:1:2:3>", "prompt: x has more than two strengths.\na <lora:x:1:2:3>\n        ^"),
        ("a <lora:x", "prompt: this <lora: has no end; write <lora:name:0.8>.\na <lora:x\n  ^"),
        ("<lora:x> <lora:y", "prompt: this <lora: has no end; write <lora:name:0.8>.\n<lora:x> <lora:y\n         ^"),
    ],
)
def test_a_malformed_prompt_is_refused_with_a_caret(text: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse(text)

    assert str(refused.value) == message


@pytest.mark.parametrize("dialect", DIALECTS)
def test_brackets_are_read_up_to_fifty_deep(dialect: Dialect) -> None:
    (piece,) = weigh("(" * 50 + "cat" + ")" * 50, dialect)

    assert piece.weight == pytest.approx(1.1**50)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("depth", [51, 900, 3000])
def test_deeper_brackets_are_refused_with_the_place(dialect: Dialect, depth: int) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        parse("(" * depth + "cat" + ")" * depth, dialect)

    shown = "(" * 30 + ("(" * min(30, depth - 50) + "cat" + ")" * 30)[:30]
    assert str(refused.value) == (
        f"prompt: this bracket is in 50 others; no more are read. Leave some out.\n{shown}\n{' ' * 30}^"
    )


def test_unclosed_brackets_are_text_to_comfyui_however_many() -> None:
    assert weigh("(a" * 3000) == [Piece("(a" * 3000)]


def test_the_same_text_is_parsed_once_until_it_is_forgotten() -> None:
    once = parse("a (cat:1.2)")

    assert parse("a (cat:1.2)", "comfyui") is once
    assert parse("a (cat:1.2)", "a1111") is not once
    forget()
    assert parse("a (cat:1.2)") is not once
