"""How much of the engine one request may take: rows of tokens, LoRAs, the size of tiles. Pure.

They are checked before a request is queued, and again where it is painted. A request by itself does not check them,
so that one which an earlier Easel painted beyond them can still be read and shown.
"""

import math
import re
from collections.abc import Iterable
from typing import cast

from generation.errors import InvalidRequestError
from generation.prompt.parser import CHUNK, EMBEDDING, Dialect, Piece, Prompt, parse
from generation.request.options import Hires, Lora
from generation.request.request import GenerationRequest

MAX_ROWS = 20  # of each prompt; attention to them is part of every UNet call
MAX_LORAS = 8  # each changes nearly all weights of a model
MIN_TILE = 512  # pixels; tiles half as large are four times as many UNet calls
_WORD = re.compile(r"[^\x00-@\[-`{-\x7f\s]+|[0-9]")  # letters, and all that is not ASCII; CLIP splits no coarser


def check_limits(request: GenerationRequest) -> None:
    """Refuses prompts that are known to take too many rows, and too many LoRAs.

    Raises:
        InvalidRequestError: They do; the text says how many are possible.
    """
    for field, text in (("prompt", request.prompt), ("negative", request.negative_prompt)):
        check_rows(field, least_rows(parse(text, cast(Dialect, request.weights))))
    loras_of(request)


def check_rows(field: str, rows: int) -> None:
    """Refuses a prompt of too many rows."""
    if rows > MAX_ROWS:
        message = f"{field} takes {rows} rows of {CHUNK} tokens, and at most {MAX_ROWS} are possible."
        raise InvalidRequestError(field, f"{message} Shorten it, or leave out some BREAK: each begins a new row.")


def least_rows(prompt: Prompt) -> int:
    """Returns the fewest rows that a prompt can take: a word is at least one token, and every chunk has its own row.

    How many it takes exactly only the encoders' vocabulary tells, which is not loaded where jobs are taken.
    """
    return sum(max(1, math.ceil(sum(map(_words, chunk)) / CHUNK)) for chunk in prompt.chunks)


def loras_of(request: GenerationRequest) -> tuple[Lora, ...]:
    """Returns all LoRAs a request is painted with, each once, whether its prompt or its options name them.

    Raises:
        InvalidRequestError: There are too many, or their strengths add up to too much.
    """
    loras = added_up((*request.loras, *parse(request.prompt, cast(Dialect, request.weights)).loras))
    if len(loras) > MAX_LORAS:
        raise InvalidRequestError("lora", f"{len(loras)} LoRAs are too many: at most {MAX_LORAS} are possible.")
    return loras


def added_up(loras: Iterable[Lora]) -> tuple[Lora, ...]:
    """Adds up the strengths of LoRAs with equal names, whatever their capitals; they stay where they were first.

    Raises:
        InvalidRequestError: A sum is out of range.
    """
    found: dict[str, Lora] = {}
    for lora in loras:
        known = found.get(lora.name.lower())
        found[lora.name.lower()] = lora if known is None else _sum(known, lora)
    return tuple(found.values())


def check_tile(hires: Hires, native: int) -> None:
    """Refuses tiles so small that painting in them costs many times as much, and shows them nothing of the picture.

    Args:
        hires: The second pass.
        native: The side in pixels of the pictures that its model was trained on.
    """
    least = min(MIN_TILE, native // 2)
    if hires.tile and hires.tile < least:
        message = f"tile is {hires.tile}, but with this model it must be at least {least}, or 0 for one piece."
        raise InvalidRequestError("tile", message)


def _sum(one: Lora, other: Lora) -> Lora:
    strengths = one.strength + other.strength, one.text_strength + other.text_strength
    return Lora(one.name, *(round(strength, 6) for strength in strengths))


def _words(piece: Piece) -> int:
    return len(_WORD.findall(EMBEDDING.sub("e", piece.text)))  # an embedding is one vector at least
