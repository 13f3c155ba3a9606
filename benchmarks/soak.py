"""A queue of ten thousand jobs: what a submission and a dispatch cost, and whether memory stays flat.

`python -m benchmarks.soak` (some minutes) lets 10,000 jobs of 1,250 people wait in the real services with a real SQLite
file and a real picture folder; only the device and Discord are fakes. It prints the time of database and policy for
further submissions and for dispatches, then lets the jobs be painted and posted, and prints the memory in use after
every tenth. Times are read beside whatever else the machine does, so processor time stands beside them, and a
bare commit of one row is timed as well.
"""

import argparse
import asyncio
import gc
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select, text

from bot.domain import Job, now
from bot.persistence.database import Database, upgrade
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.speeds import SqlSpeeds
from bot.persistence.tables import JobRow, UserRow
from bot.services.jobs.admission import Admission, AdmittedRequest
from bot.services.jobs.costs import CostModel
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import Forecast
from bot.services.jobs.generation import GenerationService, HouseRules
from bot.services.jobs.limits import RequestLimits
from bot.services.jobs.price import PriceLimit
from bot.services.jobs.status_board import StatusBoard
from bot.services.models import ModelRegistry
from bot.services.ports import Ports, Upload
from bot.services.requests.preferences import PreferenceReader
from bot.services.requests.resolve import Defaults
from generation import Catalog, Progress, metadata
from tests.fakes import FakeExecutor
from tests.unit.bot.books import MemoryChoices, MemoryPresets
from tests.unit.bot.jobs import job

JOBS_EACH = 8
SLOTS = 4
DEFAULTS = Defaults(steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)


