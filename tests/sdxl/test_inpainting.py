"""Inpainting and outpainting: what is kept is kept exactly, what is painted anew follows the prompt."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation import (
    Catalog,
    GenerationRequest,
    GenerationResult,
    GenerationSettings,
    Init,
    Mask,
    OutpaintPadding,
)
from generation.images.inpaint_canvas import grown, prepare
from generation.images.loading import digest_of
from generation.models.catalog import describe
from generation.models.safetensors_header import Kind
from generation.sdxl.engine.run import Run
from generation.sdxl.latents.init_latents import begin
from generation.sdxl.latents.vae import encode
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.sdxl import judge
from tests.sdxl.conftest import CPU, pixels, request

EYE = judge.load()


def png(levels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return file.getvalue()


PHOTO = png(np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8))
LEFT_HALF = np.zeros((64, 64), np.uint8)
LEFT_HALF[:, :32] = 255
MASK = png(LEFT_HALF)
FILES = {digest_of(file): file for file in (PHOTO, MASK)}


def inpainting(**changes: object) -> GenerationRequest:
    init = Init(picture=digest_of(PHOTO), strength=1.0)
    return request(**({"init": init, "mask": Mask(picture=digest_of(MASK), feather=4)} | changes))


async def test_what_is_kept_does_not_change_by_a_single_level(executor: LocalExecutor) -> None:
    result = pixels(await executor.generate(inpainting(), inputs=FILES))
    photo = np.asarray(Image.open(io.BytesIO(PHOTO))).astype(np.int16)

    far = grown(LEFT_HALF, 4) == 0
    assert np.abs(result - photo)[far].max() == 0
    assert np.abs(result - photo)[LEFT_HALF == 255].mean() > 5


async def test_an_outpaint_keeps_the_picture_beyond_the_blend(executor: LocalExecutor) -> None:
    asked = request(
        width=96, height=80, init=Init(picture=digest_of(PHOTO), strength=1.0),
        outpaint=OutpaintPadding(left=32, top=16, feather=3),
    )  # fmt: skip

    result = pixels(await executor.generate(asked, inputs=FILES))

    photo = np.asarray(Image.open(io.BytesIO(PHOTO))).astype(np.int16)
    assert result.shape == (80, 96, 3)
    assert np.abs(result[16 + 3 :, 32 + 3 :] - photo[3:, 3:]).max() == 0


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "dpmpp_sde", "uni_pc", "heun", "lcm"])
def test_latents_outside_the_mask_end_as_they_began_with_every_kind_of_sampler(model: Model, sampler: str) -> None:
    asked = inpainting(sampler=sampler, steps=4)
    canvas = prepare(asked, FILES)
    with torch.inference_mode():
        start = begin(model, asked, canvas)
        run = Run(asked, 0, model, model.encode("a", None), start)
        while run.latents is None:
            run.advance(torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(run.done)))

    assert start.latents is not None
    assert start.mask is not None
    kept = (start.mask == 0).expand_as(run.latents)
    assert kept.any()
    assert torch.allclose(run.latents[kept], start.latents[kept], atol=1e-4)
    assert not torch.allclose(run.latents[~kept], start.latents[~kept], atol=1e-2)


def test_the_unet_sees_the_kept_part_with_the_noise_of_its_level(model: Model) -> None:
    asked = inpainting(sampler="euler", scheduler="normal", steps=4)
    with torch.inference_mode():
        start = begin(model, asked, prepare(asked, FILES))
        run = Run(asked, 0, model, model.encode("a", None), start)
        first = run.model_input()
        run.advance(torch.zeros(1, 4, 8, 8))
        second = run.model_input()

    assert start.latents is not None
    assert start.mask is not None
    kept = (start.mask == 0).expand_as(first)
    noises = [
        view * (1 + sigma**2) ** 0.5 - start.latents for view, sigma in zip((first, second), (14.6146, 0), strict=True)
    ]
    assert noises[0][kept].std() > noises[1][kept].std() > 0


@pytest.fixture(scope="module")
def inpainting_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a tiny SDXL whose UNet has nine input channels, as inpainting checkpoints have."""
    folder = tmp_path_factory.mktemp("inpainting")
    parts = tiny.parts()
    ordinary = parts["unet"].state_dict()
    parts["unet"] = tiny.unet(in_channels=9)
    widened = parts["unet"].state_dict()
    weight = ordinary.pop("conv_in.weight")
    widened.update(ordinary)
    widened["conv_in.weight"][:, :4] = weight
    parts["unet"].load_state_dict(widened)
    tiny.save_single_file(folder / "inpainter.safetensors", parts)
    return folder


