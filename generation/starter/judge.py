"""Tells what a picture of the starter shows: which background, and which of its subjects is nearest.

No model: the background is the border's median colour; the subject is found by comparing thumbnails with those of
all subjects on the background that was asked for. Both know nothing of the prompt.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.starter.train.compose import COLOURS, place, usual_layout
from generation.starter.train.pictures import Picture

FAR = 60.0  # a background further than this from every known colour is none of them

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Judge:
    """What painted pictures are compared with.

    Attributes:
        labels: The names of all training subjects.
        thumbnails: Their cut-outs, (subjects, side, side, 4), RGBA with colours multiplied by alpha, 0 to 255.
        colours: The known background colours by name.
    """

    labels: tuple[str, ...]
    thumbnails: NDArray[np.float32]
    colours: dict[str, tuple[int, int, int]]

    def background(self, picture: Pixels) -> str | None:
        """Names the known colour nearest to the median of the outer sixteenth, None where none is near."""
        border = min(picture.shape[:2]) // 16
        inner = np.zeros(picture.shape[:2], dtype=bool)
        inner[border:-border, border:-border] = True
        median = np.median(picture[~inner].astype(np.float32), axis=0)
        distances = {name: float(np.linalg.norm(median - np.asarray(rgb))) for name, rgb in self.colours.items()}
        nearest = min(distances, key=lambda name: distances[name])
        return nearest if distances[nearest] < FAR else None

    def nearest(self, picture: Pixels, colour: str) -> str:
        """Names the subject that looks most like the picture's middle square, all of them put on one background."""
        return self.ranked(picture, colour)[0]

    def ranked(self, picture: Pixels, colour: str) -> list[str]:
        """Lists all subjects, the one that looks most like the picture's middle square first."""
        side = self.thumbnails.shape[1]
        rgb, alpha = self.thumbnails[..., :3], self.thumbnails[..., 3:] / 255
        scenes = rgb + (1 - alpha) * np.asarray(self.colours[colour], dtype=np.float32)
        middle = Image.fromarray(_middle_square(picture))
        small = np.asarray(middle.resize((side, side), Image.Resampling.BOX), dtype=np.float32)
        order = np.square(scenes - small).mean(axis=(1, 2, 3)).argsort(kind="stable")
        return [self.labels[int(number)] for number in order]

    def alike(self) -> dict[str, frozenset[str]]:
        """Returns for each label all labels whose thumbnails equal its own: one picture under several names."""
        groups: dict[bytes, list[str]] = defaultdict(list)
        for label, thumbnail in zip(self.labels, self.thumbnails, strict=True):
            groups[thumbnail.tobytes()].append(label)
        return {label: frozenset(group) for group in groups.values() for label in group}


def thumbnails(pictures: Iterable[Picture], side: int, canvas: int) -> NDArray[np.uint8]:
    """Makes the judge's thumbnails of some subjects.

    Args:
        pictures: The subjects.
        side: Of the thumbnails, in pixels.
        canvas: Side of the square pictures that are shrunk to it; a multiple of `side`.
    """
    cell = canvas // side
    small = []
    for picture in pictures:
        cut_out = np.asarray(place(picture, usual_layout(canvas), (canvas, canvas)), dtype=np.float32)
        premultiplied = np.dstack([cut_out[..., :3] * cut_out[..., 3:] / 255, cut_out[..., 3:]])
        small.append(premultiplied.reshape(side, cell, side, cell, 4).mean(axis=(1, 3)).round().astype(np.uint8))
    return np.stack(small)


def judge_of(pictures: Sequence[Picture], side: int = 32, canvas: int = 256) -> Judge:
    """Makes a judge of some subjects."""
    labels = tuple(picture.label for picture in pictures)
    return Judge(labels, thumbnails(pictures, side, canvas).astype(np.float32), dict(COLOURS))


def _middle_square(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(picture[top : top + side, left : left + side])
