"""The curve: how often the subject is right after how many pictures."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from generation.starter.enlarge.arithmetic import autocast
from generation.starter.enlarge.schedule import SQUARE
from generation.starter.judge import Judge, judge_of
from generation.starter.train.compose import COLOURS, is_held_out, prompt
from generation.starter.train.diffusion import paint
from generation.starter.train.models import Models
from generation.starter.train.pictures import Picture
from generation.starter.train.sheet import Cell, save_sheet

AT_ONCE = 12
GUIDANCE_SCALE = 4.0


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the curve.

    Attributes:
        pictures: Scenes that the UNet was shown at 256 pixels.
        hours: Of the UNet's training.
        decoder_steps: How long the decoder was polished.
        subjects: How many could be asked for.
        background, subject: Shares of held-out pairs that were painted right.
    """

    pictures: int
    hours: float
    decoder_steps: int
    subjects: int
    background: float
    subject: float


def held_out_pairs(labels: Sequence[str], count: int, seed: int) -> list[tuple[str, str]]:
    """Draws pairs of subject and colour that training never shows, always the same ones for a seed."""
    every = [(label, colour) for label in labels for colour in COLOURS if is_held_out(label, colour)]
    return [every[int(number)] for number in np.random.default_rng(seed).permutation(len(every))[:count]]


def measure(models: Models, pictures: Sequence[Picture], count: int, sheet: Path) -> tuple[float, float]:
    """Paints held-out pairs of some subjects, leaves a sheet of them, and judges them.

    Returns:
        How often the background is right, and how often the subject.
    """
    pairs = held_out_pairs([picture.label for picture in pictures], count, seed=31)
    painted: list[np.ndarray] = []
    with autocast(models.unet.device):
        for first in range(0, len(pairs), AT_ONCE):
            prompts = [prompt(*pair) for pair in pairs[first : first + AT_ONCE]]
            painted += paint(models, prompts, seed=first, guidance_scale=GUIDANCE_SCALE, size=SQUARE)
    save_sheet([Cell(pixels, prompt(*pair)) for pixels, pair in zip(painted, pairs, strict=True)], sheet, columns=10)
    return _shares(judge_of(pictures), painted, pairs)


def _shares(eye: Judge, painted: Sequence[np.ndarray], pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    alike = eye.alike()
    backgrounds = [eye.background(pixels) == colour for pixels, (_, colour) in zip(painted, pairs, strict=True)]
    subjects = [
        eye.nearest(pixels, colour) in alike[label] for pixels, (label, colour) in zip(painted, pairs, strict=True)
    ]
    return float(np.mean(backgrounds)), float(np.mean(subjects))


def add_point(path: Path, point: Point) -> None:
    """Adds a point to the curve, one JSON object a line."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(point)) + "\n")
