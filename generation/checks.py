"""Checks of single values, with refusals fit for people."""

import difflib
import math
from collections.abc import Collection

from generation.errors import InvalidRequestError

SIZE_STEP = 8
MIN_SIZE, MAX_SIZE = 64, 4096
MOST_NAMED = 40  # where nothing is near
MAX_PROMPT_CHARACTERS = 6000  # the longest text a Discord command option takes


def check_text(field: str, text: str) -> None:
    """Refuses a prompt that is too long."""
    if len(text) > MAX_PROMPT_CHARACTERS:
        message = f"{field} is {len(text):,} characters long; at most {MAX_PROMPT_CHARACTERS:,} are possible."
        raise InvalidRequestError(field, message)


def check_range(field: str, value: float, lowest: float, highest: float) -> None:
    """Refuses a number outside lowest..highest, and one that is no number at all."""
    if not (math.isfinite(value) and lowest <= value <= highest):
        raise InvalidRequestError(field, f"{field} must be between {lowest:g} and {highest:.16g}, not {value:.16g}.")


def check_size(field: str, pixels: int) -> None:
    """Refuses a side that is too small, too large or no multiple of 8."""
    check_range(field, pixels, MIN_SIZE, MAX_SIZE)
    if pixels % SIZE_STEP:
        nearest = round(pixels / SIZE_STEP) * SIZE_STEP
        raise InvalidRequestError(
            field, f"{field} must be a multiple of {SIZE_STEP}: {nearest} would work, {pixels} does not."
        )


def check_name(field: str, name: str, known: Collection[str]) -> None:
    """Refuses an unknown name, with the nearest known ones."""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)[:MOST_NAMED]
        if not near:
            raise InvalidRequestError(field, f"There is no {field} named {name!r}: there is none here at all.")
        raise InvalidRequestError(field, f"There is no {field} named {name!r}. Did you mean {' or '.join(near)}?")