class SilentMessenger:
    """Says nothing and forgets everything."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)
        self.posted_jobs = 0
        self.told = 0

    async def announce(self, job: Job, *, again: bool) -> int:
        """Has posted a message."""
        return next(self._ids)

    async def show_waiting(self, job: Job, place: int, ready: datetime, *, resumed: bool) -> None:
        """Counts a message."""
        self.told += 1

    async def show_kept(self, job: Job) -> None:
        """Does nothing."""

    async def show_progress(self, job: Job, progress: Progress, ready: datetime) -> None:
        """Does nothing."""

    async def show_cancelled(self, job: Job) -> None:
        """Does nothing."""

    async def refuse(self, job: Job, reason: str) -> None:
        """Does nothing."""

    async def invite(self, job: Job, message_id: int) -> None:
        """Does nothing."""

    async def posted(self, job: Job) -> int | None:
        """Finds nothing."""
        return None

    async def answer(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Counts a result."""
        self.posted_jobs += 1
        return next(self._ids)

    async def send(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Counts a result."""
        return await self.answer(job, files, notes)

    async def send_privately(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Counts a result."""
        return await self.answer(job, files, notes)


class Clock:
    """Notes what each of many calls takes: time, and processor time of all threads."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.processor: list[float] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Notes one call."""
        started, busy = time.perf_counter(), time.process_time()
        yield
        self.seconds.append(time.perf_counter() - started)
        self.processor.append(time.process_time() - busy)

    def row(self, last: int) -> list[str]:
        """Sums up the last so many calls in milliseconds: median, 95 % and 99 %, and the mean processor time."""
        cuts = statistics.quantiles(self.seconds[-last:], n=100)
        busy = statistics.fmean(self.processor[-last:])
        return [f"{1000 * value:.2f}" for value in (cuts[49], cuts[94], cuts[98], busy)]


class Soak:
    """The services over a real database, with their times."""

    def __init__(self, folder: Path, url: str) -> None:
        self.database = Database(url)
        self.ledger = SqlJobs(self.database, "soak")
        self.messenger = SilentMessenger()
        ports = Ports(self.ledger, SqlSpeeds(self.database), FilePictureStore(folder / "pictures"), self.messenger)
        costs = CostModel()
        self.queue = FairQueue(10_000, costs.estimate, 3, 60.0, SLOTS - 1)
        self.executor = FakeExecutor()
        forecast = Forecast(self.queue, costs, self.executor.sharing, SLOTS)
        self.board = StatusBoard(self.queue, forecast, self.messenger)
        shelf = ModelRegistry(Catalog(folder / "models"))
        price = PriceLimit(costs, shelf, DEFAULTS, seconds=0)
        self.dispatcher = Dispatcher(self.queue, self.executor, ports, price, self.board)
        preferences = PreferenceReader(MemoryChoices(), MemoryPresets())
        rules, admission = HouseRules(DEFAULTS), Admission(RequestLimits(shelf, DEFAULTS, price))
        self.service = GenerationService(admission, self.queue, self.ledger, self.dispatcher, preferences, rules)
        self.submissions, self.dispatches, self.commits = Clock(), Clock(), Clock()

    async def fill(self, jobs: Sequence[Job]) -> None:
        """Lets jobs wait as if they had been submitted; they are written down in one transaction."""
        await self.ledger.add(jobs[0])
        async with self.database.writing() as session:
            first = (await session.execute(select(JobRow.__table__))).mappings().one()
            people = {each.origin.user_id for each in jobs} - {jobs[0].origin.user_id}
            await session.execute(insert(UserRow), [{"id": person, "first_seen": now()} for person in people])
            rows = [
                {
                    **first,
                    "id": each.id,
                    "user_id": each.origin.user_id,
                    "interaction_id": each.origin.interaction_id,
                    "request": metadata.to_json(each.request),
                }
                for each in jobs[1:]
            ]
            await session.execute(insert(JobRow), rows)
        for each in jobs:
            self.queue.put(each, reserved=False)
            self.board.welcome(each)
        while self.messenger.told < len(jobs):  # noqa: ASYNC110 - a benchmark's clock
            await asyncio.sleep(0.05)

    async def submit(self, wanted: Job) -> None:
        """Submits a job."""
        with self.submissions.running():
            self.queue.reserve(wanted.origin.user_id)
            (job,) = await self.service.keep([AdmittedRequest(wanted.request)], [wanted.origin])
            self.service.begin(job)

    async def dispatch(self) -> None:
        """Takes the next job as the dispatcher does, up to its painting, and gives it back."""
        with self.dispatches.running():
            taken = await self.queue.get()
            self.board.started(taken)
            self.board.moved()
            await self.ledger.begin(taken.id)
        await self.board.close(taken)
        self.queue.settle(taken, 1.0)
        self.queue.put(taken, reserved=False)

    async def bare_commit(self) -> None:
        """Makes a transaction that changes one row, for comparison."""
        with self.commits.running():
            async with self.database.writing() as session:
                await session.execute(text("UPDATE users SET first_seen = first_seen WHERE id = 1"))


async def soak(jobs: int, samples: int, painted: int, console: Console) -> None:
    """Runs everything and prints what it found."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite+aiosqlite:///{folder / 'easel.db'}"
        await upgrade(url)
        house = Soak(folder, url)
        people = max(1, jobs // JOBS_EACH)
        wanted = [job(1 + number % people, seed=number, steps=1 + number % 40) for number in range(jobs)]
        await house.fill(wanted[:-samples])
        for each in wanted[-samples:]:
            await house.submit(each)
        for _ in range(samples):
            await house.dispatch()
            await house.bare_commit()
        columns = ("each", "median ms", "95 % ms", "99 % ms", "processor ms")
        table = Table(*columns, title=f"{jobs:,} jobs of {people:,} people waiting")
        table.add_row("submission", *house.submissions.row(samples))
        table.add_row("dispatch", *house.dispatches.row(samples))
        table.add_row("a bare commit of one row", *house.commits.row(samples))
        console.print(table)
        await _paint(house, painted, console)
        await house.database.close()


async def _paint(house: Soak, jobs: int, console: Console) -> None:
    table = Table("jobs posted", "Python objects", "resident MB", "seconds", title="memory while they are painted")
    started = time.monotonic()
    running = asyncio.create_task(house.dispatcher.run(SLOTS))
    for goal in range(jobs // 10, jobs + 1, jobs // 10):
        while house.messenger.posted_jobs < goal:  # noqa: ASYNC110 - a benchmark's clock
            await asyncio.sleep(0.05)
        house.executor.requests.clear()
        gc.collect()
        resident = psutil.Process().memory_info().rss / 2**20
        table.add_row(f"{goal:,}", f"{len(gc.get_objects()):,}", f"{resident:.0f}", f"{time.monotonic() - started:.0f}")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await house.dispatcher.close()
    console.print(table)


def main() -> None:
    """Reads the options and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--painted", type=int, help="how many of them are painted in the end; all by default")
    arguments = parser.parse_args()
    asyncio.run(soak(arguments.jobs, arguments.samples, arguments.painted or arguments.jobs, Console()))


if __name__ == "__main__":
    main()
