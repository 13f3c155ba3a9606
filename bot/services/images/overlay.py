"""A picture with its parts drawn over it: their borders, their numbers, and what will be painted anew. Pure."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bot.services.images.regions import Choice, Segmentation, chosen

_TINT = (255, 120, 0)
_STRIPES = (0.35, 0.7)  # how much of a chosen pixel is the tint, in turn: one sees them on every colour
_STRIPE = 8  # pixels
_DARK, _BRIGHT = (20, 20, 24), (250, 250, 250)
_FONT = 24
_QUALITY = 88

Marks = NDArray[np.bool_]


def overlay(divided: Segmentation, choice: Choice) -> bytes:
    """Draws a picture's parts; what is chosen has orange stripes, with white around it.

    Returns:
        A JPEG file.
    """
    size = (divided.shown.width, divided.shown.height)
    picture = Image.frombytes("RGB", size, divided.shown.rgb)
    levels = np.asarray(picture).astype(np.float64)
    level = divided.levels[choice.level]
    labels = np.asarray(Image.fromarray(level.labels).resize(size, Image.Resampling.NEAREST))
    anew = chosen(divided, choice, size)
    tint = _stripes(size)[anew]
    levels[anew] = levels[anew] * (1 - tint) + np.array(_TINT) * tint
    levels[_border(labels)] = levels[_border(labels)] * 0.4 + np.array(_DARK) * 0.6
    levels[_thick(_border(anew.astype(np.uint8)))] = _BRIGHT
    whole = Image.fromarray(levels.round().astype(np.uint8))
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(_FONT)
    for number, part in enumerate(level.parts):
        where = (part.anchor[0] * size[0], part.anchor[1] * size[1])
        fill = _TINT if number in choice.parts else _DARK
        box = draw.textbbox(where, str(number + 1), font=font, anchor="mm")
        draw.rounded_rectangle((box[0] - 5, box[1] - 4, box[2] + 5, box[3] + 4), 5, fill=fill, outline=_BRIGHT)
        draw.text(where, str(number + 1), fill=_BRIGHT, font=font, anchor="mm")
    file = io.BytesIO()
    whole.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _stripes(size: tuple[int, int]) -> NDArray[np.float64]:
    down, across = np.mgrid[0 : size[1], 0 : size[0]]
    return np.where((down + across) // _STRIPE % 2, *_STRIPES)[..., None]


def _border(labels: NDArray[np.uint8]) -> Marks:
    """Returns the pixels whose right or lower neighbour has another label."""
    found = np.zeros(labels.shape, np.bool_)
    found[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    found[:-1] |= labels[:-1] != labels[1:]
    return found


def _thick(line: Marks) -> Marks:
    """Makes a line two pixels wide."""
    thick = line.copy()
    thick[1:] |= line[:-1]
    thick[:, 1:] |= line[:, :-1]
    return thick
