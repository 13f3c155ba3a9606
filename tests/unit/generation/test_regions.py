import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.images.pixels import Pixels
from generation.images.segmentation import SIDE, lab, regions
from tests.fakes import quarters


def pixels(image: Image.Image) -> Pixels:
    return Pixels(image.width, image.height, image.convert("RGB").tobytes())


def still_life() -> Image.Image:
    """A red ball and a blue box on a sky that grows darker, with noise."""
    rows = np.linspace(200, 140, 240)[:, None, None]
    sky = np.broadcast_to(rows * np.array([0.8, 0.9, 1.0]), (240, 320, 3))
    noisy = sky + np.random.default_rng(3).normal(0, 3, sky.shape)
    image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((30, 120, 110, 200), fill=(200, 30, 30))
    draw.rectangle((180, 100, 290, 220), fill=(30, 40, 160))
    return image


def test_things_are_parts_of_their_own_and_their_borders_are_found() -> None:
    coarse = regions(pixels(still_life()))[0]

    height, width = coarse.shape
    y, x = np.mgrid[0:height, 0:width] * (240 / height)
    things = [
        ((x - 70) ** 2 + (y - 160) ** 2 < (40 + rim) ** 2, (abs(x - 235) < 55 + rim) & (abs(y - 160) < 60 + rim))
        for rim in (-3, 3)
    ]
    for thing, around in zip(*things, strict=True):
        part, count = np.unique(coarse[thing], return_counts=True)
        chosen = coarse == part[count.argmax()]
        assert (chosen & thing).sum() > 0.95 * thing.sum()
        assert (chosen & ~around).sum() < 0.02 * thing.sum()


def test_levels_have_at_most_their_count_and_lie_within_each_other() -> None:
    levels = regions(pixels(still_life()), (3, 5, 25))

    assert [len(np.unique(level)) for level in levels[:2]] == [3, 5]
    assert 5 <= len(np.unique(levels[2])) <= 25
    for coarse, fine in itertools.pairwise(levels):
        for part in np.unique(fine):
            assert len(np.unique(coarse[fine == part])) == 1


def test_the_same_picture_has_the_same_parts() -> None:
    first, second = (regions(pixels(still_life())) for _ in range(2))

    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_parts_are_numbered_in_reading_order() -> None:
    coarse = regions(Pixels(256, 256, Image.open(io.BytesIO(quarters(256, 256))).tobytes()))[0]

    assert [int(coarse[y, x]) for y, x in ((64, 64), (64, 192), (192, 64), (192, 192))] == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (16, 16), (900, 700), (3000, 20)])
def test_a_picture_of_one_colour_is_one_part_whatever_its_size(size: tuple[int, int]) -> None:
    levels = regions(pixels(Image.new("RGB", size, "teal")))

    assert all(level.max() == 0 for level in levels)
    assert max(levels[0].shape) <= SIDE


def test_colours_are_those_of_cielab() -> None:
    colours = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]]) / 255

    # Bruce Lindbloom's calculator, sRGB, D65
    expected = np.array([[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]])
    assert np.abs(lab(colours) - expected).max() < 0.1
