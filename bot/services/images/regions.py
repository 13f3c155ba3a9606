"""Choosing what of a picture is painted anew: its parts by number, what is chosen of them, the mask that makes."""

import asyncio
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from bot.services.ports import PictureStore
from generation import InvalidRequestError
from generation.images import loading
from generation.images.pixels import Pixels
from generation.images.segmentation import COUNTS, Labels, lab, regions

SHOWN_SIDE = 768  # pixels of the preview's longer side
STEPS = 64  # of the shorter side: how finely the border is moved
MOST_STEPS = 9
KEPT = 8  # pictures whose parts are kept in memory
CHOICE = rf"(?P<parts>[0-9a-f]{{1,7}}):(?P<grow>-?\d):(?P<invert>[01]):(?P<level>[0-{len(COUNTS) - 1}])"

_PLACES = (("top left", "top", "top right"), ("left", "middle", "right"), ("bottom left", "bottom", "bottom right"))
_COLOURS = {
    "black": (20, 20, 20), "dark grey": (75, 75, 75), "grey": (128, 128, 128), "light grey": (190, 190, 190),
    "white": (245, 245, 245), "red": (215, 35, 35), "dark red": (120, 20, 20), "orange": (240, 140, 30),
    "brown": (115, 75, 45), "beige": (220, 200, 165), "yellow": (240, 220, 50), "olive": (120, 120, 40),
    "light green": (140, 215, 120), "green": (45, 155, 55), "dark green": (20, 75, 35), "teal": (30, 130, 130),
    "light blue": (140, 190, 230), "blue": (45, 95, 205), "dark blue": (25, 35, 100), "purple": (120, 55, 160),
    "pink": (235, 135, 175),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a picture is chosen; its words fit into a button's id.

    Attributes:
        parts: The parts, counted from 0.
        grow: How far the border is moved outwards, in steps; inwards if negative.
        invert: Whether all but that is meant.
        level: How finely the picture is divided, a place in COUNTS.
    """

    parts: frozenset[int] = frozenset()
    grow: int = 0
    invert: bool = False
    level: int = 0

    def __str__(self) -> str:
        return f"{sum(1 << part for part in self.parts):x}:{self.grow}:{self.invert:d}:{self.level}"

    def grown_by(self, steps: int) -> "Choice":
        """Moves the border, as far as it goes."""
        return replace(self, grow=max(-MOST_STEPS, min(self.grow + steps, MOST_STEPS)))


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a picture.

    Attributes:
        share: Of the picture, 0 to 1.
        colour: A name for it.
        place: Where it lies, such as "top left".
        anchor: Its innermost point: across and down, 0 to 1.
    """

    share: float
    colour: str
    place: str
    anchor: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A picture divided: each pixel's part, and the parts."""

    labels: Labels
    parts: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """A picture whose parts are known.

    Attributes:
        width: Its own, in pixels.
        height: Likewise.
        shown: The picture at the size of a preview.
        levels: Its parts, coarse to fine.
    """

    width: int
    height: int
    shown: Pixels
    levels: tuple[Level, ...]

    def pixels_grown(self, choice: Choice) -> int:
        """Returns by how many of the picture's pixels the border is moved."""
        return round(choice.grow * min(self.width, self.height) / STEPS)


class Segmenter:
    """Divides kept pictures, off the event loop, and remembers the last ones.

    Args:
        pictures: Where they are kept.
    """

    def __init__(self, pictures: PictureStore) -> None:
        self._pictures = pictures
        self._known: LRUCache[str, Segmentation] = LRUCache(KEPT)
        self._turn = asyncio.Lock()  # a large picture takes some hundred megabytes while it is looked at

    async def divide(self, digest: str) -> Segmentation:
        """Returns a picture's parts.

        Raises:
            PictureLostError: It is not kept any more.
            InvalidRequestError: Its file is damaged.
        """
        if (known := self._known.get(digest)) is not None:
            return known
        async with self._turn:
            if digest not in self._known:  # another may have asked for it meanwhile
                self._known[digest] = await asyncio.to_thread(divide, await self._pictures.get(digest))
            return self._known[digest]


def divide(data: bytes) -> Segmentation:
    """Divides a picture file; takes some tenths of a second.

    Raises:
        InvalidRequestError: It is no picture, or damaged.
    """
    pixels = loading.read(data, most_bytes=loading.OWN_BYTES).pixels
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    levels = tuple(_level(labels, image) for labels in regions(pixels))
    scale = SHOWN_SIDE / max(image.size)
    small = image.resize((max(round(image.width * scale), 1), max(round(image.height * scale), 1)))
    return Segmentation(image.width, image.height, Pixels(small.width, small.height, small.tobytes()), levels)


def choice_of(match: re.Match[str]) -> Choice:
    """Reads a choice out of a button's id."""
    bits = int(match["parts"], 16)
    parts = frozenset(part for part in range(max(COUNTS)) if bits >> part & 1)
    return Choice(parts, int(match["grow"]), match["invert"] == "1", int(match["level"]))


def chosen(divided: Segmentation, choice: Choice, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Returns where a picture is painted anew, (height, width), as the engine will see it at a size.

    Args:
        divided: The picture.
        choice: What is chosen.
        size: Width and height of the map.
    """
    from generation.images.inpaint_canvas import grown  # noqa: PLC0415 - it needs scipy

    image = Image.open(io.BytesIO(mask_file(divided, choice))).resize(size, Image.Resampling.BILINEAR)
    anew = np.where((np.asarray(image) >= 128) != choice.invert, 255, 0).astype(np.uint8)
    moved = round(divided.pixels_grown(choice) * min(size) / min(divided.width, divided.height))
    return grown(anew, moved) > 0


def check_chosen(divided: Segmentation, choice: Choice) -> None:
    """Refuses a choice that paints nothing.

    Raises:
        InvalidRequestError: It does.
    """
    if not chosen(divided, choice, (divided.shown.width, divided.shown.height)).any():
        raise InvalidRequestError("mask", "Nothing is chosen: choose at least one part, or shrink the border less.")


def mask_file(divided: Segmentation, choice: Choice) -> bytes:
    """Returns a PNG whose white is the parts that are chosen; inverting and growing is left to the engine."""
    labels = divided.levels[choice.level].labels
    image = Image.fromarray(np.where(np.isin(labels, list(choice.parts)), 255, 0).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def at_level(divided: Segmentation, choice: Choice, level: int) -> Choice:
    """Carries a choice over to a finer or coarser division: the parts of which most was chosen."""
    before = np.isin(divided.levels[choice.level].labels, list(choice.parts))
    labels = divided.levels[level].labels
    parts = (part for part in range(len(divided.levels[level].parts)) if before[labels == part].mean() > 0.5)
    return replace(choice, parts=frozenset(parts), level=level)


def with_parts(divided: Segmentation, choice: Choice, parts: Iterable[int]) -> Choice:
    """Chooses other parts; what the picture does not have is left out."""
    known = range(len(divided.levels[choice.level].parts))
    return replace(choice, parts=frozenset(part for part in parts if part in known))


def _level(labels: Labels, image: Image.Image) -> Level:
    from scipy.ndimage import find_objects  # noqa: PLC0415 - 30 MB, for those who choose regions

    height, width = labels.shape
    colours = np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float64) / 255
    found = find_objects(labels.astype(np.int32) + 1)
    return Level(labels, tuple(_part(labels, colours, part, box) for part, box in enumerate(found)))


def _part(labels: Labels, colours: NDArray[np.float64], part: int, box: tuple[slice, slice]) -> Segment:
    from scipy.ndimage import distance_transform_edt  # noqa: PLC0415

    height, width = labels.shape
    inside = labels[box] == part
    rows, columns = np.nonzero(inside)
    middle = (rows.mean() + box[0].start + 0.5) / height, (columns.mean() + box[1].start + 0.5) / width
    depth = distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    anchor = ((int(column) + box[1].start + 0.5) / width, (int(row) + box[0].start + 0.5) / height)
    place = _PLACES[min(int(middle[0] * 3), 2)][min(int(middle[1] * 3), 2)]
    return Segment(len(rows) / labels.size, colour_name(colours[box][inside].mean(axis=0)), place, anchor)


def colour_name(rgb: NDArray[np.float64]) -> str:
    """Returns the nearest of some names for a colour, three values from 0 to 1."""
    known = lab(np.array(list(_COLOURS.values())) / 255)
    distances = ((known - lab(rgb)) ** 2).sum(axis=1)
    return list(_COLOURS)[int(distances.argmin())]
