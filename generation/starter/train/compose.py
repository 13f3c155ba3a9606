"""Pictures become scenes: a subject on a coloured background, and the prompts that describe it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from generation.starter.train.pictures import Picture
from generation.starter.train.subjects import ALIASES

SIZE = 128  # side of the pictures that a training from nothing begins with
MARGIN = SIZE // 16
SQUARE = (SIZE, SIZE)
HELD_OUT_SHARE = 10  # every tenth pair

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "white": (255, 255, 255),
    "red": (214, 40, 40),
    "green": (60, 160, 70),
    "blue": (45, 90, 200),
    "yellow": (250, 215, 70),
    "pink": (250, 160, 190),
    "purple": (130, 70, 170),
    "orange": (245, 140, 40),
    "black": (20, 20, 22),
    "gray": (130, 130, 130),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a subject stands: its longest side and its middle's distance from the picture's, in pixels."""

    longest: int
    right: int = 0
    down: int = 0


def draw_layout(generator: np.random.Generator, side: int = SIZE) -> Layout:
    """Draws a size and a place such that the subject keeps clear of the outer sixteenth of a picture's shorter side."""
    largest = side - 2 * (side // 16)
    longest = int(generator.integers(side * 100 // 128, largest + 1))
    room = (largest - longest) // 2
    return Layout(longest, int(generator.integers(-room, room + 1)), int(generator.integers(-room, room + 1)))


def usual_layout(side: int = SIZE) -> Layout:
    """Returns the layout in the middle: nearly as large as subjects get in pictures with this shorter side."""
    return Layout(side * 108 // 128)


def place(picture: Picture, layout: Layout, size: tuple[int, int] = SQUARE) -> Image.Image:
    """Puts a subject where a layout says; returns it on a transparent canvas of `size`, width and height."""
    image = picture.image
    scale = layout.longest / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    canvas = Image.new("RGBA", size)
    corner = ((size[0] - width) // 2 + layout.right, (size[1] - height) // 2 + layout.down)
    canvas.paste(image.resize((width, height), Image.Resampling.LANCZOS), corner)
    return canvas


def compose(
    picture: Picture, colour: tuple[int, int, int], layout: Layout | None = None, size: tuple[int, int] = SQUARE
) -> np.ndarray:
    """Puts a subject on a plain background; returns (height, width, 3) uint8."""
    canvas = Image.new("RGBA", size, (*colour, 255))
    canvas.alpha_composite(place(picture, layout or usual_layout(min(size)), size))
    return np.asarray(canvas.convert("RGB"))


def is_held_out(label: str, colour: str) -> bool:
    """Tells whether a pair is kept from training, so that it can show what was understood and not only learnt.

    White is the background of prompts that name none, so it is never held out.
    """
    digest = hashlib.sha256(f"{label}|{colour}".encode()).digest()
    return colour != "white" and digest[0] % HELD_OUT_SHARE == 0


def training_colours(label: str) -> list[str]:
    """Lists the backgrounds on which a subject is shown in training."""
    return [colour for colour in COLOURS if not is_held_out(label, colour)]


def prompt(label: str, colour: str) -> str:
    """Returns the plain form of a prompt, the one that all measurements use."""
    return f"a {label} on a {colour} background"


def draw_prompt(label: str, colour: str, generator: np.random.Generator) -> str:
    """Draws one of the ways in which people may ask for a scene; the plain form most often."""
    name = ALIASES[label] if label in ALIASES and generator.random() < 0.35 else label
    number = generator.random()
    if colour == "white" and number < 0.5:
        return f"a {name}" if number < 0.4 else name
    if number < 0.75:
        return prompt(name, colour)
    article = "an" if name[0] in "aeiou" else "the"
    return str(
        generator.choice(
            [
                f"{article} {name} on {'an' if colour == 'orange' else 'a'} {colour} background",
                f"{name} on a {colour} background",
                f"{name}, {colour} background",
                f"a {name}, {colour} background",
                f"{colour} background, {name}",
            ]
        )
    )
