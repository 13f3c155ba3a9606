"""What a history is searched by: the words of a prompt, each joined to the person whose it is. Pure.

A word alone would be in very many people's prompts, and its list long; joined to its person it is in theirs alone, so
that a search costs what the person has, not what everybody has (docs/decisions/0007).
"""

import re
import unicodedata

from generation.typed_text import TypedText

_WORD = re.compile(r"[^\W_]+")


def words_of(text: TypedText | str) -> list[str]:
    """Takes the different words out of a text, without capitals and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return list(dict.fromkeys(_WORD.findall(bare)))


def terms_of(person: int, text: TypedText | str) -> str:
    """Returns the terms of a person's prompt, such as "7xred 7xapple"."""
    return " ".join(f"{person}x{word}" for word in words_of(text))
