"""Tells what a picture of the starter shows: which background, and which of the pictures it was trained on is nearest.

No network and no model: the background is the border's median colour; the subject is found by comparing 16x16
thumbnails with those of all training subjects on the background that was asked for. Both know nothing of the prompt.
`python -m tests.sdxl.judge` makes the thumbnails anew from the recipe's own download and says how well the judge
recognises true training scenes.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

REFERENCE = Path(__file__).with_name("starter-subjects.npz")
SIDE = 16
BORDER = 8  # pixels: the outer sixteenth, where no subject reaches
FAR = 60.0  # a background further than this from every known colour is none of them

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Judge:
    """What painted pictures are compared with.

    Attributes:
        labels: The names of all training subjects.
        thumbnails: Their cut-outs, (subjects, 16, 16, 4), RGBA with colours multiplied by alpha, 0 to 255.
        colours: The known background colours by name.
    """

    labels: tuple[str, ...]
    thumbnails: NDArray[np.float32]
    colours: dict[str, tuple[int, int, int]]

    def background(self, picture: Pixels) -> str | None:
        """Names the known colour nearest to the border's median, None where none is near."""
        inner = np.zeros(picture.shape[:2], dtype=bool)
        inner[BORDER:-BORDER, BORDER:-BORDER] = True
        median = np.median(picture[~inner].astype(np.float32), axis=0)
        distances = {name: float(np.linalg.norm(median - np.asarray(rgb))) for name, rgb in self.colours.items()}
        nearest = min(distances, key=lambda name: distances[name])
        return nearest if distances[nearest] < FAR else None

    def nearest(self, picture: Pixels, colour: str) -> str:
        """Names the training subject that looks most like the picture, all of them put on the same background."""
        rgb, alpha = self.thumbnails[..., :3], self.thumbnails[..., 3:] / 255
        scenes = rgb + (1 - alpha) * np.asarray(self.colours[colour], dtype=np.float32)
        small = np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float32)
        return self.labels[int(np.square(scenes - small).mean(axis=(1, 2, 3)).argmin())]


def noun(label: str) -> str:
    """Returns what a label is about: its last word."""
    return label.rsplit(maxsplit=1)[-1]


def load(path: Path = REFERENCE) -> Judge:
    """Reads the thumbnails that are kept beside the tests."""
    with np.load(path) as file:
        colours = {
            str(name): (int(r), int(g), int(b)) for name, (r, g, b) in zip(file["colours"], file["rgb"], strict=True)
        }
        return Judge(tuple(str(label) for label in file["labels"]), file["thumbnails"].astype(np.float32), colours)


def save(pictures: Sequence[Any], path: Path) -> None:
    """Writes the thumbnails of some of the recipe's pictures."""
    from generation.starter.train.compose import COLOURS, Layout, place

    cut_outs = [np.asarray(place(picture, Layout()), dtype=np.float32) for picture in pictures]
    premultiplied = [np.dstack([each[..., :3] * each[..., 3:] / 255, each[..., 3:]]) for each in cut_outs]
    cell = cut_outs[0].shape[0] // SIDE
    small = [each.reshape(SIDE, cell, SIDE, cell, 4).mean(axis=(1, 3)).round() for each in premultiplied]
    np.savez_compressed(
        path,
        labels=np.array([picture.label for picture in pictures]),
        thumbnails=np.stack(small).astype(np.uint8),
        colours=np.array(list(COLOURS)),
        rgb=np.array(list(COLOURS.values()), dtype=np.uint8),
    )


def ceiling(judge: Judge, pictures: Sequence[Any], seed: int = 1) -> float:
    """Returns the share of true training scenes whose noun the judge recognises."""
    from generation.starter.train.compose import COLOURS, compose, draw_layout

    generator = np.random.default_rng(seed)
    right = 0
    for picture in pictures:
        colour = list(COLOURS)[int(generator.integers(len(COLOURS)))]
        scene = compose(picture, COLOURS[colour], draw_layout(generator))
        right += noun(judge.nearest(scene, colour)) == noun(picture.label)
    return right / len(pictures)


def main() -> None:
    """Makes the thumbnails."""
    from generation.starter.train.pictures import load as load_pictures
    from generation.starter.train.subjects import select

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=Path("data/starter"))
    parser.add_argument("--subjects", default="common")
    options = parser.parse_args()
    pictures = select(load_pictures(options.folder), options.subjects)
    save(pictures, REFERENCE)
    print(f"{len(pictures)} subjects; recognised in true scenes: {ceiling(load(), pictures):.1%}")  # noqa: T201


if __name__ == "__main__":
    main()
