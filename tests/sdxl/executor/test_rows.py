"""Pictures whose prompts take separate UNet calls, in the engine: progress, sharing, cancelling, memory."""

import asyncio

import numpy as np
import pytest
import torch

from generation import CancelToken, GenerationCancelledError, GenerationResult, Hires, Progress
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import pixels, request
from tests.sdxl.executor.conftest import Watch
from tests.sdxl.test_rows import prompt_of

APART = {"prompt": prompt_of(3), "negative_prompt": prompt_of(7)}


async def test_progress_counts_two_separate_calls_as_one_and_the_cost_counts_both(
    executor: LocalExecutor, unet: Watch
) -> None:
    news: list[Progress] = []
    asked = request(steps=5, **APART)

    result = await executor.generate(asked, news.append)

    assert asked.calls == 5
    assert unet.calls == 10
    assert result.calls == 10
    assert {each.total for each in news} == {5}
    assert [each.done for each in news] == sorted(each.done for each in news)
    assert news[-1].done == 5


async def test_pictures_of_a_job_share_both_calls_and_are_what_they_are_alone(
    executor: LocalExecutor, unet: Watch
) -> None:
    alone = [pixels(await executor.generate(request(seed=5 + index, **APART))) for index in range(4)]
    unet.sizes.clear()

    together = await executor.generate(request(count=4, **APART))

    assert unet.sizes == [4] * 6
    assert together.calls == 6
    for index, expected in enumerate(alone):
        assert np.abs(pixels(together, index) - expected).max() <= 1


async def test_jobs_of_all_kinds_beside_each_other_are_painted_as_alone(executor: LocalExecutor) -> None:
    kinds = [
        request(seed=1, steps=4, **APART),
        request(seed=2, steps=6, negative_prompt="blurry"),
        request(seed=3, steps=3, prompt=prompt_of(3), guidance_scale=1.0),  # as long as the first one's prompt
        request(seed=4, steps=4, prompt=prompt_of(7), negative_prompt=prompt_of(3)),
        request(seed=5, steps=2, hires=Hires(scale=2, steps=2, tile=64), **APART),
    ]
    alone = [pixels(await executor.generate(each)) for each in kinds]

    together: list[GenerationResult] = await asyncio.gather(*(executor.generate(each) for each in kinds))

    for result, expected in zip(together, alone, strict=True):
        assert np.abs(pixels(result) - expected).max() <= 1


async def test_cancelling_between_two_separate_calls_stops_there(executor: LocalExecutor, unet: Watch) -> None:
    token = CancelToken()
    unet.on_call = lambda number: token.cancel() if number == 3 else None

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(steps=50, **APART), cancel=token)

    assert unet.calls == 3


async def test_a_second_call_that_lacks_memory_is_made_again(executor: LocalExecutor, unet: Watch) -> None:
    expected = pixels(await executor.generate(request(**APART)))
    unet.failures = [None, None, None, torch.OutOfMemoryError("CUDA out of memory")]

    result = await executor.generate(request(**APART))

    assert np.array_equal(pixels(result), expected)
    assert "Memory was short" in result.notes[0]


@pytest.mark.parametrize("preview_seconds", [0.0])
async def test_previews_show_whole_steps(executor: LocalExecutor) -> None:
    news: list[Progress] = []

    await executor.generate(request(steps=30, **APART), news.append)

    assert any(each.preview for each in news)
