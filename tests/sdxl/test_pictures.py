"""Whole pictures: the same whoever paints beside them, and the same as a plain loop over diffusers' models."""

import asyncio
import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from generation import SAMPLERS, metadata
from generation.sdxl.latents.vae import decode
from generation.sdxl.model.device import Placement, vae_dtype
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.sigmas import schedule, timestep
from generation.worker.local import LocalExecutor
from tests.marks import rest_in_ci
from tests.sdxl.conftest import pixels, request


async def test_the_same_request_paints_the_same_picture(executor: LocalExecutor) -> None:
    first = await executor.generate(request(steps=8, width=256, height=256, seed=7))
    again = await executor.generate(request(steps=8, width=256, height=256, seed=7))

    assert first.artifacts[0].data == again.artifacts[0].data


@pytest.mark.parametrize("sampler", rest_in_ci(SAMPLERS, "euler", "dpmpp_2m_sde", "lcm", "uni_pc"))
async def test_a_picture_is_the_same_alone_in_a_batch_and_beside_other_jobs(
    executor: LocalExecutor, sampler: str
) -> None:
    wanted = request(sampler=sampler, seed=6)
    others = [request(sampler=name, scheduler="normal", steps=3, seed=1) for name in ("euler", "dpmpp_2m_sde")]

    alone = pixels(await executor.generate(wanted))
    batch = pixels(await executor.generate(request(sampler=sampler, seed=5, count=2)), 1)
    beside, *_ = await asyncio.gather(*(executor.generate(each) for each in (wanted, *others)))

    assert np.abs(batch - alone).max() <= 1
    assert np.abs(pixels(beside) - alone).max() <= 1


@pytest.mark.parametrize("noise", ["comfyui", "a1111"])
async def test_a_picture_of_another_tools_batch_is_painted_alone_from_its_recipe(
    executor: LocalExecutor, noise: str
) -> None:
    batch = await executor.generate(request(sampler="euler_ancestral", noise=noise, count=3))

    for index, artifact in enumerate(batch.artifacts):
        alone = await executor.generate(metadata.from_json(_texts(artifact.data)["easel"]))
        assert np.abs(pixels(batch, index) - pixels(alone)).max() <= 1


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpm_2", "dpmpp_2m"])
async def test_a_batch_holds_the_very_pictures_of_its_seeds_alone(executor: LocalExecutor, sampler: str) -> None:
    batch = await executor.generate(request(sampler=sampler, count=3, seed=5))

    for index, seed in enumerate((5, 6, 7)):
        alone = await executor.generate(request(sampler=sampler, seed=seed))
        assert np.abs(pixels(batch, index) - pixels(alone)).max() <= 1
        assert metadata.from_json(_texts(batch.artifacts[index].data)["easel"]) == request(sampler=sampler, seed=seed)


async def test_a_picture_is_the_one_a_plain_loop_over_the_models_paints(executor: LocalExecutor, model: Model) -> None:
    wanted = request(sampler="euler", scheduler="normal", steps=5, guidance_scale=5.0, negative_prompt="blue", seed=9)

    ours = pixels(await executor.generate(wanted))

    assert np.abs(ours - _plain_loop(model)).max() <= 1


