"""An executor whose engine paints flat colours, in a process of its own, and what is asked of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from generation import GenerationRequest, GenerationResult, GenerationSettings, ProcessExecutor, Progress
from generation.executors import process

ROOT = Path(__file__).parents[2]
COMMAND = (*process.COMMAND[:-1], "tests.process.worker")


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[ProcessExecutor]:
    """Paints flat colours in a process of its own."""
    paints = ProcessExecutor(GenerationSettings(data_dir=tmp_path), command=COMMAND)
    yield paints
    await paints.close()


def request(prompt: str = "a red apple", **changes: object) -> GenerationRequest:
    """Makes a small request."""
    values: dict[str, object] = {"prompt": prompt, "model": "tiny", "width": 64, "height": 64, "steps": 3, "seed": 5}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def pid_of(result: GenerationResult) -> int:
    """Says which process painted."""
    return next(int(note) for note in result.notes if note.isdecimal())


def again(news: list[Progress]) -> bool:
    """Whether something began anew."""
    return any(later.done < earlier.done for earlier, later in pairwise(news))


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    """Waits until a process has ended."""
    async with asyncio.timeout(20):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
