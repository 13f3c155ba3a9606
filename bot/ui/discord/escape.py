"""Typed text made harmless for Discord: one line, no live markdown, mention, link, emoji or reordering. Pure.

Messages show typed text through `escape`; names and labels, in which Discord reads no markdown, through `plain`.
Both take time linear in the text, and remember what they made, so a job's title is rendered once.
"""

import re
import unicodedata
from functools import lru_cache

from generation.typed_text import TypedText

TITLE_LIMIT = 1500  # what a prompt may take of a message; the rest is for the lines around it
_REMEMBERED = 256

# A backslash makes the next mark literal. A `#` that begins a keycap emoji stays, and so do dots within numbers; other
# dots would complete `discord.gg/x` or `www.example.com`, which Discord finds without a scheme.
_MARK = re.compile(
    r"[\\*_~`|\[\]<>:]|\#(?!\ufe0f?\u20e3)|^[-+]"
    r"|(?<=[^\W\d_])\.(?=\w)|(?<=\w)\.(?=[^\W\d_])|(?<=\d)\.(?=\s)"
)
_MENTION = "@\u200b"  # an @ that no name follows
_ISOLATE, _POP = "\u2068", "\u2069"  # keep right-to-left text from reordering what stands around it (UAX #9)

_JOINERS = "\u200c\u200d"  # emoji sequences, Persian, Indic scripts
_NUMBER_SIGNS = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"  # visible
_JOINED = re.compile(rf"([^\x00-\x7f{_JOINERS}])?([{_JOINERS}])[{_JOINERS}]*")
_FLAG_OR_TAG = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]{1,7}\U000e007f)|[\U000e0000-\U000e007f]")
_DROPPED = {"Cc", "Cf", "Cs"}


@lru_cache(_REMEMBERED)
def escape(text: TypedText | str, limit: int = TITLE_LIMIT) -> str:
    """Returns what a message may show of a typed text: one line of at most `limit` characters, marks included.

    The text is cut first and escaped then; what was cut off is an ellipsis.
    """
    line = plain(text)
    isolated = any(unicodedata.bidirectional(each) in {"R", "AL", "AN"} for each in line)
    room = limit - len(_ISOLATE + _POP) if isolated else limit
    escaped = _MARK.sub(r"\\\g<0>", line[: max(room, 0)]).replace("@", _MENTION)
    if len(line) > room or len(escaped) > room:
        escaped = f"{_cut(escaped, room - 1)}…"
    return f"{_ISOLATE}{escaped}{_POP}" if isolated else escaped


@lru_cache(_REMEMBERED)
def plain(text: TypedText | str, limit: int | None = None) -> str:
    """Returns a typed text as one line without control, format and surrogate characters, cut to a limit.

    Kept are joiners and tags where emoji and scripts need them, and the number signs of Arabic, Syriac and Kaithi.
    """
    line = " ".join(text.split())
    if not (line.isascii() and line.isprintable()):
        line = _FLAG_OR_TAG.sub(r"\1", line)
        line = "".join(each for each in line if _shows(each))
        line = _JOINED.sub(lambda match: f"{match[1]}{match[2]}" if match[1] else "", line)
        line = " ".join(line.split())
    return line if limit is None else line[:limit]


def forget() -> None:
    """Drops what was remembered."""
    escape.cache_clear()
    plain.cache_clear()


def _shows(character: str) -> bool:
    kept = character in _JOINERS or character in _NUMBER_SIGNS or "\U000e0020" <= character <= "\U000e007f"
    return kept or unicodedata.category(character) not in _DROPPED


def _cut(escaped: str, length: int) -> str:
    """Cuts a text that is escaped already; never between a backslash and its mark."""
    kept = escaped[: max(length, 0)]
    if (len(kept) - len(kept.rstrip("\\"))) % 2:
        kept = kept[:-1]
    return kept.rstrip(f" {_JOINERS}")
