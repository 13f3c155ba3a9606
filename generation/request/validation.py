"""Checks of single values, with refusals fit for people."""

import difflib
import math
from collections.abc import Collection

from generation.errors import InvalidRequestError
from generation.typed_text import TypedText, check_encodable

SIZE_STEP = 8
MIN_SIZE, MAX_SIZE = 64, 4096
_HUGE = 10**100  # an integer beyond it may be no float
MOST_NAMED = 40  # where nothing is near
_WEIGHTS = ".safetensors"
MAX_PROMPT_CHARACTERS = 6000  # the longest text a Discord command option takes
MAX_OPTION_CHARACTERS = 1000  # every other text that is typed: names, aspects, lists of LoRAs
SHOWN_CHARACTERS = 60  # of a wrong value, in the refusal that names it


def check_text(field: str, text: TypedText | str, most: int = MAX_PROMPT_CHARACTERS) -> None:
    """Refuses a text that is too long, or has half a surrogate pair, which no file or message can hold.

    Call it before any other work on typed text.
    """
    check_length(field, len(text), most)
    check_encodable(field, text)


def check_length(field: str, length: int, most: int = MAX_PROMPT_CHARACTERS) -> None:
    """Refuses a text of a length that is too long, before the text is made."""
    if length > most:
        raise InvalidRequestError(field, f"{field} is {length:,} characters long; at most {most:,} are possible.")


def quoted(text: TypedText | str) -> str:
    """Returns a typed value as a refusal names it: in quotation marks, shortened, control characters escaped."""
    return repr(text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…")


def check_range(field: str, value: float, lowest: float, highest: float) -> None:
    """Refuses a number outside lowest..highest, and one that is no number at all."""
    if not lowest <= value <= highest:  # no NaN is
        shown = "that" if _HUGE < abs(value) < math.inf else f"{value:.16g}"
        raise InvalidRequestError(field, f"{field} must be between {lowest:g} and {highest:.16g}, not {shown}.")


def check_size(field: str, pixels: int) -> None:
    """Refuses a side that is too small, too large or no multiple of 8."""
    check_range(field, pixels, MIN_SIZE, MAX_SIZE)
    if pixels % SIZE_STEP:
        nearest = round(pixels / SIZE_STEP) * SIZE_STEP
        raise InvalidRequestError(
            field, f"{field} must be a multiple of {SIZE_STEP}: {nearest} would work, {pixels} does not."
        )


def check_name(field: str, name: TypedText | str, known: Collection[str]) -> None:
    """Refuses an unknown name, with the nearest known ones."""
    if name not in known:
        wanted = name[:MAX_OPTION_CHARACTERS]  # comparing is quadratic
        near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5) or sorted(known)[:MOST_NAMED]
        if not near:
            raise InvalidRequestError(field, f"There is no {field} named {quoted(name)}: there is none here at all.")
        raise InvalidRequestError(field, f"There is no {field} named {quoted(name)}. Did you mean {' or '.join(near)}?")


def has_folders(name: str) -> bool:
    """Whether a name could lead out of the folder that it is looked up in, on any system."""
    return any(mark in name for mark in ("/", "\\", "\0"))


def is_path(setting: str) -> bool:
    """Whether an operator's setting names a model file by its path instead of its name."""
    return setting.endswith(_WEIGHTS) or has_folders(setting)


def file_name(setting: str | None) -> str:
    """Returns what people see of a file that an operator's setting names: its name, without folders and ending."""
    if not setting or not is_path(setting):
        return setting or ""
    return setting.replace("\\", "/").rpartition("/")[2].removesuffix(_WEIGHTS)
