"""Whether the engine's memory grows over many jobs.

`python -m benchmarks.soak_engine` paints 500 jobs of mixed size, steps, sampler and prompt with the tiny model, four at
a time, in an engine's process as the bot starts it, and prints that process's resident memory on the way. The exit code
says whether it grew by less than 2 % after the first 50 jobs. `--first` takes other jobs, `--jobs` more of them.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from generation import GenerationRequest, GenerationSettings, ProcessExecutor
from tests import tiny

JOBS, AT_ONCE, WARM, MOST = 500, 4, 50, 0.02
SIDES = (64, 72, 96, 128, 160)
SAMPLERS = ("euler", "dpmpp_2m", "dpmpp_2m_sde", "euler_ancestral", "dpm_2")


def request(number: int) -> GenerationRequest:
    """Makes one of the mixed jobs, always the same one for a number."""
    draw = random.Random(number)  # noqa: S311 - no secret
    return GenerationRequest(
        prompt=f"a red apple, number {number}",
        model="tiny",
        width=draw.choice(SIDES),
        height=draw.choice(SIDES),
        steps=draw.randint(1, 4),
        sampler=draw.choice(SAMPLERS),
        count=draw.choice((1, 1, 2)),
        seed=number,
    )


async def soak(folder: Path, numbers: range) -> list[tuple[int, float]]:
    """Paints the jobs; returns MiB of the engine's resident memory by the number of jobs done.

    Raises:
        psutil.NoSuchProcess: The engine's process ended by itself.
    """
    tiny.save_single_file(folder / "tiny.safetensors")
    settings = GenerationSettings(models_dir=folder, data_dir=folder, device="cpu")
    executor = ProcessExecutor(settings, threads=1)
    await executor.start()
    [engine] = psutil.Process().children()
    room = asyncio.Semaphore(AT_ONCE)
    seen: list[tuple[int, float]] = []
    done = 0

    async def one(number: int) -> None:
        nonlocal done
        async with room:
            await executor.generate(request(number), lambda _progress: None)
        done += 1
        if done % WARM == 0:
            seen.append((done, engine.memory_info().rss / 2**20))

    await asyncio.gather(*(one(number) for number in numbers))
    await executor.close()
    return seen


def main() -> None:
    """Prints the memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak_engine", description=main.__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--first", type=int, default=0, help="the first job's number")
    arguments = parser.parse_args()
    numbers = range(arguments.first, arguments.first + arguments.jobs)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(soak(Path(folder), numbers))
    table = Table("jobs", "resident MiB", title=f"tiny model, mixed jobs, {time.perf_counter() - begun:.0f} s")
    for jobs, resident in seen:
        table.add_row(str(jobs), f"{resident:.1f}")
    growth = seen[-1][1] / seen[0][1] - 1
    console = Console()
    console.print(table)
    console.print(f"growth after the first {WARM} jobs: {growth:.2%}")
    sys.exit(growth >= MOST)


if __name__ == "__main__":
    main()
