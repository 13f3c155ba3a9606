"""How long a draft takes while a long job is being painted.

`python -m benchmarks.draft` paints a 4-step draft alone and beside a 60-step job, in turn, each time at another moment
of the long job, with the starter through the whole executor (encoding to PNG included), and prints the medians and
their ratio. The exit code says whether the draft took at most 1.5 times as long.
"""

import asyncio
import statistics
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from generation import (
    CancelToken,
    Catalog,
    GenerationCancelledError,
    GenerationRequest,
    GenerationSettings,
    Progress,
)
from generation.worker.local import LocalExecutor

ROUNDS, DRAFT, LONG, SIDE = 7, 4, 60, 128
MOST = 1.5


def request(steps: int, seed: int) -> GenerationRequest:
    """Makes a request of the starter."""
    return GenerationRequest(
        prompt="a red apple", model="starter", width=SIDE, height=SIDE, steps=steps, sampler="euler", seed=seed
    )


async def draft(executor: LocalExecutor, seed: int) -> float:
    """Paints a draft; returns its seconds."""
    start = time.perf_counter()
    await executor.generate(request(DRAFT, seed))
    return time.perf_counter() - start


async def beside(executor: LocalExecutor, seed: int, moment: int) -> float:
    """Paints a draft once a long job has had so many calls; returns the draft's seconds."""
    reached, token = asyncio.Event(), CancelToken()

    def look(progress: Progress) -> None:
        if progress.done >= moment:
            reached.set()

    long = asyncio.create_task(executor.generate(request(LONG, seed), look, token))
    await reached.wait()
    taken = await draft(executor, 1000 + seed)
    token.cancel()
    await asyncio.gather(long, return_exceptions=True)
    if not isinstance(long.exception(), GenerationCancelledError | None):
        await long
    return taken


async def measure() -> tuple[float, float]:
    """Measures both in turn."""
    executor = LocalExecutor(GenerationSettings(device="cpu", previews=False), Catalog(Path("none"), "starter"))
    torch.set_num_threads(1)
    await draft(executor, 0)
    alone, together = [], []
    for number in range(ROUNDS):
        alone.append(await draft(executor, number))
        together.append(await beside(executor, number, 1 + number * (LONG - 6) // ROUNDS))
    await executor.close()
    return statistics.median(alone), statistics.median(together)


def main() -> None:
    """Prints the medians."""
    alone, together = asyncio.run(measure())
    table = Table("a draft of 4 steps", "seconds", title=f"starter at {SIDE}x{SIDE}, one thread, {ROUNDS} rounds")
    table.add_row("alone", f"{alone:.3f}")
    table.add_row(f"while a job of {LONG} steps is painted", f"{together:.3f}")
    table.add_row("ratio", f"{together / alone:.2f}")
    Console().print(table)
    sys.exit(together > MOST * alone)


if __name__ == "__main__":
    main()
