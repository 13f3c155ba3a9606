"""What the executor does when memory is short, step by step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from generation import (
    Catalog,
    DeviceMemoryError,
    GenerationSettings,
)
from generation.sdxl.model.model import Model
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import pixels, request
from tests.sdxl.executor.conftest import Watch


async def test_short_of_memory_a_batch_is_painted_one_at_a_time(executor: LocalExecutor, unet: Watch) -> None:
    expected = await executor.generate(request(count=3))
    unet.failures = [torch.OutOfMemoryError("CUDA out of memory")]
    unet.sizes.clear()

    result = await executor.generate(request(count=3))

    assert set(unet.sizes) == {1}
    assert result.notes == ("Memory was short: one picture at a time.",)
    assert np.abs(pixels(expected, 2) - pixels(result, 2)).max() <= 1


async def test_short_of_memory_recordings_are_given_up_before_anything_else(
    executor: LocalExecutor, unet: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = [False, True]
    monkeypatch.setattr(Model, "release", lambda _model: recorded.pop())
    unet.failures = [torch.OutOfMemoryError("CUDA out of memory")]

    result = await executor.generate(request(count=2))

    assert recorded == [False]
    assert result.notes == ()


async def test_every_rung_of_the_ladder_is_taken_once_and_named(
    executor: LocalExecutor, unet: Watch, vae: Watch
) -> None:
    short = torch.OutOfMemoryError("CUDA out of memory")
    unet.failures = [short, torch.AcceleratorError("CUDA error: out of memory")]
    vae.failures = [short]

    result = await executor.generate(request(count=2))

    assert result.notes == (
        "Memory was short: one picture at a time, keeping only the part in use on the device, decoding in tiles.",
    )


async def test_when_no_rung_is_left_the_job_fails_in_words_and_the_next_one_works(
    executor: LocalExecutor, vae: Watch
) -> None:
    vae.failures = [torch.OutOfMemoryError("CUDA out of memory")] * 3

    with pytest.raises(DeviceMemoryError, match="try a smaller size"):
        await executor.generate(request())

    assert pixels(await executor.generate(request())).std() > 1
    assert vae.calls == 4


async def test_other_errors_are_not_taken_for_a_lack_of_memory(executor: LocalExecutor, unet: Watch) -> None:
    unet.failures = [RuntimeError("a kernel is broken")]

    with pytest.raises(RuntimeError, match="a kernel is broken"):
        await executor.generate(request())


async def test_offloading_ends_with_the_work(models_folder: Path, unet: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[str] = []
    bring, stay = Model.bring, Model.reset_offloading

    def noted(model: Model, stage: Any) -> None:
        if model.offload:
            moves.append(stage)
        bring(model, stage)

    def stayed(model: Model) -> None:
        moves.append("stay")
        stay(model)

    monkeypatch.setattr(Model, "bring", noted)
    monkeypatch.setattr(Model, "reset_offloading", stayed)
    unet.failures = [torch.OutOfMemoryError("CUDA out of memory")]
    executor = LocalExecutor(GenerationSettings(models_dir=models_folder, device="cpu"), Catalog(models_folder))

    await executor.generate(request(steps=2))
    await executor.close()

    assert moves == ["unet", "unet", "vae", "stay"]
