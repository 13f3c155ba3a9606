"""How well the countdowns come true: 100 jobs of mixed size through the real queue, painted by the starter.

`python -m benchmarks.eta` (a minute or two on a quiet core) lets five people order jobs of mixed size, steps and count,
so that some always wait. It notes when each job's message first said that it would be ready, what it said when the
painting began, and when the job was ready, and prints the errors relative to the time that was counted. The first jobs
teach the cost model; they count. Beside them stands what the errors are made of: those of the costs alone, and those of
a forecast that does not reckon with people who are yet to come.

A busy machine spoils it: the share of a processor that this process got is printed too.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.soak import SilentMessenger
from bot.domain import Job, Speed, now
from bot.services.jobs.costs import CostModel
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import Forecast
from bot.services.jobs.price import PriceLimit
from bot.services.jobs.status_board import StatusBoard
from bot.services.models import ModelRegistry
from bot.services.ports import Ports, Upload
from bot.services.requests.resolve import Defaults
from generation import Catalog, GenerationRequest, GenerationSettings
from generation.worker.local import LocalExecutor
from generation.worker.main import PROGRESS_SECONDS
from tests.unit.bot.jobs import MemoryJobs, MemoryPictures, MemorySpeeds, job

PEOPLE, SLOTS = 5, 4
ORDER = "the order"
DEFAULTS = Defaults(steps=20, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
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


@dataclass
class Notes:
    """What was predicted and measured: errors relative to what was counted or expected."""

    predicted: dict[str, dict[str, tuple[datetime, datetime]]] = field(default_factory=dict)
    costs: list[float] = field(default_factory=list)

    def note(self, what: str, job: Job, ready: datetime) -> None:
        """Notes a countdown."""
        self.predicted.setdefault(what, {})[job.id] = now(), ready

    def errors(self, ready: dict[str, datetime]) -> dict[str, list[float]]:
        """Returns all errors by what they are of."""
        found = {
            what: [abs(ready[job] - promised) / (ready[job] - at) for job, (at, promised) in each.items()]
            for what, each in self.predicted.items()
        }
        return {**found, "the device seconds alone": self.costs}


class Watched(CostModel):
    """A cost model that notes by how much it is wrong."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def learn(self, request: GenerationRequest, seconds: float, calls: float = 0.0) -> tuple[Speed, ...]:
        """Notes how far off a job's share of the device was."""
        outline = self.outline(request)
        (only,) = outline.passes
        expected = outline.count * (only.calls * only.own + outline.finishing) + calls * only.shared
        self._notes.costs.append(abs(seconds - expected) / seconds)
        return super().learn(request, seconds, calls)


class RecordingBoard(StatusBoard):
    """A status board that notes what it predicts."""

    def __init__(self, queue: FairQueue, forecast: Forecast, messenger: Watch, notes: Notes, alone: Forecast) -> None:
        super().__init__(queue, forecast, messenger)
        self._notes = notes
        self._alone = alone

    def welcome(self, job: Job, *, resumed: bool = False, shown: bool = False) -> None:
        """Notes the first countdown."""
        super().welcome(job, resumed=resumed, shown=shown)
        self._notes.note(ORDER, job, self.ready(job))
        seconds = self._alone.predict(self._running).seconds[job.id]
        self._notes.note("the order, as if nobody came later", job, now() + timedelta(seconds=seconds))

    def started(self, job: Job) -> None:
        """Notes the countdown at the beginning."""
        super().started(job)
        self._notes.note("the beginning of the painting", job, self.ready(job))


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


async def measure(jobs: int, waiting: int, seed: int) -> dict[str, list[float]]:
    """Returns the relative errors by what they are of."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        settings = GenerationSettings(data_dir=path, device="cpu", slots=SLOTS)
        executor = LocalExecutor(settings, Catalog(path), progress_seconds=PROGRESS_SECONDS)  # as the bot hears of it
        notes, messenger = Notes(), Watch()
        costs = Watched(notes)
        queue = FairQueue(1000, costs.estimate, 3, 60.0, SLOTS - 1)
        forecast, alone = (Forecast(queue, costs, executor.sharing, SLOTS) for _ in range(2))
        board = RecordingBoard(queue, forecast, messenger, notes, alone)
        ports = Ports(MemoryJobs(), MemorySpeeds(), MemoryPictures(), messenger)
        price = PriceLimit(costs, ModelRegistry(Catalog(path)), DEFAULTS, seconds=0)
        dispatcher = Dispatcher(queue, executor, ports, price, board)
        await executor.start()
        running = asyncio.create_task(dispatcher.run(SLOTS))
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
        return notes.errors(messenger.ready)


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--waiting", type=int, default=6, help="jobs that wait at a time")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    started, busy = time.monotonic(), time.process_time()
    errors = asyncio.run(measure(arguments.jobs, arguments.waiting, arguments.seed))
    seconds = time.monotonic() - started
    share = (time.process_time() - busy) / seconds
    title = f"{arguments.jobs} jobs in {seconds:.0f} s with {share:.0%} of a processor: errors of the countdown from"
    table = Table("", "median", "75 %", "90 %", title=title)
    for what, found in errors.items():
        cuts = statistics.quantiles(found, n=20)
        table.add_row(what, *(f"{value:.0%}" for value in (statistics.median(found), cuts[14], cuts[17])))
    Console().print(table)


if __name__ == "__main__":
    main()
