"""What reactions on a result mean."""

from enum import StrEnum

_VARIATION_SELECTOR = "\ufe0f"  # some clients send it with an emoji, others do not


class Meaning(StrEnum):
    """What a person wants who reacts."""

    REROLL = "paint the same again with new seeds, for whoever reacts"
    DELETE = "delete the message, or cancel its job: who asked for it, and moderators"
    LETTER = "send the originals, seed and recipe by direct message"
    UPSCALE = "upscale the picture, for whoever reacts"
    STAR = "copy to the server's gallery, once and with the number of stars"


MEANINGS = {
    "🔄": Meaning.REROLL,
    "🔁": Meaning.REROLL,
    "🎲": Meaning.REROLL,
    "❌": Meaning.DELETE,
    "🗑": Meaning.DELETE,
    "✉": Meaning.LETTER,
    "⭐": Meaning.STAR,
    "🔍": Meaning.UPSCALE,
}


def plain(emoji: str) -> str:
    """Returns an emoji without the selector that says to draw it in colour."""
    return emoji.replace(_VARIATION_SELECTOR, "")
