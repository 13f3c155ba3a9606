"""A running work's live preview: a small JPEG, drawn now and then beside the device's thread. Imports no torch."""

import io
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

    from generation.sdxl.model.model import Glance

DrawLater = Callable[[Callable[[], None]], None]

EVERY_SECONDS = 2.5  # a little less than the time between two edits of a message
SIDE = 256  # pixels of a preview's longer side
MAX_BYTES = 20_000
QUALITIES = (80, 60, 40, 20)


class PreviewStream:
    """Keeps the newest preview of one work, drawn at most every so often and one at a time.

    Args:
        count: How many pictures the work has.
        draw_later: Runs a drawing on another thread.
        every: Seconds between two drawings; a work that ends sooner has none.
    """

    def __init__(self, count: int, draw_later: DrawLater, every: float) -> None:
        self.newest: bytes | None = None
        self._count = count
        self._draw_later = draw_later
        self._every = every
        self._next = time.monotonic() + every
        self._estimates: dict[int, Tensor] = {}
        self._drawing = False

    def see(self, index: int, denoised: "Tensor", glance: "Glance") -> None:
        """Takes the newest estimate of one of the work's pictures, on the device's thread, and costs it no time.

        Args:
            index: Which picture of the work it is.
            denoised: The estimate, (1, channels, h, w); nobody changes it any more.
            glance: Makes a rough picture of it.
        """
        self._estimates[index] = denoised
        if self._drawing or time.monotonic() < self._next:
            return
        self._drawing = True
        self._next = time.monotonic() + self._every
        self._draw_later(partial(self._draw, dict(self._estimates), glance))

    def _draw(self, estimates: "Mapping[int, Tensor]", glance: "Glance") -> None:
        self.newest = encode({number: glance(estimate) for number, estimate in estimates.items()}, self._count)
        self._drawing = False


def encode(pictures: Mapping[int, Image.Image], count: int) -> bytes:
    """Puts rough pictures of one size into one small JPEG, each at its place among so many."""
    width, height = next(iter(pictures.values())).size
    columns = math.ceil(math.sqrt(count))
    sheet = Image.new("RGB", (columns * width, math.ceil(count / columns) * height))
    for number, picture in pictures.items():
        row, column = divmod(number, columns)
        sheet.paste(picture, (column * width, row * height))
    scale = SIDE / max(sheet.size)
    size = (max(1, round(sheet.width * scale)), max(1, round(sheet.height * scale)))
    sheet = sheet.resize(size, Image.Resampling.BICUBIC)
    data = b""
    for quality in QUALITIES:
        file = io.BytesIO()
        sheet.save(file, "JPEG", quality=quality)
        data = file.getvalue()
        if len(data) <= MAX_BYTES:
            break
    return data
