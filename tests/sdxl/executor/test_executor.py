"""The executor under load, under cancellation, and when things go wrong."""

import asyncio
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from generation import (
    CancelToken,
    Catalog,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationRequest,
    GenerationResult,
    GenerationSettings,
    ModelEntry,
    ModelError,
    Progress,
    Stage,
)
from generation.sdxl.engine.run import Run
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import Placement
from generation.sdxl.model.model import Model
from generation.worker import local
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import pixels, request
from tests.sdxl.executor.conftest import Watch


async def test_cancelling_stops_within_one_unet_call(executor: LocalExecutor, unet: Watch) -> None:
    token = CancelToken()
    unet.on_call = lambda number: token.cancel() if number == 4 else None

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(steps=50), cancel=token)

    assert unet.calls == 4


async def test_a_job_cancelled_before_its_turn_is_never_painted(executor: LocalExecutor, unet: Watch) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(), cancel=token)

    assert unet.calls == 0


async def test_a_cancelled_task_has_left_the_device_when_it_ends(executor: LocalExecutor, unet: Watch) -> None:
    started = unet.started()
    painting = asyncio.create_task(executor.generate(request(steps=150)))
    await started.wait()

    painting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await painting

    before = unet.calls
    assert before < 150
    await executor.generate(request(steps=2))
    assert unet.calls == before + 2


async def test_progress_counts_unet_calls_and_never_falls(executor: LocalExecutor) -> None:
    news: list[Progress] = []

    await executor.generate(request(sampler="dpm_2", steps=4, count=2), news.append)

    assert [progress.done for progress in news] == sorted(progress.done for progress in news)
    assert all(progress.total == 14 for progress in news)
    assert news[-1].done == 14
    assert news[-1].fraction == 1.0


async def test_a_short_job_overtakes_a_long_one(executor: LocalExecutor) -> None:
    await executor.generate(request(steps=1))
    ended: list[str] = []

    async def paint(name: str, **changes: object) -> None:
        await executor.generate(request(**changes))
        ended.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(paint("long", steps=60, width=128, height=128))
        await asyncio.sleep(0.05)
        group.create_task(paint("draft", steps=4))

    assert ended == ["draft", "long"]


async def test_jobs_of_different_people_share_calls_and_change_nothing(executor: LocalExecutor, unet: Watch) -> None:
    alone = [pixels(await executor.generate(request(seed=seed, steps=6))) for seed in (1, 2, 3)]
    unet.sizes.clear()

    together = await asyncio.gather(*(executor.generate(request(seed=seed, steps=6)) for seed in (1, 2, 3)))

    assert max(unet.sizes) > 1
    for expected, result in zip(alone, together, strict=True):
        assert np.abs(expected - pixels(result)).max() <= 1


async def test_a_job_is_charged_for_its_own_share_of_the_device(executor: LocalExecutor) -> None:
    await executor.generate(request(steps=1))

    long, short = await asyncio.gather(
        executor.generate(request(steps=24, width=128, height=128)), executor.generate(request(steps=3, seed=9))
    )

    assert 0 < short.device_seconds < long.device_seconds
    assert short.device_seconds < short.seconds
    assert long.device_seconds + short.device_seconds <= 1.05 * max(long.seconds, short.seconds)


