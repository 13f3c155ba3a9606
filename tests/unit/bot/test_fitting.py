import io
import os
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.services.fitting import NOTE, fit
from bot.services.ports import Upload
from generation import GenerationRequest, recipe


def png(image: Image.Image) -> Upload:
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    return Upload("easel-0123456789-7.png", data.getvalue())


def noisy(side: int) -> Upload:
    return png(Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)))


def smooth(side: int) -> Upload:
    return png(Image.radial_gradient("L").resize((side, side)).convert("RGB"))


def opened(file: Upload) -> Image.Image:
    return Image.open(io.BytesIO(file.data))


async def test_pictures_that_fit_are_posted_as_they_are() -> None:
    file = noisy(32)

    assert await fit([file], 10 * 2**20) == ((file,), ())


async def test_a_picture_that_fits_without_loss_loses_nothing() -> None:
    file = smooth(256)

    (posted,), notes = await fit([file], len(file.data) - 1)

    assert notes == ()
    assert posted.name == "easel-0123456789-7.webp"
    assert len(posted.data) < len(file.data)
    assert opened(posted).convert("RGB").tobytes() == opened(file).tobytes()


@pytest.mark.parametrize("limit", [60_000, 20_000, 1_000])
async def test_pictures_that_do_not_fit_are_made_to(limit: int) -> None:
    files, notes = await fit([noisy(256), noisy(256)], limit)

    assert notes == (NOTE,)
    assert [file.name for file in files] == ["easel-0123456789-7.jpg"] * 2
    assert all(len(file.data) <= limit for file in files)
    assert all(opened(file).format == "JPEG" for file in files)


async def test_a_picture_posted_smaller_still_carries_its_settings(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", recipe.to_a1111(GenerationRequest(prompt="a cat", model="tiny", seed=7)))
    data = io.BytesIO()
    Image.frombytes("RGB", (256, 256), os.urandom(256 * 256 * 3)).save(data, "PNG", pnginfo=info)

    files, _ = await fit([Upload("a.png", data.getvalue())], 60_000)

    (tmp_path / files[0].name).write_bytes(files[0].data)
    assert recipe.read_file(tmp_path / files[0].name).values["prompt"] == "a cat"
