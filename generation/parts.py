"""The optional parts of a request: pictures to begin from, and what is done beside plain painting.

Each is frozen and checks itself; a request without parts is painted from words alone.
"""

import re
from dataclasses import dataclass

from generation.checks import MAX_SIZE, check_name, check_range
from generation.errors import InvalidRequestError

FITS = ("crop", "pad", "stretch")  # how a picture is brought to another aspect
AREAS = ("whole", "masked", "canvas")  # what of a picture is painted again
MAX_FEATHER = 256
MAX_LORA_STRENGTH = 10.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA that is merged into the weights.

    Attributes:
        name: Its file's name without the ending.
        strength: How much of it the UNet gets; negative to go the other way.
        text_strength: How much of it the text encoders get.
    """

    name: str
    strength: float = 1.0
    text_strength: float = 1.0

    def __post_init__(self) -> None:
        for strength in (self.strength, self.text_strength):
            check_range(f"the strength of the LoRA {self.name}", strength, -MAX_LORA_STRENGTH, MAX_LORA_STRENGTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """The picture that painting begins from.

    Attributes:
        picture: Its name by content: the file's SHA-256.
        strength: How much of the way is painted anew, 0 to 1: ComfyUI's denoise. All steps are taken within it.
        fit: How it is brought to the request's aspect, a name of FITS.
    """

    picture: str
    strength: float = 0.6
    fit: str = "crop"

    def __post_init__(self) -> None:
        check_digest("image", self.picture)
        check_range("strength", self.strength, 0, 1)
        check_name("fit", self.fit, FITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """What of the picture is painted anew; all else stays exactly what it was.

    Attributes:
        picture: The mask's SHA-256: white or transparent is painted anew. "" for what is transparent in the picture.
        invert: Whether the rest is painted anew instead.
        grow: By how many pixels what is painted anew is enlarged, or shrunk if negative.
        feather: Over how many pixels beyond it painted and old colours flow into each other.
        area: A name of AREAS: "whole" paints with all of the picture in view, "masked" only a detail around the mask
            at the request's full size; both give the picture back at its own size. "canvas" brings the picture to
            the request's size first.
        margin: For "masked", by how many pixels the detail is larger than what is painted anew.
    """

    picture: str = ""
    invert: bool = False
    grow: int = 0
    feather: int = 0
    area: str = "whole"
    margin: int = 32

    def __post_init__(self) -> None:
        if self.picture:
            check_digest("mask", self.picture)
        check_range("grow", self.grow, -MAX_SIZE, MAX_SIZE)
        check_range("feather", self.feather, 0, MAX_FEATHER)
        check_name("area", self.area, AREAS)
        check_range("margin", self.margin, 0, MAX_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """How much canvas is added around the picture, in pixels of the finished picture; the picture fills the rest.

    Attributes:
        left: Beside it, on the left.
        top: Above it.
        right: Beside it, on the right.
        bottom: Below it.
        feather: How far the blend reaches into the picture.
    """

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    feather: int = 0

    def __post_init__(self) -> None:
        for side in ("left", "top", "right", "bottom"):
            check_range(f"outpaint {side}", getattr(self, side), 0, MAX_SIZE)
        check_range("feather", self.feather, 0, MAX_FEATHER)
        if not (self.left or self.top or self.right or self.bottom):
            raise InvalidRequestError("outpaint", "outpaint adds nothing: say how much to add, and where.")


def check_digest(field: str, digest: str) -> None:
    """Refuses what is no SHA-256 in hexadecimal digits."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidRequestError(field, f"{field} must be named by its SHA-256, 64 hexadecimal digits.")
