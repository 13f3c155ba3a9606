"""Picture sheets: many small pictures on one page, with words under them."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_GAP = 10
_LINE = 15


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet, (h, w, 3) uint8, and what is written under it."""

    pixels: np.ndarray
    words: str = ""


def to_pixels(pictures: Tensor) -> list[np.ndarray]:
    """Turns decoded pictures, (n, 3, h, w) from -1 to 1, into (h, w, 3) uint8."""
    scaled = ((pictures.float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return list(scaled.permute(0, 2, 3, 1).numpy())


def save_sheet(cells: Sequence[Cell], path: Path, columns: int = 6) -> None:
    """Writes a sheet as one PNG; all pictures have the first one's size."""
    height, width = cells[0].pixels.shape[:2]
    lines = [textwrap.wrap(cell.words, max(8, width // 7)) for cell in cells]
    text = max(len(each) for each in lines) * _LINE
    rows = -(-len(cells) // columns)
    page = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + text + _GAP) + _GAP), "white")
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(12)
    for number, (cell, words) in enumerate(zip(cells, lines, strict=True)):
        left = _GAP + number % columns * (width + _GAP)
        top = _GAP + number // columns * (height + text + _GAP)
        page.paste(Image.fromarray(cell.pixels), (left, top))
        for line, content in enumerate(words):
            draw.text((left + width / 2, top + height + 2 + line * _LINE), content, (60, 60, 60), font, anchor="ma")
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, optimize=True)
