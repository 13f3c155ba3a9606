"""A running work's live preview: a small JPEG, drawn now and then beside the device's thread. Imports no torch."""

import io
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

Glance = Callable[["Tensor"], Image.Image]
DrawLater = Callable[[Callable[[], None]], None]

EVERY_SECONDS = 2.5  # a little less than the time between two edits of a message
SIDE = 256  # pixels of a preview's longer side
MAX_BYTES = 20_000
QUALITIES = (80, 60, 40, 20)


class Sketchbook:
    """Keeps the newest preview of one work, drawn at most every so often and one at a time.

    Args:
        draw_later: Runs a drawing on another thread.
        every: Seconds between two drawings; a work that ends sooner has none.
    """

    def __init__(self, draw_later: DrawLater, every: float = EVERY_SECONDS) -> None:
        self.newest: bytes | None = None
        self._draw_later = draw_later
        self._every = every
        self._next = time.monotonic() + every
        self._estimates: dict[int, Tensor] = {}
        self._drawing = False

    def see(self, index: int, denoised: "Tensor", glance: Glance) -> None:
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
        estimates = [self._estimates[number] for number in sorted(self._estimates)]
        self._draw_later(partial(self._draw, estimates, glance))

    def _draw(self, estimates: "Sequence[Tensor]", glance: Glance) -> None:
        self.newest = encode([glance(estimate) for estimate in estimates])
        self._drawing = False


def encode(pictures: Sequence[Image.Image]) -> bytes:
    """Puts rough pictures of one size side by side into one small JPEG."""
    width, height = pictures[0].size
    columns = math.ceil(math.sqrt(len(pictures)))
    sheet = Image.new("RGB", (columns * width, math.ceil(len(pictures) / columns) * height))
    for number, picture in enumerate(pictures):
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
