"""Where painting begins from a picture: how it lies on the canvas, what of it is repainted, what is kept.

Pure geometry on plain pixels, away from the device and from the event loop: `prepare` before painting, `finish` after.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from generation.errors import InvalidRequestError
from generation.images.loading import OWN_BYTES, InputPicture, read
from generation.images.pixels import AlphaMask, Pixels
from generation.request.options import Init, Mask
from generation.request.request import GenerationRequest

Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two are outside
Levels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Composite:
    """How what was painted goes back into the picture.

    Attributes:
        original: The picture that is kept.
        blend: How much of what was painted shows at each of its pixels: 0 keeps the original exactly.
        box: Where in it the painted canvas lies.
    """

    original: Pixels
    blend: AlphaMask
    box: Box


@dataclass(frozen=True, slots=True)
class Canvas:
    """What the device begins from, all of the request's size.

    Attributes:
        picture: The colours.
        mask: 255 where it is repainted and 0 where it is kept; None for all of it.
        composite: How the result is made of what was painted; None where that is the result.
        notes: What people should know of how the pictures were read.
    """

    picture: Pixels
    mask: AlphaMask | None = None
    composite: Composite | None = None
    notes: tuple[str, ...] = ()


def prepare(request: GenerationRequest, inputs: Mapping[str, bytes]) -> Canvas | None:
    """Lays out the canvas of a request.

    Args:
        request: What to paint.
        inputs: The files of `request.inputs` by their SHA-256.

    Returns:
        The canvas; None for a request that begins from noise alone.

    Raises:
        InvalidRequestError: A picture cannot be read, or its mask leaves nothing to paint.
    """
    if request.init is None:
        return None
    source = read(_file(request.init.picture, inputs, "image"), "image", OWN_BYTES)
    drawn = None
    if request.mask is not None and request.mask.picture:
        drawn = read(_file(request.mask.picture, inputs, "mask"), "mask", OWN_BYTES)
    canvas = _canvas(request, request.init, source, drawn)
    return replace(canvas, notes=source.notes if drawn is None else (*source.notes, *drawn.notes))


def _canvas(request: GenerationRequest, init: Init, source: InputPicture, drawn: InputPicture | None) -> Canvas:
    if request.mask is not None and request.mask.area != "canvas":
        return _within(request, request.mask, source.pixels, _mask_of(request.mask, source, drawn))
    if request.mask is None and request.outpaint is None:
        return Canvas(_pixels(_fitted(_image(source.pixels), request.width, request.height, init.fit)))
    return _laid_out(request, init, source, drawn)


def finish(canvas: Canvas | None, painted: Pixels) -> Pixels:
    """Makes the result of what was painted: what was to be kept is the original's, pixel by pixel."""
    if canvas is None or canvas.composite is None:
        return painted
    composite = canvas.composite
    left, top, right, bottom = composite.box
    image = _image(painted).resize((right - left, bottom - top), Image.Resampling.LANCZOS)
    whole = _image(composite.original)
    whole.paste(image, (left, top), _cover_image(composite.blend).crop(composite.box))
    return _pixels(whole)


