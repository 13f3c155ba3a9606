"""The optional parts of a request: pictures to begin from, and what is done beside plain painting.

Each is frozen and checks itself; a request without parts is painted from words alone.
"""

import re
from dataclasses import dataclass

from generation.errors import InvalidRequestError
from generation.request.validation import MAX_SIZE, SIZE_STEP, check_name, check_range, check_size

FITS = ("crop", "pad", "stretch")  # how a picture is brought to another aspect
AREAS = ("whole", "masked", "canvas")  # what of a picture is painted again
ENLARGERS = ("pixel", "latent")  # between what one interpolates
MAX_FEATHER = 256
MAX_SCALE = 4.0
MAX_STEPS = 150
MAX_LORA_STRENGTH = 10.0
UNNAMED = "0" * 64  # stands in files for a picture that somebody brought: its SHA-256 would prove whose it was
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
        strength: How much of the way is repainted, 0 to 1: ComfyUI's denoise. All steps are taken within it.
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
    """What of the picture is repainted; all else stays exactly what it was.

    Attributes:
        picture: The mask's SHA-256: white or transparent is repainted. "" for what is transparent in the picture.
        invert: Whether the rest is repainted instead.
        grow: By how many pixels what is repainted is enlarged, or shrunk if negative.
        feather: Over how many pixels beyond it painted and old colours flow into each other.
        area: A name of AREAS: "whole" paints with all of the picture in view, "masked" only a detail around the mask
            at the request's full size; both give the picture back at its own size. "canvas" brings the picture to
            the request's size first.
        margin: For "masked", by how many pixels the detail is larger than what is repainted.
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
class OutpaintPadding:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hires:
    """A second pass over the finished picture, made larger first.

    Attributes:
        scale: How many times larger each side becomes, 1 to 4.
        strength: How much of it is repainted, 0 to 1.
        steps: All are taken within that strength.
        method: How it is made larger: a name of ENLARGERS, or that of an upscaler in the models folder.
        tile: The side in pixels of the overlapping tiles it is painted in; 0 for one piece. Tiles bound the memory,
            and they agree at every step (MultiDiffusion, Bar-Tal et al. 2023, arXiv 2302.08113, eq. 5).
    """

    scale: float = 2.0
    strength: float = 0.5
    steps: int = 20
    method: str = "pixel"
    tile: int = 0

    def __post_init__(self) -> None:
        check_range("hires", self.scale, 1, MAX_SCALE)
        check_range("hires_strength", self.strength, 0, 1)
        check_range("hires_steps", self.steps, 1, MAX_STEPS)
        if self.tile:
            check_size("tile", self.tile)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Returns the size that a picture of a size becomes, in multiples of 8."""
        larger = [round(side * self.scale / SIZE_STEP) * SIZE_STEP for side in (width, height)]
        return larger[0], larger[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refiner:
    """Another checkpoint that goes on with the picture: SDXL's refiner, or any other. LoRAs are not merged into it.

    Attributes:
        model: The checkpoint's name in the catalogue.
        at: When it takes over. Below 1 the share of the training time that is behind by then, 0.8 for noise below
            timestep 200, which SDXL's refiner was trained on (diffusers' denoising_end); from 1 on the number of steps.
        strength: 0 to take over at `at`; above 0 the finished picture is repainted by so much instead.
        steps: All are taken within that strength.
    """

    model: str
    at: float = 0.8
    strength: float = 0.0
    steps: int = 20

    def __post_init__(self) -> None:
        if not self.model:
            raise InvalidRequestError("refiner", "refiner must be the name of a model.")
        check_range("refiner_at", self.at, 0, MAX_STEPS)
        if self.at >= 1 and self.at != int(self.at):
            whole = "from 1 on it counts steps; below 1 it is a share"
            raise InvalidRequestError("refiner_at", f"refiner_at must be a whole number, not {self.at:g}: {whole}.")
        check_range("refiner_strength", self.strength, 0, 1)
        check_range("refiner_steps", self.steps, 1, MAX_STEPS)


def check_digest(field: str, digest: str) -> None:
    """Refuses what is no SHA-256 in hexadecimal digits."""
    if not _DIGEST.fullmatch(digest):
        raise InvalidRequestError(field, f"{field} must be named by its SHA-256, 64 hexadecimal digits.")
