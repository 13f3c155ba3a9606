r"""Prompt syntax becomes data: emphasis, BREAK, <lora:name:0.8>. Pure; the encoders come later.

Two dialects differ in their brackets. ComfyUI's: `(x)` is 1.1 times, `(x:1.3)` sets 1.3 whatever is outside, an
unclosed bracket is text. A1111's: `(x)` is 1.1 times, `[x]` a 1.1th, `(x:1.3)` is 1.3 times what is outside, an
unclosed bracket reaches to the end. In both `\(` and `\)` are brackets to be painted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Literal

from generation.errors import InvalidRequestError
from generation.request.options import Lora
from generation.request.validation import SHOWN_CHARACTERS, check_text
from generation.typed_text import TypedText

Dialect = Literal["comfyui", "a1111"]
DIALECTS: tuple[Dialect, ...] = ("comfyui", "a1111")

CHUNK = 75  # tokens of a row of 77 that a prompt fills
UP = 1.1
MAX_DEPTH = 50  # of brackets in brackets: no prompt needs so many, and each level reads the text again
_REMEMBERED = 32  # parsed prompts: one command's choices with their negative
_LORA = re.compile(r"<\s*lora\s*:([^<>]*)>", re.IGNORECASE)
_LORA_START = re.compile(r"<\s*lora\s*:", re.IGNORECASE)
EMBEDDING = re.compile(r"(?:^|(?<=[\s,]))embedding:([^\s,]+)")
_BREAK = re.compile(r"\bBREAK\b")  # without the blanks around it, which are stripped: a search for them is quadratic
_BRACKET = re.compile(r"[()]")
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


def parse(text: TypedText | str, dialect: Dialect = "comfyui") -> Prompt:
    """Parses a prompt, in time linear in its length; the last ones are remembered.

    Args:
        text: What a person typed.
        dialect: Whose brackets they are.

    Raises:
        InvalidRequestError: A <lora:...> is malformed, or brackets are too deep; the text shows where, with a caret.
    """
    return _parse(text, dialect)


def forget() -> None:
    """Drops the parsed prompts that are remembered."""
    _parse.cache_clear()


@lru_cache(_REMEMBERED)
def _parse(text: str, dialect: Dialect) -> Prompt:
    loras = tuple(_lora(text, match) for match in _LORA.finditer(text))
    plain = _LORA.sub("", text)
    unfinished = _LORA_START.search(plain)
    if unfinished:
        masked = _LORA.sub(lambda match: " " * len(match[0]), text)
        raise complaint(text, max(masked.find(unfinished[0]), 0), "this <lora: has no end; write <lora:name:0.8>.")
    return Prompt(tuple(_chunks(weigh(plain, dialect))), loras)


def parse_loras(text: TypedText | str) -> tuple[Lora, ...]:
    """Reads LoRAs as one types them into an option: `name`, `name:0.8` or `name:0.8:0.5`, several by commas.

    Raises:
        InvalidRequestError: A strength is no number, or there are more than two.
    """
    check_text("lora", text)
    tags = "".join(f"<lora:{each.strip()}>" for each in text.split(",") if each.strip())
    return parse(tags).loras


def embeddings(prompt: Prompt) -> tuple[str, ...]:
    """Names the textual inversion embeddings that a prompt asks for, each once."""
    pieces = (piece for chunk in prompt.chunks for piece in chunk)
    return tuple(dict.fromkeys(match[1] for piece in pieces for match in EMBEDDING.finditer(piece.text)))


def without_loras(text: TypedText | str) -> str:
    """Returns a prompt without its <lora:...>, for tools that have another way to say it."""
    return _LORA.sub("", text)


def weigh(text: TypedText | str, dialect: Dialect = "comfyui") -> list[Piece]:
    """Splits text into pieces of one weight each, by its brackets alone.

    Raises:
        InvalidRequestError: Brackets are deeper than MAX_DEPTH; the text shows where, with a caret.
    """
    return _comfyui(text) if dialect == "comfyui" else _a1111(text)


def complaint(text: TypedText | str, position: int, reason: str) -> InvalidRequestError:
    """Makes an error that shows the place in a prompt, with a caret under it."""
    start = max(position - 30, 0)
    shown = re.sub(r"\s", " ", text[start : position + 30])
    return InvalidRequestError("prompt", f"prompt: {reason}\n{shown}\n{' ' * (position - start)}^")


def _lora(text: str, match: re.Match[str]) -> Lora:
    name, *strengths = (part.strip() for part in match[1].split(":"))
    shown = name[:SHOWN_CHARACTERS]
    if not name:
        raise complaint(text, match.start(), "this <lora:...> names no file.")
    try:
        numbers = [float(strength) for strength in strengths]
    except ValueError:
        raise complaint(text, match.start(1), f"the strength of {shown} is no number.") from None
    if len(numbers) > 2:
        raise complaint(text, match.start(1), f"{shown} has more than two strengths.")
    first = numbers[0] if numbers else 1.0
    return Lora(name, first, numbers[1] if len(numbers) == 2 else first)


def _chunks(pieces: list[Piece]) -> Iterator[tuple[Piece, ...]]:
    chunk: list[Piece] = []
    for piece in pieces:
        first, *later = _parted(piece.text)
        chunk.append(Piece(first, piece.weight))
        for text in later:
            yield tuple(chunk)
            chunk = [Piece(text, piece.weight)]
    yield tuple(chunk)


def _parted(text: str) -> list[str]:
    """Splits at BREAK, which takes the blanks around it along."""
    parts = _BREAK.split(text)
    parts[1:] = [part.lstrip() for part in parts[1:]]
    parts[:-1] = [part.rstrip() for part in parts[:-1]]
    return parts


def _comfyui(text: str) -> list[Piece]:
    reader = _Comfyui(text, text.replace("\\)", "\0\1").replace("\\(", "\0\2"))
    reader.read(0, len(text), 1.0, 0)
    return reader.pieces


@dataclass(frozen=True, slots=True)
class _Comfyui:
    """Reads ComfyUI's brackets.

    Attributes:
        text: What was typed.
        coded: Likewise, each escaped bracket replaced by two characters that are none.
        pieces: What was read so far.
    """

    text: str
    coded: str
    pieces: list[Piece] = field(default_factory=list)

    def read(self, start: int, end: int, weight: float, depth: int) -> None:
        """Adds the pieces of what stands within a bracket of a weight, which stands within `depth` others."""
        for left, right in _top_level(self.coded, start, end):
            if not (right - left >= 2 and self.coded[left] == "(" and self.coded[right - 1] == ")"):
                plain = self.coded[left:right].replace("\0\1", ")").replace("\0\2", "(")
                self.pieces.append(Piece(plain, weight))
                continue
            if depth == MAX_DEPTH:
                raise _too_deep(self.text, left)
            inner_end, inner_weight = right - 1, weight * UP
            colon = self.coded.rfind(":", left + 1, inner_end)
            if colon > left + 1 and (number := _number(self.coded[colon + 1 : inner_end])) is not None:
                inner_end, inner_weight = colon, number
            self.read(left + 1, inner_end, inner_weight, depth + 1)


def _top_level(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields where the outermost bracketed parts and what stands between them begin and end.

    A lone closing bracket ends bracketing.
    """
    depth = 0
    for match in _BRACKET.finditer(text, start, end):
        if match[0] == "(":
            if depth == 0 and match.start() > start:
                yield start, match.start()
                start = match.start()
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                yield start, match.end()
                start = match.end()
    if start < end:
        yield start, end


