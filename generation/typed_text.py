"""Typed text: what a person wrote, as it came in; whoever reads it must take linear time and refuse in words.

Commands, forms and files make it with `take_in`, and a reader says `TypedText` in its signature; one that also reads
what was made of it, such as a kept request's prompt, says `TypedText | str`. By that tests find all readers
(tests/typed_text) and feed them the worst that a person could type.
"""

import re
from typing import NewType

from generation.errors import InvalidRequestError

TypedText = NewType("TypedText", str)

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def take_in(text: str, name: str = "text") -> TypedText:
    """Takes in what a person wrote.

    Args:
        text: As it came.
        name: What people call it.

    Raises:
        InvalidRequestError: It holds a character that cannot be kept; the message says which and where.
    """
    check_encodable(name, text)
    nul = text.find("\x00")
    if nul >= 0:  # PostgreSQL keeps none
        where = f"at character {nul + 1:,}"
        raise InvalidRequestError(name, f"{name} has a NUL character {where}; delete it.")
    return TypedText(text)


def check_encodable(field: str, text: str) -> None:
    """Refuses a text that has half a surrogate pair, which no file or message can hold."""
    broken = _HALF_CHARACTER.search(text)
    if broken:
        where = f"at character {broken.start() + 1:,}"
        raise InvalidRequestError(field, f"{field} has half a character {where}; delete it and type it once more.")
