"""When a refiner is read, what waits for it, and what becomes of it when it cannot come."""

import asyncio
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from generation import (
    CancelToken,
    Catalog,
    GenerationCancelledError,
    GenerationSettings,
    ModelError,
    Refiner,
)
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.worker import local
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import pixels
from tests.sdxl.refiner.conftest import asked


async def test_cancelling_stops_within_one_call_of_the_refiner(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, calls = CancelToken(), 0
    predict = Model.predict

    def counted(model: Model, latents: Tensor, *others: Any) -> Tensor:
        nonlocal calls
        calls += 1
        if model.refines:
            token.cancel()
        return predict(model, latents, *others)

    monkeypatch.setattr(Model, "predict", counted)

    with pytest.raises(GenerationCancelledError):
        await executor.generate(asked(steps=20, refiner=Refiner(model="expert", at=6)), cancel=token)

    assert calls == 7


async def test_a_refiner_is_loaded_only_when_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def watched(entry: Any, placement: Any) -> Model:
        read.append(entry.name)
        return load(entry, placement)

    monkeypatch.setattr(local, "load", watched)
    executor = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))

    await executor.generate(asked(refiner=None))
    assert read == ["tiny"]
    await executor.generate(asked())
    await executor.generate(asked())
    await executor.close()

    assert read == ["tiny", "expert"]


async def test_a_picture_that_waits_for_its_refiner_can_be_cancelled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on, token = threading.Event(), threading.Event(), CancelToken()

    def slow(entry: Any, placement: Any) -> Model:
        if entry.name == "expert":
            reading.set()
            assert go_on.wait(20)
        return load(entry, placement)

    monkeypatch.setattr(local, "load", slow)
    executor = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))
    waiting = asyncio.create_task(executor.generate(asked(), cancel=token))
    assert await asyncio.to_thread(reading.wait, 20)
    plain = await executor.generate(asked(refiner=None, seed=8))  # others go on meanwhile

    token.cancel()
    with pytest.raises(GenerationCancelledError):
        await waiting

    go_on.set()
    assert pixels(plain).shape == (64, 64, 3)
    assert pixels(await executor.generate(asked())).shape == (64, 64, 3)
    await executor.close()


async def test_a_refiner_that_failed_for_a_cancelled_job_is_read_again_for_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    failed, token = threading.Event(), CancelToken()
    predict = Model.predict

    def damaged_once(entry: Any, placement: Any) -> Model:
        read.append(entry.name)
        if read.count("expert") == 1 and entry.name == "expert":
            failed.set()
            raise ModelError("expert is being copied.")
        return load(entry, placement)

    def cancelled_meanwhile(model: Model, *others: Any) -> Tensor:
        assert failed.wait(20)
        token.cancel()
        return predict(model, *others)

    monkeypatch.setattr(local, "load", damaged_once)
    executor = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))
    with monkeypatch.context() as patch:
        patch.setattr(Model, "predict", cancelled_meanwhile)
        with pytest.raises(GenerationCancelledError):
            await executor.generate(asked(), cancel=token)

    assert pixels(await executor.generate(asked())).shape == (64, 64, 3)

    assert read == ["tiny", "expert", "expert"]
    await executor.close()


async def test_a_job_whose_refiner_failed_learns_why_although_others_come(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, other_came, read = threading.Event(), threading.Event(), list[str]()
    predict = Model.predict

    def damaged(entry: Any, placement: Any) -> Model:
        read.append(entry.name)
        if entry.name == "expert":
            failed.set()
            raise ModelError("expert is damaged.")
        return load(entry, placement)

    def later(model: Model, *others: Any) -> Tensor:
        assert other_came.wait(20)
        return predict(model, *others)

    monkeypatch.setattr(local, "load", damaged)
    monkeypatch.setattr(Model, "predict", later)
    executor = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))
    first = asyncio.create_task(executor.generate(asked()))
    assert await asyncio.to_thread(failed.wait, 20)
    second = asyncio.create_task(executor.generate(asked(refiner=None)))
    await asyncio.sleep(0.1)
    other_came.set()

    with pytest.raises(ModelError, match="expert is damaged"):
        await first
    assert pixels(await second).shape == (64, 64, 3)

    assert read == ["tiny", "expert"]
    await executor.close()


@pytest.mark.ci
async def test_where_only_one_checkpoint_has_room_jobs_with_refiners_still_end(folder: Path) -> None:
    one = (folder / "tiny.safetensors").stat().st_size * 2 / 2**30  # in memory they lie in single precision
    settings = GenerationSettings(models_dir=folder, device="cpu", model_memory=one * 1.05, slots=4)
    executor = LocalExecutor(settings, Catalog(folder))
    wanted = [
        asked(count=2), asked(model="zebra", seed=3), asked(seed=9, refiner=Refiner(model="zebra", at=2)),
        asked(refiner=None),
    ]  # fmt: skip

    together = await asyncio.wait_for(asyncio.gather(*(executor.generate(each) for each in wanted)), 60)
    alone = [await executor.generate(each) for each in wanted]
    await executor.close()

    for ours, expected in zip(together, alone, strict=True):
        assert np.abs(pixels(ours) - pixels(expected)).max() <= 1


@pytest.mark.parametrize("refiner", [Refiner(model="expert", at=3), Refiner(model="expert", strength=0.5, steps=2)])
async def test_where_only_one_checkpoint_has_room_the_first_is_gone_before_its_refiner_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, refiner: Refiner
) -> None:
    first: list[weakref.ref[torch.nn.Module]] = []
    alive: list[bool] = []

    def watched(entry: Any, placement: Any) -> Model:
        if entry.name == "expert":
            alive.append(first[0]() is not None)
        loaded = load(entry, placement)
        if entry.name == "tiny":
            first.append(weakref.ref(loaded.unet))
        return loaded

    monkeypatch.setattr(local, "load", watched)
    one = (folder / "tiny.safetensors").stat().st_size * 2 / 2**30  # in memory they lie in single precision
    settings = GenerationSettings(models_dir=folder, device="cpu", model_memory=one * 1.05)
    executor = LocalExecutor(settings, Catalog(folder))

    await asyncio.wait_for(executor.generate(asked(count=2, refiner=refiner)), 60)
    await executor.close()

    assert alive == [False]
