"""What one can do with a finished picture beside varying it: the tools, and which of them work on which picture."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from bot.domain import Action, InputFile, Order
from bot.errors import LimitError
from bot.services.models import ModelRegistry
from bot.services.requests.framing import frame_of, in_steps
from bot.services.requests.resolve import check_longest
from bot.services.requests.sizes import WIDEST
from generation import GenerationRequest, InvalidRequestError
from generation.typed_text import TypedText

BEST_UPSCALER = "realesrgan-x4plus"


class Tool(StrEnum):
    """Something that can be done with one picture."""

    UPSCALE_2 = "upscale2"
    UPSCALE_4 = "upscale4"
    REGION = "region"
    ZOOM_15 = "zoom15"
    ZOOM_2 = "zoom2"
    ZOOM = "zoom"
    SQUARE = "square"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


SCALES = {Tool.UPSCALE_2: 2.0, Tool.UPSCALE_4: 4.0}
OUTPAINTS = {
    Tool.ZOOM_15: (TypedText("1.5x"), Action.ZOOM_OUT),
    Tool.ZOOM_2: (TypedText("2x"), Action.ZOOM_OUT),
    Tool.SQUARE: (TypedText("square"), Action.MAKE_SQUARE),
    Tool.LEFT: (TypedText("left"), Action.PAN),
    Tool.RIGHT: (TypedText("right"), Action.PAN),
    Tool.UP: (TypedText("up"), Action.PAN),
    Tool.DOWN: (TypedText("down"), Action.PAN),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large pictures may become.

    Attributes:
        native: Side of the model's square training pictures.
        painted: The longest side that people may ask for.
        upscaled: The longest side that an upscale may make.
    """

    native: int
    painted: int
    upscaled: int


class Toolbox:
    """Says which tools work on a picture, and what they work with.

    Args:
        models: What can be painted with.
        painted: The longest side that people may ask for.
        upscaled: The longest side that an upscale may make.
    """

    def __init__(self, models: ModelRegistry, painted: int, upscaled: int) -> None:
        self._models = models
        self._painted = painted
        self._upscaled = upscaled

    def bounds(self, model: str) -> Bounds:
        """Returns what holds for pictures of a model.

        Raises:
            InvalidRequestError: The model is gone.
        """
        return Bounds(self._models.native_size(model), self._painted, self._upscaled)

    def of(self, request: GenerationRequest, size: tuple[int, int]) -> frozenset[Tool]:
        """Returns the tools that work on a picture of a size, painted by a request."""
        try:
            return offered(InputFile("", *size), self.bounds(request.model))
        except InvalidRequestError:
            return frozenset()

    def upscaler(self) -> str | None:
        """Returns what upscales: Real-ESRGAN, else another upscaler of the models folder, else None: diffusion."""
        return best_upscaler(self._models.upscalers)


def known_size(request: GenerationRequest) -> tuple[int, int] | None:
    """Returns the size of a request's pictures; None where they have that of the picture they began from."""
    return None if request.mask is not None and request.mask.area != "canvas" else request.size


def best_upscaler(known: Collection[str]) -> str | None:
    """Chooses among upscalers: the one for photographs and paintings, else the first by name."""
    return BEST_UPSCALER if BEST_UPSCALER in known else min(known, default=None)


def offered(file: InputFile, bounds: Bounds) -> frozenset[Tool]:
    """Returns the tools that work on a picture."""
    return frozenset(tool for tool in Tool if _works(tool, file, bounds))


def _works(tool: Tool, file: InputFile, bounds: Bounds) -> bool:
    try:
        if tool in SCALES:
            check_scale(file, SCALES[tool], bounds)
        elif tool in OUTPAINTS:
            check_outpaint(file, OUTPAINTS[tool][0], bounds)
    except (InvalidRequestError, LimitError):
        return False
    return tool is not Tool.SQUARE or file.width != file.height


def check_scale(file: InputFile, scale: float, bounds: Bounds) -> None:
    """Refuses to make a picture larger than an operator allows.

    Raises:
        LimitError: It would be.
    """
    width, height = in_steps(file.width, file.height)
    check_longest(round(width * scale), round(height * scale), bounds.upscaled)


def check_outpaint(file: InputFile, text: TypedText, bounds: Bounds) -> None:
    """Refuses to add canvas to a picture where it would become too large or too narrow.

    Raises:
        LimitError: It would become too large.
        InvalidRequestError: The words cannot be understood, or add nothing.
    """
    frame = frame_of(Order(prompt=TypedText(""), image=file, outpaint=text), bounds.native)
    check_longest(frame.width, frame.height, bounds.painted)
    if not any(frame.edges):
        raise InvalidRequestError("outpaint", "outpaint adds nothing: the picture is square already.")
    if not 1 / WIDEST <= frame.width / frame.height <= WIDEST:
        raise InvalidRequestError("outpaint", f"outpaint: no picture is wider or higher than {WIDEST:g}:1.")
