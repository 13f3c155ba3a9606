"""The real engine in a process of its own, and a device that fails."""

import asyncio
from pathlib import Path

import pytest
import torch

from generation import (
    Catalog,
    DeviceMemoryError,
    GenerationSettings,
    ModelError,
    ProcessExecutor,
    Progress,
    Stage,
)
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import request
from tests.sdxl.executor.conftest import Watch


@pytest.mark.ci
async def test_the_process_paints_the_very_same_files(executor: LocalExecutor, models_folder: Path) -> None:
    settings = GenerationSettings(models_dir=models_folder, device="cpu", model="tiny")
    apart = ProcessExecutor(settings, threads=1)
    news: list[Progress] = []
    await apart.start()

    there = await apart.generate(request(count=2), news.append)
    with pytest.raises(ModelError, match="Did you mean tiny"):
        await apart.generate(request(model="tinny"))
    await apart.close()

    here = await executor.generate(request(count=2))
    assert there.artifacts == here.artifacts
    assert there.calls == here.calls
    assert news[-1].fraction == 1.0


async def test_a_device_that_failed_is_told_of(models_folder: Path, unet: Watch) -> None:
    lost: list[BaseException] = []
    settings = GenerationSettings(models_dir=models_folder, device="cpu")
    executor = LocalExecutor(settings, Catalog(models_folder), on_lost=lost.append)
    failure = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    unet.failures = [failure, ValueError("something else"), DeviceMemoryError("too large")]

    for _ in range(3):
        with pytest.raises((torch.AcceleratorError, ValueError, DeviceMemoryError)):
            await executor.generate(request())
    await executor.close()

    assert lost == [failure]


async def test_news_within_a_stage_waits_until_it_is_wanted_and_the_last_is_told(models_folder: Path) -> None:
    settings = GenerationSettings(models_dir=models_folder, device="cpu")
    rarely = LocalExecutor(settings, Catalog(models_folder), progress_seconds=600)
    news: list[Progress] = []

    await rarely.generate(request(steps=40), news.append)
    await asyncio.sleep(0)
    await rarely.close()

    stages = [progress.stage for progress in news]
    assert len(news) <= 2 + len(set(Stage))
    assert Stage.PAINTING in stages
    assert news[-1].done == 40
