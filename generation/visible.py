"""Foreign text made fit to be shown: on a terminal, in a list, in a log."""

import re

# Controls of C0 and C1, line and paragraph separators, bidirectional controls, tags, and lone surrogates.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
SHOWN_CHARACTERS = 200


def is_visible(text: str) -> bool:
    """Whether text holds nothing that steers a terminal, reorders letters, or cannot be encoded."""
    return _HIDDEN.search(text) is None


def visible(text: str, keep: str = "") -> str:
    r"""Escapes what would steer a terminal or reorder letters, as Python writes it: `\x1b`, `\u202e`.

    Args:
        text: From anywhere.
        keep: Characters that stay as they are, such as a line feed.
    """
    return _HIDDEN.sub(lambda match: match[0] if match[0] in keep else ascii(match[0])[1:-1], text)


def shortened(text: object, most: int = SHOWN_CHARACTERS) -> str:
    """Returns what a message shows of a foreign value: on one line, escaped, cut to a length."""
    line = str(text)[: most + 1]
    return visible(line if len(line) <= most else f"{line[:most]}…")
