r"""Prompt syntax becomes data: emphasis, BREAK, <lora:name:0.8>. Pure; the encoders come later.

Two dialects differ in their brackets. ComfyUI's: `(x)` is 1.1 times, `(x:1.3)` sets 1.3 whatever is outside, an
unclosed bracket is text. A1111's: `(x)` is 1.1 times, `[x]` a 1.1th, `(x:1.3)` is 1.3 times what is outside, an
unclosed bracket reaches to the end. In both `\(` and `\)` are brackets to be painted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from generation.errors import InvalidRequestError
from generation.parts import Lora

Dialect = Literal["comfyui", "a1111"]
DIALECTS: tuple[Dialect, ...] = ("comfyui", "a1111")

UP = 1.1
_LORA = re.compile(r"<\s*lora\s*:([^<>]*)>", re.IGNORECASE)
_LORA_START = re.compile(r"<\s*lora\s*:", re.IGNORECASE)
EMBEDDING = re.compile(r"(?:^|(?<=[\s,]))embedding:([^\s,]+)")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_A1111 = re.compile(
    r"\\(?P<literal>[()\[\]\\])|(?P<open>[(\[])|:\s*(?P<weight>[+-]?[.\d]+)\s*\)|(?P<close>[)\]])"
    r"|(?P<text>[^\\()\[\]:]+|.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt with one weight; its escapes are resolved."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A parsed prompt.

    Attributes:
        chunks: What stands between BREAKs, at least one chunk; each begins a new row of tokens.
        loras: What was asked for in <lora:...>, in order.
    """

    chunks: tuple[tuple[Piece, ...], ...]
    loras: tuple[Lora, ...] = ()


def parse(text: str, dialect: Dialect = "comfyui") -> Prompt:
    """Parses a prompt.

    Args:
        text: What a person typed.
        dialect: Whose brackets they are.

    Raises:
        InvalidRequestError: A <lora:...> is malformed; the text shows where, with a caret.
    """
    loras = tuple(_lora(text, match) for match in _LORA.finditer(text))
    plain = _LORA.sub("", text)
    unfinished = _LORA_START.search(plain)
    if unfinished:
        raise complaint(text, text.find(unfinished[0]), "this <lora: has no end; write <lora:name:0.8>.")
    return Prompt(tuple(_chunks(weigh(plain, dialect))), loras)


def parse_loras(text: str) -> tuple[Lora, ...]:
    """Reads LoRAs as one types them into an option: `name`, `name:0.8` or `name:0.8:0.5`, several by commas.

    Raises:
        InvalidRequestError: A strength is no number, or there are more than two.
    """
    tags = "".join(f"<lora:{each.strip()}>" for each in text.split(",") if each.strip())
    return parse(tags).loras


def embeddings(prompt: Prompt) -> tuple[str, ...]:
    """Names the textual inversion embeddings that a prompt asks for, each once."""
    pieces = (piece for chunk in prompt.chunks for piece in chunk)
    return tuple(dict.fromkeys(match[1] for piece in pieces for match in EMBEDDING.finditer(piece.text)))


def without_loras(text: str) -> str:
    """Returns a prompt without its <lora:...>, for tools that have another way to say it."""
    return _LORA.sub("", text)


def weigh(text: str, dialect: Dialect = "comfyui") -> list[Piece]:
    """Splits text into pieces of one weight each, by its brackets alone."""
    return list(_comfyui(text, 1.0)) if dialect == "comfyui" else _a1111(text)


def complaint(text: str, position: int, reason: str) -> InvalidRequestError:
    """Makes an error that shows the place in a prompt, with a caret under it."""
    start = max(position - 30, 0)
    shown = re.sub(r"\s", " ", text[start : position + 30])
    return InvalidRequestError("prompt", f"prompt: {reason}\n{shown}\n{' ' * (position - start)}^")


def _lora(text: str, match: re.Match[str]) -> Lora:
    name, *strengths = (part.strip() for part in match[1].split(":"))
    if not name:
        raise complaint(text, match.start(), "this <lora:...> names no file.")
    try:
        numbers = [float(strength) for strength in strengths]
    except ValueError:
        raise complaint(text, match.start(1), f"the strength of {name} is no number.") from None
    if len(numbers) > 2:
        raise complaint(text, match.start(1), f"{name} has more than two strengths.")
    first = numbers[0] if numbers else 1.0
    return Lora(name, first, numbers[1] if len(numbers) == 2 else first)


def _chunks(pieces: list[Piece]) -> Iterator[tuple[Piece, ...]]:
    chunk: list[Piece] = []
    for piece in pieces:
        first, *later = _BREAK.split(piece.text)
        chunk.append(Piece(first, piece.weight))
        for text in later:
            yield tuple(chunk)
            chunk = [Piece(text, piece.weight)]
    yield tuple(chunk)


def _comfyui(text: str, weight: float) -> Iterator[Piece]:
    for part in _top_level(text.replace("\\)", "\0\1").replace("\\(", "\0\2")):
        yield from _group(part, weight)


def _group(part: str, weight: float) -> Iterator[Piece]:
    if not (len(part) >= 2 and part[0] == "(" and part[-1] == ")"):
        yield Piece(part.replace("\0\1", ")").replace("\0\2", "("), weight)
        return
    inner, inner_weight = part[1:-1], weight * UP
    head, colon, tail = inner.rpartition(":")
    if colon and head:
        number = _number(tail)
        if number is not None:
            inner, inner_weight = head, number
    for each in _top_level(inner):
        yield from _group(each, inner_weight)


def _top_level(text: str) -> Iterator[str]:
    """Yields the outermost bracketed parts and what stands between them; a lone closing bracket ends bracketing."""
    part, depth = "", 0
    for character in text:
        if character == "(":
            if depth == 0 and part:
                yield part
                part = ""
            depth += 1
        part += character
        if character == ")":
            depth -= 1
            if depth == 0:
                yield part
                part = ""
    if part:
        yield part


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _a1111(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in _A1111.finditer(text):
        bracket, factor = _closing(match)
        if match["open"]:
            opened[match["open"]].append(len(pieces))
        elif bracket and opened[bracket]:
            _multiply(pieces, opened[bracket].pop(), factor)
        else:
            pieces.append(Piece(match["literal"] or match[0]))
    for bracket, factor in (("(", UP), ("[", 1 / UP)):
        for start in opened[bracket]:
            _multiply(pieces, start, factor)
    return _merged(pieces)


def _closing(match: re.Match[str]) -> tuple[str, float]:
    """Says which bracket a part closes, and by what the pieces within are multiplied."""
    if match["weight"] is not None:
        number = _number(match["weight"])
        return ("", 1.0) if number is None else ("(", number)
    return {")": ("(", UP), "]": ("[", 1 / UP)}.get(match["close"], ("", 1.0))


def _multiply(pieces: list[Piece], start: int, factor: float) -> None:
    pieces[start:] = [Piece(piece.text, piece.weight * factor) for piece in pieces[start:]]


def _merged(pieces: list[Piece]) -> list[Piece]:
    """Joins neighbours of equal weight."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].weight == piece.weight:
            merged[-1] = Piece(merged[-1].text + piece.text, piece.weight)
        else:
            merged.append(piece)
    return merged
