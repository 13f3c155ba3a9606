"""PNG files: lossless, with their texts, as another reader sees them."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from generation.images.pixels import Pixels
from generation.metadata import png_texts
from generation.sdxl.engine.png import encode
from tests.sdxl.conftest import request


def encoded(pixels: NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    return encode(Pixels(width, height, pixels.tobytes()), request()).data


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 200), st.integers(0, 2**32 - 1), st.booleans())
def test_every_pixel_comes_back(width: int, height: int, seed: int, flat: bool) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels = values // 255 * 255 if flat else values

    with Image.open(io.BytesIO(encoded(pixels))) as image:
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("prompt", ["a red apple", "ein Apfel, äpfelrot 🍎"])
def test_the_texts_come_back(prompt: str) -> None:
    asked = request(prompt=prompt)
    file = encode(Pixels(2, 1, b"\0" * 6), asked, "0123456789").data

    with Image.open(io.BytesIO(file)) as image:
        assert isinstance(image, PngImageFile)
        assert image.text == png_texts(asked, "0123456789")


def test_smooth_pictures_become_smaller_than_pillow_makes_them() -> None:
    slope = np.linspace(0, 255, 256)
    waves = (slope[:, None, None] + slope[None, :, None]) / 2
    grain = np.random.default_rng(3).normal(0, 2, (256, 256, 3))
    pixels = (waves + grain).clip(0, 255).astype(np.uint8)
    usual = io.BytesIO()
    Image.fromarray(pixels).save(usual, "PNG", compress_level=1)

    assert len(encoded(pixels)) < len(usual.getvalue())


def test_a_flat_picture_stays_small() -> None:
    assert len(encoded(np.full((512, 512, 3), 90, np.uint8))) < 20_000
