"""Live previews: what they look like, how large they are, and that nobody waits for them."""

import asyncio
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from PIL import Image
from safetensors.torch import save_file

from generation import Catalog, GenerationSettings, Progress
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import STARTER_FILE, describe
from generation.sdxl.engine.preview_stream import MAX_BYTES, encode
from generation.sdxl.latents.preview_decoder import SDXL_WIDTHS, LinearMap, choose_glance, linear_map
from generation.sdxl.latents.vae import decode
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import CPU, request

ALWAYS = pytest.mark.parametrize("preview_seconds", [0.0])


def test_a_map_fitted_to_a_vae_shows_what_that_vae_decodes() -> None:
    starter = load(describe(STARTER_FILE), CPU)
    latents = torch.nn.functional.interpolate(
        torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(5)), size=(12, 12), mode="bilinear"
    )

    rough = np.asarray(linear_map(starter)(latents)).astype(float)

    with torch.inference_mode():
        decoded = decode(starter, latents).numpy().astype(float).reshape(12, 8, 12, 8, 3).mean((1, 3))
    assert np.abs(rough - decoded).mean() < 8
    assert decoded.std() > 30


@pytest.fixture
def sdxl(model: Model) -> Model:
    """A model whose VAE has SDXL's architecture."""
    with torch.device("meta"):
        vae = AutoencoderKL(block_out_channels=SDXL_WIDTHS, down_block_types=["DownEncoderBlock2D"] * 4)
    return Model(model.unet, vae, model.text, model.placement)


def test_the_vae_of_sdxl_has_the_published_map(sdxl: Model) -> None:
    colour = np.asarray(linear_map(sdxl)(torch.tensor([1.0, 0.4, 0.0, -0.4]).reshape(1, 4, 1, 1)))

    assert colour[0, 0].tolist() == [150 + 60 - 24 + 28, 140 + 60 - 2 + 20, 130 + 60 + 4 + 14]


def its_own(name: str) -> str:
    """Renames a tensor of diffusers' decoder to TAESD's own layout."""
    _, number, rest = name.split(".", 2)
    return f"{int(number) + 1}.{rest}"


@pytest.mark.parametrize("layout", ["its own", "diffusers"])
def test_taesdxl_draws_the_previews_where_it_is_there(sdxl: Model, tmp_path: Path, layout: str) -> None:
    torch.manual_seed(1)
    tiny = AutoencoderTiny()
    state = tiny.decoder.state_dict()
    tensors = {f"decoder.{k}": v for k, v in state.items()} if layout == "diffusers" else {
        its_own(k): v for k, v in state.items()
    }  # fmt: skip
    save_file(tensors, tmp_path / "taesdxl_decoder.safetensors")
    latents = torch.randn(1, 4, 12, 16)

    glance = choose_glance(sdxl, AuxiliaryFiles(tmp_path))

    with torch.inference_mode():
        reference = tiny.decode(latents, return_dict=False)[0][0].permute(1, 2, 0) * 127.5 + 127.5
    assert np.abs(np.asarray(glance(latents)).astype(float) - reference.clamp(0, 255).numpy()).max() <= 1
    assert glance(torch.randn(1, 4, 128, 96)).size == (288, 384)


def test_a_model_with_latents_of_its_own_is_not_given_to_taesdxl(model: Model, tmp_path: Path) -> None:
    tensors = {its_own(name): tensor for name, tensor in AutoencoderTiny().decoder.state_dict().items()}
    save_file(tensors, tmp_path / "taesdxl.safetensors")

    assert isinstance(choose_glance(model, AuxiliaryFiles(tmp_path)), LinearMap)


def test_a_decoder_of_another_make_is_named_in_the_log_and_left_alone(
    sdxl: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_file({"1.weight": torch.zeros(64, 4, 3, 3)}, tmp_path / "taesdxl.safetensors")

    assert isinstance(choose_glance(sdxl, AuxiliaryFiles(tmp_path)), LinearMap)
    assert "taesdxl.safetensors is no TAESD decoder: layers.0.bias is missing" in caplog.text


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_even_previews_of_noise_are_small_files(count: int) -> None:
    draw = np.random.default_rng(3)
    noise = [Image.fromarray(draw.integers(0, 255, (128, 96, 3), dtype=np.uint8)) for _ in range(count)]

    preview = encode(dict(enumerate(noise)), count)

    assert len(preview) <= MAX_BYTES
    assert max(Image.open(io.BytesIO(preview)).size) == 256


def test_every_picture_of_a_job_has_its_place_before_all_have_begun() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]

    pictures = {number: Image.new("RGB", (8, 8), colour) for number, colour in zip((0, 1, 3), colours, strict=True)}
    sheet = Image.open(io.BytesIO(encode(pictures, 4)))

    corners = np.asarray(sheet)[[20, 20, 236, 236], [20, 236, 20, 236]]
    assert np.allclose(corners, [*colours[:2], (0, 0, 0), colours[2]], atol=12)


@ALWAYS
async def test_a_running_job_brings_previews_of_all_its_pictures(executor: LocalExecutor) -> None:
    heard: list[Progress] = []

    await executor.generate(request(steps=30, count=2, width=64, height=64), heard.append)

    previews = {progress.preview for progress in heard} - {None}
    assert len(previews) > 1
    assert Image.open(io.BytesIO(previews.pop() or b"")).size == (256, 128)


@pytest.mark.parametrize("preview_seconds", [3600.0])
async def test_a_job_that_ends_before_anybody_could_look_draws_none(executor: LocalExecutor) -> None:
    heard: list[Progress] = []

    await executor.generate(request(), heard.append)

    assert {progress.preview for progress in heard} == {None}


@ALWAYS
async def test_previews_can_be_switched_off(models_folder: Path, preview_seconds: float) -> None:
    settings = GenerationSettings(models_dir=models_folder, device="cpu", previews=False)
    executor = LocalExecutor(settings, Catalog(models_folder), preview_seconds=preview_seconds)
    heard: list[Progress] = []

    await executor.generate(request(steps=8), heard.append)
    await executor.close()

    assert {progress.preview for progress in heard} == {None}


@ALWAYS
async def test_a_preview_that_cannot_be_drawn_disturbs_nobody(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_pictures: object, _count: int) -> bytes:
        raise OSError("encoder error")

    monkeypatch.setattr("generation.sdxl.engine.preview_stream.encode", broken)

    results = await asyncio.gather(
        *(executor.generate(request(steps=6, seed=seed), lambda _progress: None) for seed in (1, 2))
    )

    assert all(len(result.artifacts) == 1 for result in results)
    assert caplog.text.count("a preview could not be drawn") == 2
