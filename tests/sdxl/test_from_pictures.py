"""Painting from a picture: the schedule's exact share, the starting latents, what strength 0 and 1 mean."""

import io

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation import GenerationRequest
from generation.images.inpaint_canvas import prepare
from generation.images.loading import digest_of
from generation.request.options import Init
from generation.sdxl.engine.run import Run
from generation.sdxl.latents.init_latents import begin, to_tensor
from generation.sdxl.latents.vae import decode, encode
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.noise import starting_noise
from generation.sdxl.sampling.sigmas import schedule, sigma_max
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import pixels, request


def photo(width: int = 64, height: int = 64) -> bytes:
    """Makes a smooth picture of many colours."""
    y, x = np.mgrid[0:height, 0:width]
    levels = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], axis=-1).astype(np.uint8)
    return png(levels)


def png(levels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


def from_picture(data: bytes, strength: float, **changes: object) -> GenerationRequest:
    return request(init=Init(picture=digest_of(data), strength=strength), **changes)


async def painted(executor: LocalExecutor, asked: GenerationRequest, *files: bytes) -> NDArray[np.int16]:
    return pixels(await executor.generate(asked, inputs={digest_of(file): file for file in files}))


async def test_strength_0_gives_the_picture_back_but_for_the_vae(executor: LocalExecutor, model: Model) -> None:
    data = photo()

    result = await painted(executor, from_picture(data, 0.0), data)

    picture = np.asarray(Image.open(io.BytesIO(data)))
    tensor = torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1).unsqueeze(0) / 127.5 - 1
    with torch.inference_mode():
        expected = decode(model, encode(model, tensor)).numpy().astype(np.int16)
    assert np.abs(result - expected).max() <= 1


@pytest.mark.parametrize("strength", [0.25, 0.6, 1.0])
def test_the_steps_and_the_start_are_those_of_comfyui(model: Model, strength: float) -> None:
    data = photo()
    asked = from_picture(data, strength, steps=6, sampler="euler", scheduler="normal")
    canvas = prepare(asked, {digest_of(data): data})
    with torch.inference_mode():
        start = begin(model, asked, canvas)
        run = Run(asked, 0, model, model.encode("a", None), start)

    sigmas = schedule("normal", "euler", 6, strength)
    assert run.calls == 6 == len(sigmas) - 1
    assert start.latents is not None
    scale = (1 + sigma_max() ** 2) ** 0.5 if strength == 1 else float(sigmas[0])
    expected = start.latents + starting_noise(asked.seed, (1, 4, 8, 8)) * scale
    scaled = expected / (1 + sigmas[0] ** 2).sqrt()
    assert torch.allclose(run.model_input(), scaled, atol=1e-5)


async def test_a_stronger_change_leaves_less_of_the_picture(executor: LocalExecutor) -> None:
    data = photo()
    [gentle, strong] = [await painted(executor, from_picture(data, strength), data) for strength in (0.1, 1.0)]
    back = await painted(executor, from_picture(data, 0.0), data)

    assert np.abs(gentle - back).mean() < np.abs(strong - back).mean()


async def test_each_picture_of_a_batch_is_what_it_would_be_alone(executor: LocalExecutor) -> None:
    data = photo()
    asked = from_picture(data, 0.7, count=3)
    inputs = {digest_of(data): data}

    batch = await executor.generate(asked, inputs=inputs)
    alone = [await executor.generate(asked.picture(index), inputs=inputs) for index in range(3)]

    for index in range(3):
        assert np.abs(pixels(batch, index) - pixels(alone[index])).max() <= 1


def test_a_tensor_has_the_pictures_colours() -> None:
    canvas = prepare(from_picture(photo(), 0.5), {digest_of(photo()): photo()})

    assert canvas is not None
    tensor = to_tensor(canvas.picture)
    assert tensor.shape == (1, 3, 64, 64)
    assert float(tensor.min()) == -1.0
    assert float(tensor[0, 0, 0, 63]) == pytest.approx(251 / 127.5 - 1)


async def test_people_are_told_how_their_picture_was_read(executor: LocalExecutor) -> None:
    frames, file = [Image.new("RGB", (64, 64), name) for name in ("red", "blue")], io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    data = file.getvalue()

    result = await executor.generate(from_picture(data, 0.5), inputs={digest_of(data): data})

    assert result.notes == ("The image is an animation: its first frame was taken.",)
