"""Large pictures in tiles: the same as in one piece, others in between, and no seams."""

import asyncio

import numpy as np
import pytest
import torch
from PIL import Image

from generation import CancelToken, GenerationCancelledError, Hires
from generation.models.catalog import STARTER_FILE, describe
from generation.request.tile_grid import tiles
from generation.sdxl.engine.hires import resized
from generation.sdxl.engine.run import Run
from generation.sdxl.latents import vae
from generation.sdxl.latents.vae import decode, decoding, encode
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.multidiffusion import Mosaic
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import CPU, pixels, request


def smooth(width: int, height: int) -> torch.Tensor:
    """Makes a smooth picture, (height, width, 3), 0 to 1."""
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 4, width), indexing="ij")
    return torch.stack([x.sin() / 2 + 0.5, y.cos() / 2 + 0.5, (x + y).sin() / 2 + 0.5], dim=-1)


@pytest.mark.parametrize(("width", "height", "tile", "scale"), [(96, 64, 32, 1), (100, 37, 40, 4), (64, 64, 64, 1)])
def test_a_mosaic_of_a_pictures_own_parts_is_that_picture(width: int, height: int, tile: int, scale: int) -> None:
    picture = smooth(scale * width, scale * height)
    boxes = tiles(width, height, tile, step=1)
    mosaic = Mosaic(boxes, scale)

    for box in boxes:
        left, top, right, bottom = (scale * side for side in box)
        mosaic.lay(picture[top:bottom, left:right].permute(2, 0, 1))

    assert int((mosaic.picture.int() - (picture * 255).round().int()).abs().max()) <= 1


@pytest.mark.parametrize("size", [(256, 192), (100, 300), (33, 48), (128, 96)])
def test_parts_of_a_resized_picture_are_what_one_would_cut_out_of_it(size: tuple[int, int]) -> None:
    image = Image.fromarray((smooth(128, 96) * 255).to(torch.uint8).numpy())
    whole = np.asarray(image.resize(size, Image.Resampling.BICUBIC))

    for box in tiles(*size, 64, step=1):
        left, top, right, bottom = box
        part = (resized(image, size, box)[0].permute(1, 2, 0) + 1) * 127.5
        assert np.abs(part.numpy() - whole[top:bottom, left:right]).max() < 1.01


@torch.inference_mode()
def test_decoding_and_encoding_in_tiles_is_nearly_what_one_piece_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the starter's VAE, whose norms have learned what to do; each tile has its own mean and deviation."""
    starter = load(describe(STARTER_FILE), CPU)
    picture = smooth(320, 256).permute(2, 0, 1).unsqueeze(0) * 2 - 1
    latents = encode(starter, picture)
    whole = decode(starter, latents).int()
    monkeypatch.setattr(vae, "WHOLE_SIDE", 200)
    monkeypatch.setattr(vae, "TILE", 192)

    tiled_latents = encode(starter, picture)
    tiled = decode(starter, latents).int()

    assert tiled.shape == whole.shape
    assert float((tiled_latents - latents).abs().mean() / latents.std()) < 0.03
    assert float((tiled - whole).abs().float().mean()) < 2
    assert int((tiled - whole).abs().max()) <= 12


def test_where_memory_was_short_tiles_are_smaller(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae, "SMALL_TILE", 64)
    latents = torch.zeros(1, 4, 16, 16)

    assert [sum(1 for _ in decoding(model, latents, tile)) for tile in (0, 64)] == [0, 9]


async def test_others_are_painted_between_the_tiles_of_a_large_picture(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await executor.generate(request(steps=1))
    monkeypatch.setattr(vae, "WHOLE_SIDE", 100)
    monkeypatch.setattr(vae, "TILE", 64)
    order: list[str] = []
    decoded, advance = vae._decoded, Run.advance

    def told(model: Model, latents: torch.Tensor) -> torch.Tensor:
        order.append("tile")
        return decoded(model, latents)

    def counted(run: Run, answer: torch.Tensor) -> None:
        order.append("large" if run.request.width > 64 else "step")
        advance(run, answer)

    monkeypatch.setattr(vae, "_decoded", told)
    monkeypatch.setattr(Run, "advance", counted)

    both = await asyncio.gather(
        executor.generate(request(width=256, height=256, steps=1)), executor.generate(request(steps=20))
    )

    assert [pixels(each).shape for each in both] == [(256, 256, 3), (64, 64, 3)]
    first = order.index("tile", order.index("large"))
    assert order[first : first + 12].count("step") >= 4


async def test_cancelling_stops_within_one_tile_of_decoding(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await executor.generate(request(steps=1))  # its previews' colours are fitted by decoding
    monkeypatch.setattr(vae, "WHOLE_SIDE", 100)
    monkeypatch.setattr(vae, "TILE", 64)
    token, seen = CancelToken(), 0
    decoded = vae._decoded

    def counted(model: Model, latents: torch.Tensor) -> torch.Tensor:
        nonlocal seen
        seen += 1
        if seen == 2:
            token.cancel()
        return decoded(model, latents)

    monkeypatch.setattr(vae, "_decoded", counted)

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(width=256, height=256, steps=1), cancel=token)
    assert seen == 2
    assert pixels(await executor.generate(request(steps=1))).shape == (64, 64, 3)


async def test_in_a_tiled_upscale_the_vae_never_sees_more_than_a_tile(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await executor.generate(request(steps=1))
    monkeypatch.setattr(vae, "SMALL_TILE", 64)
    decoded, encoded = vae._decoded, vae._encoded
    seen: set[tuple[str, int, int]] = set()

    def decoding_of(model: Model, latents: torch.Tensor) -> torch.Tensor:
        seen.add(("latents", *latents.shape[-2:]))
        return decoded(model, latents)

    def encoding_of(model: Model, picture: torch.Tensor) -> torch.Tensor:
        seen.add(("pixels", *picture.shape[-2:]))
        return encoded(model, picture)

    monkeypatch.setattr(vae, "_decoded", decoding_of)
    monkeypatch.setattr(vae, "_encoded", encoding_of)

    result = await executor.generate(request(steps=1, hires=Hires(scale=4, steps=1, tile=64)))

    assert pixels(result).shape == (256, 256, 3)
    assert seen == {("latents", 8, 8), ("pixels", 64, 64)}