def _plain_loop(model: Model) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Euler's method in the noise's own terms, one UNet call for each prompt."""
    sigmas = schedule("normal", "euler", 5)
    with torch.inference_mode():
        positive, negative = model.text.encode(["a red apple", "blue"])
        x = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(9)) * (sigmas[0] ** 2 + 1) ** 0.5
        ids = torch.tensor([[64.0, 64.0, 0.0, 0.0, 64.0, 64.0]])
        for sigma, following in pairwise(sigmas):
            predicted = [
                model.unet(
                    x / (sigma**2 + 1) ** 0.5,
                    timestep(float(sigma)),
                    encoder_hidden_states=text.hidden,
                    added_cond_kwargs={"text_embeds": text.pooled, "time_ids": ids},
                ).sample
                for text in (positive, negative)
            ]
            noise = predicted[1] + 5.0 * (predicted[0] - predicted[1])
            x = x + noise * (following - sigma)
        picture = model.vae.decode(x / 0.13025).sample[0]
    shown: torch.Tensor = ((picture / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0)
    return shown.numpy().astype(np.int16)


@pytest.mark.parametrize(("width", "height"), [(72, 88), (64, 136), (200, 64)])
async def test_any_multiple_of_eight_is_painted(executor: LocalExecutor, width: int, height: int) -> None:
    result = await executor.generate(request(width=width, height=height))

    assert pixels(result).shape == (height, width, 3)


async def test_a_long_prompt_beside_a_short_negative_is_painted(executor: LocalExecutor) -> None:
    result = await executor.generate(request(prompt="apple, " * 120, negative_prompt="blue"))

    assert pixels(result).std() > 1


async def test_without_guidance_the_negative_prompt_changes_nothing(executor: LocalExecutor) -> None:
    plain = await executor.generate(request(guidance_scale=1.0))
    negative = await executor.generate(request(guidance_scale=1.0, negative_prompt="blue"))
    guided = await executor.generate(request(guidance_scale=7.0, negative_prompt="blue"))

    assert np.array_equal(pixels(plain), pixels(negative))
    assert not np.array_equal(pixels(plain), pixels(guided))


async def test_prompt_negative_and_seed_each_change_the_picture(executor: LocalExecutor) -> None:
    base = pixels(await executor.generate(request()))

    for change in ({"prompt": "a blue cat"}, {"negative_prompt": "night"}, {"seed": 6}):
        assert not np.array_equal(base, pixels(await executor.generate(request(**change))))


async def test_a_picture_carries_its_recipe_for_other_tools(executor: LocalExecutor) -> None:
    result = await executor.generate(request(negative_prompt="blue"))

    lines = _texts(result.artifacts[0].data)["parameters"].splitlines()
    assert lines[:2] == ["a red apple", "Negative prompt: blue"]
    assert lines[2].startswith("Steps: 3, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 5, Size: 64x64")


async def test_a_recipe_beyond_latin_letters_survives(executor: LocalExecutor) -> None:
    result = await executor.generate(request(prompt="ein Apfel 🍎 りんご"))

    assert _texts(result.artifacts[0].data)["parameters"].startswith("ein Apfel 🍎 りんご\n")


@pytest.mark.parametrize(
    ("dtype", "brain_float", "expected"),
    [
        (torch.float32, True, torch.float32),
        (torch.bfloat16, True, torch.bfloat16),
        (torch.float16, True, torch.bfloat16),
        (torch.float16, False, torch.float32),
    ],
)
def test_the_vae_never_works_in_half_precision(dtype: torch.dtype, brain_float: bool, expected: torch.dtype) -> None:
    assert vae_dtype(dtype, brain_float=brain_float) is expected


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_precision_decodes_to_nearly_the_same_picture(model: Model, dtype: torch.dtype) -> None:
    latents = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact = decode(model, latents).numpy().astype(int)
        placed = Model(model.unet, model.vae.to(dtype), model.text, Placement(torch.device("cpu"), dtype, dtype))
        found = decode(placed, latents).numpy().astype(int)
        model.vae.float()

    assert np.abs(exact - found).mean() < 2


@pytest.mark.ci
def test_tiles_decode_to_nearly_the_same_picture(model: Model) -> None:
    latents = torch.randn((1, 4, 192, 64), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole = decode(model, latents).numpy().astype(int)
        tiled = decode(model, latents, 512).numpy().astype(int)

    assert tiled.shape == whole.shape == (1536, 512, 3)
    assert 0 < np.abs(whole - tiled).mean() < 12


def _texts(data: bytes) -> dict[str, str]:
    image = Image.open(io.BytesIO(data))
    image.load()
    return dict(image.text)  # type: ignore[attr-defined]
