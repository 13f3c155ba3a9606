"""Several pictures become one, numbered as one reads. Pure but for Pillow."""

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from generation import metadata

PAINTED = ("PNG",)  # what the engine paints; no other reader is let near a file that it sends
LONGEST = 4096  # pixels that a grid's longer side may have; the originals are a press away
QUALITY = 92
READABLE = 18  # pixels of a number's side, unless the picture is too small for it
_GAP_SHARE, _BADGE_SHARE = 1 / 160, 1 / 14
_DARK, _BRIGHT = (24, 25, 28), (255, 255, 255)


def columns(count: int) -> int:
    """Returns how many pictures stand beside each other: 2 of 2 to 4, 3 of 5 to 9, 4 of 10."""
    return math.ceil(math.sqrt(count))


def grid(pictures: Sequence[bytes]) -> bytes:
    """Lays pictures of one size out in rows and numbers them.

    Args:
        pictures: PNG files.

    Returns:
        A JPEG file that carries the first picture's settings, as A1111's grids do.
    """
    first = Image.open(io.BytesIO(pictures[0]), formats=PAINTED)
    width, height = _cell(first.size, len(pictures))
    across, down = columns(len(pictures)), math.ceil(len(pictures) / columns(len(pictures)))
    gap = max(1, round(max(width, height) * _GAP_SHARE))
    whole = Image.new("RGB", (across * (width + gap) - gap, down * (height + gap) - gap), _DARK)
    for index, data in enumerate(pictures):
        cell = _numbered(data, (width, height), index + 1)
        whole.paste(cell, (index % across * (width + gap), index // across * (height + gap)))
    file = io.BytesIO()
    whole.save(file, "JPEG", quality=QUALITY, subsampling=0, exif=_settings(first))
    return file.getvalue()


def _cell(size: tuple[int, int], count: int) -> tuple[int, int]:
    scale = min(1.0, LONGEST / columns(count) / max(size))
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _numbered(data: bytes, size: tuple[int, int], number: int) -> Image.Image:
    picture = Image.open(io.BytesIO(data), formats=PAINTED).convert("RGB")
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    side = min(max(READABLE, round(min(size) * _BADGE_SHARE)), min(size) // 3)
    badge = Image.new("RGBA", size)
    draw = ImageDraw.Draw(badge)
    inset = side // 4
    draw.rounded_rectangle((inset, inset, inset + side, inset + side), side // 4, fill=(*_DARK, 170))
    centre = (inset + side / 2, inset + side / 2)
    draw.text(centre, str(number), fill=(*_BRIGHT, 235), font=ImageFont.load_default(side * 0.72), anchor="mm")
    picture.paste(badge, mask=badge)
    return picture


def _settings(picture: Image.Image) -> bytes:
    text = picture.info.get(metadata.A1111_KEY)
    return metadata.exif_of(text) if isinstance(text, str) else b""