def _too_deep(text: str, position: int) -> InvalidRequestError:
    return complaint(text, position, f"this bracket is in {MAX_DEPTH} others; no more are read. Leave some out.")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _a1111(text: str) -> list[Piece]:
    texts: list[str] = []
    weights: list[float] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}
    for match in _A1111.finditer(text):
        bracket, factor = _closing(match)
        if match["open"]:
            if len(opened["("]) + len(opened["["]) == MAX_DEPTH:
                raise _too_deep(text, match.start())
            opened[match["open"]].append(len(texts))
        elif bracket and opened[bracket]:
            _multiply(weights, opened[bracket].pop(), factor)
        else:
            texts.append(match["literal"] or match[0])
            weights.append(1.0)
    for bracket, factor in (("(", UP), ("[", 1 / UP)):
        for start in opened[bracket]:
            _multiply(weights, start, factor)
    return _merged(texts, weights)


def _closing(match: re.Match[str]) -> tuple[str, float]:
    """Says which bracket a part closes, and by what the pieces within are multiplied."""
    if match["weight"] is not None:
        number = _number(match["weight"])
        return ("", 1.0) if number is None else ("(", number)
    return {")": ("(", UP), "]": ("[", 1 / UP)}.get(match["close"], ("", 1.0))


def _multiply(weights: list[float], start: int, factor: float) -> None:
    """Multiplies the weights within a bracket, in A1111's order: it makes a difference in the last digit."""
    for place in range(start, len(weights)):
        weights[place] *= factor


def _merged(texts: list[str], weights: list[float]) -> list[Piece]:
    """Joins neighbours of equal weight."""
    neighbours = groupby(zip(texts, weights, strict=True), key=itemgetter(1))
    return [Piece("".join(text for text, _ in group), weight) for weight, group in neighbours]
