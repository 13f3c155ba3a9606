"""The judge of the bundled starter's pictures: `generation.starter.judge` with thumbnails kept beside the tests.

`python -m tests.sdxl.judge` makes the thumbnails anew from the recipe's own download and says how well the judge
recognises true training scenes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from generation.starter.judge import Judge, thumbnails
from generation.starter.train.compose import COLOURS, compose, draw_layout
from generation.starter.train.pictures import Picture
from generation.starter.train.pictures import load as load_pictures
from generation.starter.train.subjects import select

REFERENCE = Path(__file__).with_name("starter-subjects.npz")
BORDER = 8  # pixels: the outer sixteenth of 128, where no subject reaches


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


def save(pictures: Sequence[Picture], path: Path, side: int, canvas: int) -> None:
    """Writes the thumbnails of some of the recipe's pictures."""
    np.savez_compressed(
        path,
        labels=np.array([picture.label for picture in pictures]),
        thumbnails=thumbnails(pictures, side, canvas),
        colours=np.array(list(COLOURS)),
        rgb=np.array(list(COLOURS.values()), dtype=np.uint8),
    )


def ceiling(judge: Judge, pictures: Sequence[Picture], canvas: int, seed: int = 1) -> float:
    """Returns the share of true training scenes whose subject the judge recognises.

    Args:
        judge: Who looks.
        pictures: The judge's subjects; each is shown once, in a colour, size and place drawn with `seed`.
        canvas: Side of the scenes in pixels.
        seed: What they are drawn with.
    """
    generator = np.random.default_rng(seed)
    alike = judge.alike()
    right = 0
    for picture in pictures:
        colour = list(COLOURS)[int(generator.integers(len(COLOURS)))]
        scene = compose(picture, COLOURS[colour], draw_layout(generator, canvas), (canvas, canvas))
        right += judge.nearest(scene, colour) in alike[picture.label]
    return right / len(pictures)


def main() -> None:
    """Makes the thumbnails."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=Path("data/starter"))
    parser.add_argument("--subjects", default="common")
    parser.add_argument("--side", type=int, default=16, help="of the thumbnails")
    parser.add_argument("--canvas", type=int, default=128, help="side of the starter's pictures")
    parser.add_argument("--output", type=Path, default=REFERENCE)
    options = parser.parse_args()
    pictures = select(load_pictures(options.folder), options.subjects)
    save(pictures, options.output, options.side, options.canvas)
    share = ceiling(load(options.output), pictures, options.canvas)
    print(f"{len(pictures)} subjects; recognised in true scenes: {share:.1%}")  # noqa: T201


if __name__ == "__main__":
    main()