async def test_a_failing_job_fails_alone(executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pixels(await executor.generate(request(seed=1, steps=6)))
    advance = Run.advance

    def poisoned(run: Run, noise: torch.Tensor) -> None:
        if run.time_ids()[0][0] == 72 and run.done == 2:
            raise ValueError("a poisoned picture")
        advance(run, noise)

    monkeypatch.setattr(Run, "advance", poisoned)

    good, bad = await asyncio.gather(
        executor.generate(request(seed=1, steps=6)),
        executor.generate(request(height=72, steps=6)),
        return_exceptions=True,
    )

    assert isinstance(bad, ValueError)
    assert not isinstance(good, BaseException)
    assert np.abs(expected - pixels(good)).max() <= 1


async def test_a_shared_call_that_fails_is_taken_apart_and_blamed_on_nobody(
    executor: LocalExecutor, unet: Watch
) -> None:
    unet.failures = [None, ValueError("something in this batch")]

    first, second = await asyncio.gather(
        executor.generate(request(seed=1, steps=4)), executor.generate(request(seed=2, steps=4))
    )

    assert pixels(first).std() > 1
    assert pixels(second).std() > 1


async def test_an_error_in_one_picture_leaves_the_others_of_its_call_alone(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Run.advance

    def stumble(run: Run, answer: torch.Tensor) -> None:
        advance(run, answer)
        if run.request.seed == 2 and run.latents is not None:
            raise RuntimeError("a kernel is broken")

    monkeypatch.setattr(Run, "advance", stumble)

    jobs = [executor.generate(request(seed=seed)) for seed in (1, 2, 3)]
    first, second, third = await asyncio.gather(*jobs, return_exceptions=True)

    assert isinstance(second, RuntimeError)
    assert isinstance(first, GenerationResult)
    assert isinstance(third, GenerationResult)


async def test_two_models_take_turns(executor: LocalExecutor) -> None:
    results = await asyncio.gather(
        *(executor.generate(request(model=name, steps=4)) for name in ("tiny", "zebra", "tiny", "zebra"))
    )

    tiny, zebra = pixels(results[0]), pixels(results[1])
    assert not np.array_equal(tiny, zebra)
    assert np.abs(tiny - pixels(results[2])).max() <= 1
    assert np.abs(zebra - pixels(results[3])).max() <= 1


async def test_a_model_that_is_not_there_fails_only_its_own_job(executor: LocalExecutor) -> None:
    good, bad = await asyncio.gather(
        executor.generate(request()), executor.generate(request(model="tinny")), return_exceptions=True
    )

    assert isinstance(bad, ModelError)
    assert str(bad) == "There is no model named 'tinny'. Did you mean tiny?"
    assert not isinstance(good, BaseException)


async def test_exactly_one_thread_touches_the_device(executor: LocalExecutor, unet: Watch, vae: Watch) -> None:
    threads: set[int] = set()
    for watch in (unet, vae):
        watch.on_call = lambda _number: threads.add(threading.get_ident())

    await asyncio.gather(*(executor.generate(request(seed=seed)) for seed in range(6)))

    assert len(threads) == 1
    assert threading.get_ident() not in threads


async def test_no_more_jobs_than_slots_are_in_the_engine(models_folder: Path, unet: Watch) -> None:
    settings = GenerationSettings(models_dir=models_folder, device="cpu", slots=2)
    executor = LocalExecutor(settings, Catalog(models_folder))

    await asyncio.gather(*(executor.generate(request(seed=seed, steps=4)) for seed in range(6)))
    await executor.close()

    assert max(unet.sizes) == 2


async def test_closing_ends_what_is_under_way_and_joins_the_thread(executor: LocalExecutor, unet: Watch) -> None:
    started = unet.started()
    painting = asyncio.create_task(executor.generate(request(steps=150)))
    await started.wait()

    await executor.close()

    with pytest.raises(ExecutorClosedError):
        await painting
    with pytest.raises(ExecutorClosedError):
        await executor.generate(request())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("device", "encoder"))]


async def test_the_default_model_is_loaded_before_anybody_asks(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()
    names: list[str] = []

    def noted(entry: ModelEntry, placement: Placement) -> Model:
        names.append(entry.name)
        model = load(entry, placement)
        loaded.set()
        return model

    monkeypatch.setattr(local, "load", noted)
    await executor.start()
    assert await asyncio.to_thread(loaded.wait, 60)

    await executor.generate(request(steps=1))

    assert names == ["tiny"]


async def test_who_comes_before_the_first_model_is_told_that_it_is_loading(executor: LocalExecutor) -> None:
    news: list[Stage] = []

    await executor.start()
    await executor.generate(request(steps=1), lambda progress: news.append(progress.stage))
    first, news[:] = list(news), []
    await executor.generate(request(steps=1), lambda progress: news.append(progress.stage))

    assert first[0] is Stage.LOADING
    assert Stage.LOADING not in news


async def test_a_model_that_is_gone_is_only_a_warning_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path, "gone"))

    await executor.start()
    await executor.close()

    assert "There is no model named 'gone'." in caplog.text


def test_a_request_is_worth_its_unet_calls() -> None:
    assert request(sampler="dpm_2", steps=35, count=2).calls == 138
    assert isinstance(request(), GenerationRequest)
