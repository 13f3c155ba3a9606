import asyncio
import io
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bot.errors import LimitError
from bot.services.images import fit_upload
from bot.services.images.fit_upload import NOTE, Fitter
from bot.services.ports import Upload
from generation import GenerationRequest, metadata


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

    assert await Fitter().fit([file], 10 * 2**20) == ((file,), ())


async def test_a_picture_that_fits_without_loss_loses_nothing() -> None:
    file = smooth(256)

    (posted,), notes = await Fitter().fit([file], len(file.data) - 1)

    assert notes == ()
    assert posted.name == "easel-0123456789-7.webp"
    assert len(posted.data) < len(file.data)
    assert opened(posted).convert("RGB").tobytes() == opened(file).tobytes()


@pytest.mark.parametrize("limit", [60_000, 20_000, 1_000])
async def test_pictures_that_do_not_fit_are_made_to(limit: int) -> None:
    files, notes = await Fitter().fit([noisy(256), noisy(256)], limit)

    assert notes == (NOTE,)
    assert [file.name for file in files] == ["easel-0123456789-7.jpg"] * 2
    assert all(len(file.data) <= limit for file in files)
    assert all(opened(file).format == "JPEG" for file in files)


async def test_a_picture_posted_smaller_still_carries_its_settings(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", metadata.to_a1111(GenerationRequest(prompt="a cat", model="tiny", seed=7)))
    data = io.BytesIO()
    Image.frombytes("RGB", (256, 256), os.urandom(256 * 256 * 3)).save(data, "PNG", pnginfo=info)

    files, _ = await Fitter().fit([Upload("a.png", data.getvalue())], 60_000)

    (tmp_path / files[0].name).write_bytes(files[0].data)
    assert metadata.read_file(tmp_path / files[0].name).values["prompt"] == "a cat"


async def test_a_smaller_form_is_made_once_and_the_memory_for_them_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    made, shrink = list[str](), fit_upload._shrink

    def counted(files: Sequence[Upload], file_limit: int) -> tuple[Upload, ...]:
        made.append(files[0].name)
        return shrink(files, file_limit)

    monkeypatch.setattr(fit_upload, "_shrink", counted)
    one, other = noisy(64), smooth(64)
    fitter = Fitter(memory=len((await Fitter().fit([one], 5000))[0][0].data) + 100)
    made.clear()

    first = await fitter.fit([one], 5000)
    again = await fitter.fit([one], 5000)
    assert (first == again, len(made)) == (True, 1)
    await fitter.fit([other], 500)
    await fitter.fit([one], 5000)

    assert len(made) == 3


async def test_so_many_pictures_are_encoded_at_a_time_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def slow(files: Sequence[Upload], file_limit: int) -> tuple[Upload, ...]:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        busy.wait(0.05)
        with lock:
            under_way -= 1
        return (Upload(f"{files[0].name}.webp", b""),)

    busy = threading.Event()
    monkeypatch.setattr(fit_upload, "_shrink", slow)
    fitter = Fitter(encoders=2)

    await asyncio.gather(*(fitter.fit([Upload(str(number), bytes(100))], 10) for number in range(8)))

    assert most == 2


def test_a_person_may_have_two_requests_for_originals_under_way() -> None:
    fitter = Fitter()

    with fitter.turn(1), fitter.turn(1), fitter.turn(2), pytest.raises(LimitError, match="still on their way"):
        fitter.turn(1).__enter__()
    with fitter.turn(1):
        pass

    assert fitter._under_way == {}
