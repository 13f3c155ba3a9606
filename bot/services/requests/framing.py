"""From a picture that was brought to the canvas it is painted on: its size, its mask, what is added around it. Pure."""

import math
import re
from dataclasses import dataclass
from typing import Any

from bot.domain import InputFile, Order
from bot.services.requests.sizes import WIDEST, parse_aspect, size_for
from generation import Hires, Init, InvalidRequestError, Mask, OutpaintPadding, Refiner
from generation.request.options import MAX_SCALE
from generation.request.request import MIN_SIZE, SIZE_STEP
from generation.request.validation import MAX_OPTION_CHARACTERS, check_range, check_text, quoted
from generation.typed_text import TypedText

IMAGE_STRENGTH, MASK_STRENGTH = 0.6, 1.0
HIRES_STRENGTH, UPSCALE_STRENGTH = 0.5, 0.3
REFINER_AT = 0.8
FEATHER_SHARE = 32  # of the shorter side
USUAL_PAN = "50"  # percent of the side
_ZOOM = re.compile(r"(?:zoom ?)?(\d{1,4}(?:\.\d{1,6})?) ?x?(?: (\d[^\s:]*:[^\s:]*\d))?|zoom")
_PAN = re.compile(r"(left|right|up|down)(?: (\d{1,4}) ?(%|px)?)?")
NEEDS_IMAGE = ("strength", "fit", "mask", "feather", "grow", "invert", "area", "margin", "outpaint")
HOW_TO_OUTPAINT = (
    "write 2x to zoom out, 1.5x 16:9 to change the aspect too, square, or where to add canvas, such as left 50% or "
    "up 128 down 128"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """A canvas, and how much of it lies around the picture: left, top, right, bottom."""

    width: int
    height: int
    edges: tuple[int, int, int, int] = (0, 0, 0, 0)


def frame_of(order: Order, native: int) -> Frame:
    """Frames a picture where no size was typed.

    Args:
        order: With an image.
        native: Side of the model's square training pictures.

    Raises:
        InvalidRequestError: `outpaint` cannot be understood.
    """
    if order.image is None:
        raise AssertionError("only a picture can be framed")
    if order.area == "masked" and order.outpaint is None:
        return Frame(native, native)
    if order.outpaint is not None:
        return outpainted(order.outpaint, *own_size(order.image, native), native)
    if order.upscale is not None and order.strength is None:  # the image itself becomes larger
        return Frame(*in_steps(order.image.width, order.image.height))
    return Frame(*own_size(order.image, native))


def own_size(image: InputFile, native: int) -> tuple[int, int]:
    """Returns the picture's own size where the model paints that well, else its aspect with about the native area."""
    sides = (image.width, image.height)
    if all(side % SIZE_STEP == 0 for side in sides) and 0.5 <= image.width * image.height / native**2 <= 1.25:
        return sides
    return size_for(min(max(image.width / image.height, 1 / WIDEST), WIDEST), native)


def in_steps(width: int, height: int) -> tuple[int, int]:
    """Returns the nearest size whose sides are multiples of 8, and not too small to be painted."""
    stepped = [max(round(side / SIZE_STEP) * SIZE_STEP, MIN_SIZE) for side in (width, height)]
    return stepped[0], stepped[1]


def outpainted(text: TypedText, width: int, height: int, native: int) -> Frame:
    """Adds canvas to a picture of a size.

    Args:
        text: `2x` zooms out within the same size, `1x 16:9` within another aspect, `square` adds to the shorter side,
            `left 50% up 128` pans.
        width: The picture's, as it is painted.
        height: Likewise.
        native: Side of the model's square training pictures.
    """
    check_text("outpaint", text, MAX_OPTION_CHARACTERS)
    words = " ".join(text.lower().replace(",", " ").split())
    if words == "square":
        side = max(width, height)
        return Frame(side, side, _around(width, height, side, side))
    if zoom := _ZOOM.fullmatch(words):
        size = (width, height) if zoom[2] is None else size_for(parse_aspect(TypedText(zoom[2])), native)
        return _zoomed(float(zoom[1] or 2), (width, height), size)
    pans = list(_PAN.finditer(words))
    if not pans or _PAN.sub("", words).strip():
        raise InvalidRequestError("outpaint", f"outpaint: {HOW_TO_OUTPAINT}; {quoted(text)} is none of these.")
    added = {pan[1]: _added(pan, width if pan[1] in {"left", "right"} else height) for pan in pans}
    left, up, right, down = (added.get(side, 0) for side in ("left", "up", "right", "down"))
    return Frame(width + left + right, height + up + down, (left, up, right, down))


def beginning(order: Order, frame: Frame) -> dict[str, Any]:
    """Returns the request's parts that say what it begins from.

    Raises:
        InvalidRequestError: Something was typed that needs a picture, or a transparent one.
    """
    image = order.image
    if image is None:
        _refuse_without_picture(order)
        return {}
    has_mask = order.mask is not None or _speaks_of_a_mask(order)
    if has_mask and order.mask is None and not image.transparent:
        raise InvalidRequestError("mask", "mask is missing: the image has nothing transparent to paint anew.")
    partly = has_mask or order.outpaint is not None
    feather = _feather(order, frame, image)
    parts: dict[str, Any] = {
        "init": Init(
            picture=image.digest,
            strength=_or(order.strength, _usual_strength(order, partly=partly)),
            fit=_or(order.fit, "crop"),
        )
    }
    if has_mask:
        parts["mask"] = Mask(
            picture=order.mask.digest if order.mask else "",
            invert=_or(order.invert, False),
            grow=_or(order.grow, 0),
            feather=feather,
            area=_area(order),
            margin=_or(order.margin, 32),
        )
    if order.outpaint is not None:
        left, top, right, bottom = frame.edges
        parts["outpaint"] = OutpaintPadding(left=left, top=top, right=right, bottom=bottom, feather=feather)
    return parts


def _usual_strength(order: Order, *, partly: bool) -> float:
    """Returns how much of an image is painted anew where nobody says it: an upscale leaves that to its second pass."""
    if order.upscale is not None:
        return 0.0
    return MASK_STRENGTH if partly else IMAGE_STRENGTH


def _speaks_of_a_mask(order: Order) -> bool:
    """Whether what is transparent is the mask: only when something about masks was typed."""
    about = (order.area, order.grow, order.invert, order.margin, None if order.outpaint else order.feather)
    return any(each is not None for each in about)


def second_pass(order: Order, native: int, steps: int) -> Hires | None:
    """Returns the pass that makes a picture larger: `hires` in one piece, `upscale` in tiles and more gently.

    Args:
        order: What was typed.
        native: Side of the model's square training pictures, and so of a tile.
        steps: The first pass's.

    Raises:
        InvalidRequestError: Both were typed, or something about a second pass that is not there.
    """
    scale = _or(order.hires, order.upscale)
    if scale is None:
        for field in ("hires_strength", "hires_steps", "hires_method", "tile"):
            if getattr(order, field) is not None:
                raise InvalidRequestError(field, f"{field} needs hires or upscale; give one, or leave {field} out.")
        return None
    if order.hires is not None and order.upscale is not None:
        raise InvalidRequestError("upscale", "Give either hires or upscale, not both.")
    gently = order.upscale is not None
    check_range("upscale" if gently else "hires", scale, 1, MAX_SCALE)
    return Hires(
        scale=float(scale),
        strength=_or(order.hires_strength, upscale_strength(float(scale)) if gently else HIRES_STRENGTH),
        steps=_or(order.hires_steps, steps),
        method=_or(order.hires_method, "pixel"),
        tile=_or(order.tile, native if gently else 0),
    )


def refinement(order: Order, steps: int) -> Refiner | None:
    """Returns the other checkpoint that goes on with the picture.

    Args:
        order: What was typed.
        steps: The picture's own, which a pass of the refiner's own has too where nobody says it.

    Raises:
        InvalidRequestError: Something about a refiner was typed, and none named.
    """
    if order.refiner is None:
        for field in ("refiner_at", "refiner_strength", "refiner_steps"):
            if getattr(order, field) is not None:
                raise InvalidRequestError(field, f"{field} needs a refiner; name one, or leave {field} out.")
        return None
    if order.refiner_at is not None and order.refiner_strength:
        raise InvalidRequestError(
            "refiner_at",
            "Give either refiner_at, to go on half-way, or refiner_strength, to paint over what is finished; not both.",
        )
    if order.refiner_strength:
        steps = _or(order.refiner_steps, steps)
        return Refiner(model=order.refiner, strength=order.refiner_strength, steps=steps)
    if order.refiner_steps is not None:
        raise InvalidRequestError("refiner_steps", "refiner_steps needs refiner_strength; give that, or leave it out.")
    return Refiner(model=order.refiner, at=_or(order.refiner_at, REFINER_AT))


def upscale_strength(scale: float) -> float:
    """Returns how much an upscale paints anew: the less of the picture a tile shows, the less it may change."""
    return UPSCALE_STRENGTH * min(2 / scale, 1.0)


def _area(order: Order) -> str:
    sized = order.outpaint is not None or order.width is not None or order.height is not None or order.aspect
    return order.area or ("canvas" if sized else "whole")


def _feather(order: Order, frame: Frame, image: InputFile) -> int:
    if order.feather is not None:
        return order.feather
    left, top, right, bottom = frame.edges
    on_canvas = order.outpaint is not None or _area(order) == "canvas"
    sides = (frame.width - left - right, frame.height - top - bottom) if on_canvas else (image.width, image.height)
    return min(sides) // FEATHER_SHARE


def _refuse_without_picture(order: Order) -> None:
    for field in NEEDS_IMAGE:
        if getattr(order, field) is not None:
            raise InvalidRequestError(field, f"{field} needs an image to begin from; give one, or leave {field} out.")


def _zoomed(factor: float, picture: tuple[int, int], canvas: tuple[int, int]) -> Frame:
    """Lays a picture into the middle of a canvas, so many times smaller than it would fit there."""
    if not 1 <= factor <= 4 or (factor == 1 and picture == canvas):
        raise InvalidRequestError(
            "outpaint",
            f"outpaint: one can zoom out up to 4x, and by more than 1x unless the aspect changes; not {factor:g}x.",
        )
    scale = min(canvas[0] / picture[0], canvas[1] / picture[1]) / factor
    inner = max(round(picture[0] * scale), SIZE_STEP), max(round(picture[1] * scale), SIZE_STEP)
    return Frame(*canvas, _around(*inner, *canvas))


def _around(inner_width: int, inner_height: int, width: int, height: int) -> tuple[int, int, int, int]:
    across, along = width - inner_width, height - inner_height
    return across // 2, along // 2, across - across // 2, along - along // 2


def _added(pan: re.Match[str], side: int) -> int:
    amount, unit = (pan[2], pan[3]) if pan[2] else (USUAL_PAN, "%")
    pixels = side * int(amount) / 100 if unit == "%" else int(amount)
    return max(math.ceil(pixels / SIZE_STEP), 1) * SIZE_STEP


def _or(typed: Any, default: Any) -> Any:
    return default if typed is None else typed
