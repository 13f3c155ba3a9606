"""The second pass: larger, in one piece or in tiles that agree; memory bounded by the tile; no seams."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation import (
    CancelToken,
    Catalog,
    GenerationCancelledError,
    GenerationRequest,
    GenerationSettings,
    Hires,
    Init,
    InvalidRequestError,
    Mask,
    Progress,
)
from generation.images.loading import digest_of
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.multidiffusion import Tiles
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import pixels, request


@pytest.mark.parametrize("method", ["pixel", "latent"])
async def test_a_second_pass_gives_the_larger_picture_and_counts_its_calls(
    executor: LocalExecutor, method: str
) -> None:
    heard: list[Progress] = []
    asked = request(steps=3, count=2, hires=Hires(scale=1.5, steps=4, method=method))

    result = await executor.generate(asked, heard.append)

    assert [pixels(result, index).shape for index in (0, 1)] == [(96, 96, 3)] * 2
    assert (heard[-1].done, heard[-1].total) == (14, 14)
    assert asked.calls == 14
    assert [progress.fraction for progress in heard] == sorted(progress.fraction for progress in heard)
    seconds = [progress.device_seconds for progress in heard]
    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= result.device_seconds


async def test_each_picture_of_a_batch_is_what_it_would_be_alone(executor: LocalExecutor) -> None:
    asked = request(count=2, hires=Hires(scale=2, steps=2, tile=64))

    batch = await executor.generate(asked)
    alone = await executor.generate(asked.picture(1))

    assert np.abs(pixels(batch, 1) - pixels(alone)).max() <= 1


async def test_one_tile_of_the_pictures_size_is_no_tiling_at_all(executor: LocalExecutor) -> None:
    whole, tiled = [
        pixels(await executor.generate(request(hires=Hires(scale=1.5, steps=3, tile=tile)))) for tile in (0, 96)
    ]

    assert np.array_equal(whole, tiled)


async def test_cancelling_stops_within_one_call_of_the_second_pass(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, calls = CancelToken(), 0
    predict = Model.predict

    def counted(model: Model, latents: torch.Tensor, *others: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 6:
            token.cancel()
        return predict(model, latents, *others)

    monkeypatch.setattr(Model, "predict", counted)

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(steps=3, hires=Hires(scale=4, steps=9, tile=64)), cancel=token)

    assert calls == 6


async def test_the_unet_never_sees_more_than_a_tile(executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[tuple[int, ...]] = set()
    predict = Model.predict

    def watched(model: Model, latents: torch.Tensor, *others: Any) -> torch.Tensor:
        seen.add(tuple(latents.shape[-2:]))
        return predict(model, latents, *others)

    monkeypatch.setattr(Model, "predict", watched)

    result = await executor.generate(request(hires=Hires(scale=4, steps=2, tile=64)))

    assert pixels(result).shape == (256, 256, 3)
    assert seen == {(8, 8)}


def test_where_tiles_overlap_the_estimate_is_their_mean_and_falls_softly() -> None:
    tiles = Tiles(128, 64, 64, 8)
    answers = [None if index == len(tiles) - 1 else "more" for index in range(len(tiles))]
    whole = None
    for number, _ in enumerate(answers):
        whole = tiles.take(torch.full((1, 4, 8, 8), float(number)))

    assert whole is not None
    row = whole[0, 0, 4]
    assert [float(row[0]), float(row[-1])] == [0, len(tiles) - 1]
    assert bool((row.diff() >= 0).all())
    assert float(row.diff().max()) <= 1


@pytest.mark.ci
async def test_a_tiled_upscale_of_a_smooth_picture_shows_no_seam(tmp_path: Path) -> None:
    y, x = np.mgrid[0:128, 0:128]
    smooth = np.stack([40 + x, 60 + y, 200 - (x + y) // 2], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(smooth).save(file, "PNG")
    data = file.getvalue()
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))

    tiled, whole = [
        pixels(await executor.generate(enlarged(digest_of(data), tile), inputs={digest_of(data): data}))
        for tile in (256, 0)
    ]
    await executor.close()

    borders = (128, 256, 384)
    assert tiled.shape == (512, 512, 3)
    assert seam(tiled, borders, step=8) <= 1.2
    assert seam(tiled, borders) / seam(whole, borders) <= 1.1


def enlarged(digest: str, tile: int) -> GenerationRequest:
    return GenerationRequest(
        prompt="a blue background", model="starter", width=128, height=128, steps=4, seed=3, guidance_scale=4.0,
        init=Init(picture=digest, strength=0.0), hires=Hires(scale=4, strength=0.3, steps=4, tile=tile),
    )  # fmt: skip


def seam(picture: NDArray[np.int16], borders: tuple[int, ...], step: int = 1) -> float:
    """Compares the steps between pixels where tiles begin or end with those between pixels elsewhere.

    A latent is 8 pixels wide, and a small VAE shows that everywhere, in one piece as well: so borders, all of which lie
    between latents, are compared with what lies between latents too (step 8), or with the same picture in one piece.
    """
    grey = picture.astype(np.float64).mean(axis=-1)
    elsewhere = [place for place in range(step, len(grey), step) if place not in borders]
    across = [np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis) for axis in (0, 1)]
    at_borders = np.mean([steps[border - 1] for steps in across for border in borders])
    return float(at_borders / np.mean([steps[place - 1] for steps in across for place in elsewhere]))


def test_what_does_not_go_with_a_second_pass_is_refused() -> None:
    init = Init(picture="a" * 64)
    with pytest.raises(InvalidRequestError, match="hires does not go with a mask or an outpaint"):
        request(init=init, mask=Mask(), hires=Hires())
    with pytest.raises(InvalidRequestError, match="larger width must be between 64 and 4096, not 8192"):
        request(width=2048, hires=Hires(scale=4))
