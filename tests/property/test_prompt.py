from hypothesis import given
from hypothesis import strategies as st

from generation.prompt.parser import DIALECTS, Dialect, Piece, parse, weigh

noise = st.lists(st.sampled_from([*"ab ()[]\\:.,1-<>\n", "BREAK"]), max_size=40).map("".join)
dialects = st.sampled_from(DIALECTS)
words = st.text(st.sampled_from("abc ,"), min_size=1, max_size=8)
weights = st.integers(1, 30).map(lambda tenths: tenths / 10)


@given(noise, dialects)
def test_any_text_without_loras_can_be_parsed(text: str, dialect: Dialect) -> None:
    chunks = parse(text, dialect).chunks

    assert chunks
    assert all(isinstance(piece.weight, float) for chunk in chunks for piece in chunk)


@given(st.lists(st.tuples(words, weights), max_size=6), dialects)
def test_weighted_pieces_survive_being_written_and_read(pieces: list[tuple[str, float]], dialect: Dialect) -> None:
    written = "".join(f"({text}:{weight})" for text, weight in pieces)

    found = weigh(written, dialect)

    assert [(p.text, p.weight) for p in found] == [(p.text, p.weight) for p in merged(pieces, dialect)]


@given(words.map(lambda text: f"{text}(x)"), dialects)
def test_escaped_brackets_are_text(text: str, dialect: Dialect) -> None:
    escaped = text.replace("(", r"\(").replace(")", r"\)")

    assert weigh(escaped, dialect) == [Piece(text)]


@given(noise, noise)
def test_break_separates_as_if_each_part_stood_alone(first: str, second: str) -> None:
    plain = [text.replace("(", "").replace(")", "").replace("BREAK", "").strip() for text in (first, second)]
    plain = [text.replace("<", "").replace("\\", "") for text in plain]

    parsed = parse(f"{plain[0]} BREAK {plain[1]}")

    assert ["".join(piece.text for piece in chunk).strip() for chunk in parsed.chunks] == [t.strip() for t in plain]


def merged(pieces: list[tuple[str, float]], dialect: Dialect) -> list[Piece]:
    """A1111's way joins neighbours of equal weight."""
    found: list[Piece] = []
    for text, weight in pieces:
        if dialect == "a1111" and found and found[-1].weight == weight:
            found[-1] = Piece(found[-1].text + text, weight)
        else:
            found.append(Piece(text, weight))
    return found