def feathered(mask: Levels, reach: int) -> Levels:
    """Lets a mask fall off to nothing over `reach` pixels beyond it; within it stays whole.

    The mask is enlarged by half of the reach and blurred by two boxes that together reach the other half.
    """
    if reach == 0:
        return mask
    half = reach - reach // 2
    soft = grown(mask, half).astype(np.float32)
    for radius in ((reach - half) // 2, (reach - half) - (reach - half) // 2):
        for axis in (0, 1):
            soft = uniform_filter1d(soft, 2 * radius + 1, axis=axis, mode="nearest")
    return soft.round().clip(0, 255).astype(np.uint8)


def grown(mask: Levels, pixels: int) -> Levels:
    """Enlarges a mask by so many pixels on every side, or shrinks it if negative."""
    if pixels == 0:
        return mask
    change = maximum_filter1d if pixels > 0 else minimum_filter1d
    for axis in (0, 1):
        mask = change(mask, 2 * abs(pixels) + 1, axis=axis, mode="nearest")
    return mask


def detail(blend: Levels, margin: int, width: int, height: int) -> Box:
    """Returns the part of a picture around its mask, with a margin, as nearly as may be of the aspect width:height.

    Args:
        blend: The mask; above 0 where something is painted.
        margin: Pixels around it.
        width: Of the canvas it will be painted on.
        height: Likewise.
    """
    rows, columns = np.flatnonzero(blend.any(axis=1)), np.flatnonzero(blend.any(axis=0))
    tall, wide = blend.shape
    box_height = min(int(rows[-1]) + 1 - int(rows[0]) + 2 * margin, tall)
    box_width = min(int(columns[-1]) + 1 - int(columns[0]) + 2 * margin, wide)
    box_width = min(max(box_width, round(box_height * width / height)), wide)
    box_height = min(max(box_height, round(box_width * height / width)), tall)
    left = _start(int(columns[0]), int(columns[-1]) + 1, box_width, wide)
    top = _start(int(rows[0]), int(rows[-1]) + 1, box_height, tall)
    return left, top, left + box_width, top + box_height


def _start(first: int, end: int, length: int, whole: int) -> int:
    return min(max((first + end - length) // 2, 0), whole - length)


def _file(digest: str, inputs: Mapping[str, bytes], field: str) -> bytes:
    if digest not in inputs:
        raise InvalidRequestError(field, f"{field} is missing: the file with the SHA-256 {digest} is needed.")
    return inputs[digest]


def _mask_of(options: Mask, source: InputPicture, drawn: InputPicture | None) -> Levels:
    """Returns a mask of its picture's size: 255 where it is repainted."""
    size = (source.pixels.width, source.pixels.height)
    if drawn is not None:
        image = _image(drawn.pixels).convert("L") if drawn.opacity is None else _see_through(drawn.opacity)
    elif source.opacity is not None:
        image = _see_through(source.opacity)
    else:
        raise InvalidRequestError("mask", "mask is missing: the picture has no transparent pixels to repaint.")
    levels = np.asarray(image.resize(size, Image.Resampling.BILINEAR)) >= 128
    return np.where(levels != options.invert, 255, 0).astype(np.uint8)


def _see_through(opacity: AlphaMask) -> Image.Image:
    return _cover_image(opacity).point(lambda level: 255 - level)


def _blend(options: Mask, mask: Levels) -> Levels:
    blend = feathered(grown(mask, options.grow), options.feather)
    if not blend.any():
        raise InvalidRequestError("mask", "mask is empty: paint white, or erase, what Easel is to repaint.")
    return blend


def _within(request: GenerationRequest, options: Mask, picture: Pixels, mask: Levels) -> Canvas:
    """Paints with the picture, or a detail of it, in view; the result has the picture's own size."""
    blend = _blend(options, mask)
    box = (0, 0, picture.width, picture.height)
    if options.area == "masked":
        box = detail(blend, options.margin, request.width, request.height)
    size = (request.width, request.height)
    seen = _image(picture).crop(box).resize(size, Image.Resampling.LANCZOS)
    touched = Image.fromarray(np.where(blend > 0, 255, 0).astype(np.uint8)).crop(box)
    return Canvas(_pixels(seen), _touched(touched, size), Composite(picture, _cover(blend), box))


def _laid_out(request: GenerationRequest, init: Init, source: InputPicture, drawn: InputPicture | None) -> Canvas:
    """Brings picture and mask to the request's size, with new canvas around them."""
    edges = request.outpaint
    left, top, right, bottom = (edges.left, edges.top, edges.right, edges.bottom) if edges else (0, 0, 0, 0)
    inner = (request.width - left - right, request.height - top - bottom)
    picture = _extended(_fitted(_image(source.pixels), *inner, init.fit), (left, top, right, bottom))
    mask = np.full((request.height, request.width), 255, np.uint8)
    kept = mask[top : request.height - bottom, left : request.width - right]
    kept[:] = 0
    blend = feathered(mask, edges.feather if edges else 0)
    if request.mask is not None:
        own = Image.fromarray(_mask_of(request.mask, source, drawn))
        kept[:] = np.where(np.asarray(_fitted(own, *inner, init.fit)) >= 128, 255, 0)
        blend = np.maximum(blend, _blend(request.mask, mask))
    touched = Image.fromarray(np.where(blend > 0, 255, 0).astype(np.uint8))
    pixels = _pixels(picture)
    box = (0, 0, request.width, request.height)
    return Canvas(pixels, _touched(touched, picture.size), Composite(pixels, _cover(blend), box))


def _touched(image: Image.Image, size: tuple[int, int]) -> AlphaMask:
    """Scales a mask so that whatever touches a pixel of it counts."""
    levels = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    return _cover(np.where(levels > 0, 255, 0).astype(np.uint8))


def _fitted(image: Image.Image, width: int, height: int, fit: str) -> Image.Image:
    """Brings an image to a size: "crop" as ComfyUI's ImageScale does it, "pad" with its edges drawn out, "stretch"."""
    if image.size == (width, height):
        return image
    if fit == "crop":
        image = image.crop(_middle(image.size, width / height))
    elif fit == "pad":
        scale = min(width / image.width, height / image.height)
        inner = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
        left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
        edges = (left, top, width - inner[0] - left, height - inner[1] - top)
        return _extended(image.resize(inner, Image.Resampling.LANCZOS), edges)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _middle(size: tuple[int, int], aspect: float) -> Box:
    """Returns the largest part of an aspect in the middle, by ComfyUI's rounding."""
    width, height = size
    left = min(round(max(width - height * aspect, 0) / 2), (width - 1) // 2)
    top = min(round(max(height - width / aspect, 0) / 2), (height - 1) // 2)
    return left, top, width - left, height - top


def _extended(image: Image.Image, edges: tuple[int, int, int, int]) -> Image.Image:
    """Draws an image's edges out over new canvas, softly, so that painting begins from fitting colours.

    Args:
        image: What is extended.
        edges: How much canvas is new on the left, above, on the right, below.
    """
    if not any(edges):
        return image
    left, top, right, bottom = edges
    sides = ((top, bottom), (left, right))
    levels = np.asarray(image)
    drawn = Image.fromarray(np.pad(levels, sides if levels.ndim == 2 else (*sides, (0, 0)), mode="edge"))
    drawn = drawn.filter(ImageFilter.GaussianBlur(max(edges) / 8))
    drawn.paste(image, (left, top))
    return drawn


def _image(pixels: Pixels) -> Image.Image:
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)


def _pixels(image: Image.Image) -> Pixels:
    return Pixels(image.width, image.height, image.tobytes())


def _cover(levels: Levels) -> AlphaMask:
    return AlphaMask(levels.shape[1], levels.shape[0], levels.tobytes())


def _cover_image(cover: AlphaMask) -> Image.Image:
    return Image.frombytes("L", (cover.width, cover.height), cover.levels)
