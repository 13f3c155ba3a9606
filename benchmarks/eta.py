"""How well the countdowns come true: 100 jobs of mixed size through the real queue, painted by the starter.

`python -m benchmarks.eta` (some minutes on two cores) lets five people order jobs of mixed size, steps and count. It
notes when each job's message first said that it would be ready, when it began to be painted, and when it was ready, and
prints the error of the countdown relative to the waiting. The first jobs teach the cost model; they count.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.soak import SilentMessenger
from bot.domain import Job, now
from bot.services.board import StatusBoard
from bot.services.costs import CostModel
from bot.services.dispatcher import Dispatcher
from bot.services.ports import Ports, Upload
from bot.services.queue import FairQueue
from generation import Catalog, GenerationSettings, LocalExecutor
from tests.unit.bot.jobs import MemoryLedger, MemoryPictures, MemorySpeeds, job

PEOPLE, SLOTS = 5, 4
SIZES = ((64, 64), (64, 128), (128, 128), (128, 192), (192, 192))


class Watch(SilentMessenger):
    """Notes when jobs come and are ready."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: dict[str, datetime] = {}

    async def answer(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Notes that a job is ready."""
        self.ready[job.id] = now()
        return await super().answer(job, files, notes)


class Foretelling(StatusBoard):
    """A status board that remembers what it foretold first, and again when a job began."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.ordered: dict[str, tuple[datetime, datetime]] = {}
        self.begun: dict[str, tuple[datetime, datetime]] = {}

    def welcome(self, job: Job, *, resumed: bool = False) -> None:
        """Notes the first countdown."""
        super().welcome(job, resumed=resumed)
        self.ordered[job.id] = now(), self.ready(job)

    def started(self, job: Job) -> None:
        """Notes the countdown at the beginning."""
        super().started(job)
        self.begun[job.id] = now(), self.ready(job)


def orders(jobs: int, seed: int) -> list[Job]:
    """Draws jobs of mixed size."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    made = []
    for number in range(jobs):
        width, height = draw.choice(SIZES)
        made.append(
            job(
                1 + draw.randrange(PEOPLE),
                prompt="a red apple on a blue background",
                model="starter",
                width=width,
                height=height,
                steps=draw.randint(8, 30),
                count=draw.choice((1, 1, 1, 3)),
                sampler=draw.choice(("euler", "dpmpp_2m", "dpm_2")),
                guidance_scale=draw.choice((1.0, 4.0)),
                seed=number,
            )
        )
    return made


async def measure(jobs: int, waiting: int, seed: int) -> tuple[list[float], list[float], float]:
    """Returns the relative errors from the order on and from the beginning of the painting, and the seconds in all."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        executor = LocalExecutor(GenerationSettings(data_dir=path, device="cpu", slots=SLOTS), Catalog(path))
        messenger, costs = Watch(), CostModel()
        queue = FairQueue(1000, costs.estimate, 3, 60.0)
        board = Foretelling(queue, costs.estimate, messenger)
        ports = Ports(MemoryLedger(), MemorySpeeds(), MemoryPictures(), messenger)
        dispatcher = Dispatcher(queue, executor, ports, costs, board)
        await executor.start()
        running = asyncio.create_task(dispatcher.run(SLOTS))
        started = time.monotonic()
        for each in orders(jobs, seed):
            while len(queue) >= waiting:  # noqa: ASYNC110 - a benchmark's clock
                await asyncio.sleep(0.01)
            await ports.ledger.add(each)
            queue.put(each, reserved=False)
            dispatcher.welcome(each)
        while len(messenger.ready) < jobs:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await executor.close()
        await dispatcher.close()
        seconds = time.monotonic() - started
        return _errors(board.ordered, messenger.ready), _errors(board.begun, messenger.ready), seconds


def _errors(foretold: dict[str, tuple[datetime, datetime]], ready: dict[str, datetime]) -> list[float]:
    return [abs(ready[name] - promised) / (ready[name] - at) for name, (at, promised) in foretold.items()]


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--waiting", type=int, default=6, help="jobs that wait at a time")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ordered, begun, seconds = asyncio.run(measure(arguments.jobs, arguments.waiting, arguments.seed))
    title = f"{arguments.jobs} jobs in {seconds:.0f} s: the countdown's error, as a share of the time it counted"
    table = Table("counted from", "median", "75 %", "90 %", title=title)
    for what, errors in (("the order", ordered), ("the beginning of the painting", begun)):
        cuts = statistics.quantiles(errors, n=20)
        table.add_row(what, *(f"{value:.0%}" for value in (statistics.median(errors), cuts[14], cuts[17])))
    Console().print(table)


if __name__ == "__main__":
    main()