def test_an_inpainting_unet_is_known_by_its_nine_channels(inpainting_folder: Path) -> None:
    entry = describe(inpainting_folder / "inpainter.safetensors")

    assert (entry.kind, entry.problem) == (Kind.SDXL_INPAINT, None)
    assert load(entry, CPU).inpaints


def test_an_inpainting_unet_sees_the_mask_and_the_picture_blanked_there(inpainting_folder: Path) -> None:
    model = load(describe(inpainting_folder / "inpainter.safetensors"), CPU)
    asked = inpainting()
    canvas = prepare(asked, FILES)
    with torch.inference_mode():
        start = begin(model, asked, canvas)
        run = Run(asked, 0, model, model.encode("a", "b"), start)
        photo = torch.from_numpy(np.asarray(Image.open(io.BytesIO(PHOTO))).copy())
        blanked = photo.permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1
        assert canvas is not None
        assert canvas.mask is not None
        anew = np.frombuffer(canvas.mask.levels, np.uint8).reshape(64, 64)
        expected = encode(model, torch.where(torch.from_numpy(anew > 0), 0.0, blanked))

    shown = run.model_input()
    assert shown.shape == (2, 9, 8, 8)
    assert shown[0, 4, 0].tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert torch.allclose(shown[:1, 5:], expected, atol=1e-4)


@pytest.mark.parametrize("parts", [{}, {"init": Init(picture=digest_of(PHOTO))}, None])
async def test_an_inpainting_checkpoint_paints_with_and_without_a_mask(
    inpainting_folder: Path, parts: dict[str, object] | None
) -> None:
    settings = GenerationSettings(models_dir=inpainting_folder, device="cpu")
    executor = LocalExecutor(settings, Catalog(inpainting_folder, starter=None))
    asked = inpainting(model="inpainter") if parts is None else request(model="inpainter", **parts)

    result = await executor.generate(asked, inputs=FILES)
    await executor.close()

    assert pixels(result).std() > 1


COLOURS = ("red", "blue", "green", "yellow", "white")


async def test_what_is_painted_anew_has_the_colour_that_the_prompt_says(tmp_path: Path) -> None:
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))
    right = [await has_the_colour(executor, colour, seed) for seed, colour in enumerate(COLOURS)]
    await executor.close()

    assert sum(right) >= 0.9 * len(right), dict(zip(COLOURS, right, strict=True))


async def has_the_colour(executor: LocalExecutor, colour: str, seed: int) -> bool:
    """Paints everything but the middle of a grey picture anew; tells whether its border has the colour."""
    photo = png(np.full((128, 128, 3), 128, np.uint8))
    drawn = np.full((128, 128), 255, np.uint8)
    drawn[40:88, 40:88] = 0
    mask = png(drawn)
    asked = GenerationRequest(
        prompt=f"a cat on a {colour} background", model="starter", width=128, height=128, steps=12, seed=seed,
        guidance_scale=4.0, init=Init(picture=digest_of(photo), strength=1.0),
        mask=Mask(picture=digest_of(mask), feather=4),
    )  # fmt: skip
    result: GenerationResult = await executor.generate(asked, inputs={digest_of(file): file for file in (photo, mask)})
    picture = pixels(result).astype(np.uint8)
    assert (picture[44:84, 44:84] == 128).all()
    return EYE.background(picture) == colour
