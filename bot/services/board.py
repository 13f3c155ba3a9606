"""What every unfinished job's message says: its place, its percentage, and when it will be ready."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from bot.domain import Job, now
from bot.services.ports import Messenger
from bot.services.queue import FairQueue, Place
from bot.services.status import Show, StatusLine
from generation import GenerationRequest, Progress, Stage

NEXT_IN_LINE = 5  # further back a place changes too often to be worth an edit


class StatusBoard:
    """Keeps one status line per unfinished job, and knows how far the running ones have come.

    Args:
        queue: Asked for the places of waiting jobs.
        cost: Estimates the device seconds of a request.
        messenger: Shows what is said.
    """

    def __init__(self, queue: FairQueue, cost: Callable[[GenerationRequest], float], messenger: Messenger) -> None:
        self._queue = queue
        self._cost = cost
        self._messenger = messenger
        self._lines: dict[str, StatusLine] = {}
        self._places: dict[str, int] = {}
        self._resumed: set[str] = set()
        self._running: dict[str, tuple[Job, Progress]] = {}

    def welcome(self, job: Job, *, resumed: bool = False) -> None:
        """Begins a new job's message with its place in the queue; one from before a restart says so while it waits."""
        if resumed:
            self._resumed.add(job.id)
        self._show_place(job, self._queue.place(job))

    def moved(self) -> None:
        """Tells those who are next that the queue has moved."""
        for job, place in islice(self._queue.line(), NEXT_IN_LINE):
            self._show_place(job, place)

    def started(self, job: Job) -> None:
        """Notes that a job has left the queue."""
        self._places.pop(job.id, None)
        self._resumed.discard(job.id)
        self._running[job.id] = job, Progress(Stage.LOADING, 0, job.request.calls)

    def running(self) -> list[tuple[Job, float]]:
        """Lists the jobs that are being painted and how much of each is done, the furthest first."""
        jobs = [(job, progress.fraction) for job, progress in self._running.values()]
        return sorted(jobs, key=lambda running: -running[1])

    def ready(self, job: Job) -> datetime:
        """Estimates when a job will be ready."""
        if job.id in self._running:
            return self._ready_running(job)
        return self.ready_from(self._queue.place(job))

    def ready_from(self, place: Place) -> datetime:
        """Estimates when a job at a place in the queue will be ready."""
        return _in(self._all_left() + place.seconds)

    def free(self) -> datetime:
        """Estimates when everything that waits and runs will be done."""
        return _in(self._all_left() + self._queue.seconds)

    def progress(self, job: Job, progress: Progress) -> None:
        """Shows how far a job has come."""
        if not job.wishes.previews:
            progress = replace(progress, preview=None)
        self._running[job.id] = job, progress
        looks = progress.stage, f"{progress.fraction:.0%}", progress.preview
        self._tell(job, looks, partial(self._messenger.show_progress, job, progress, self._ready_running(job)))

    def painted(self, job: Job) -> None:
        """Notes that a job needs the device no more."""
        self._running.pop(job.id, None)

    async def close(self, job: Job) -> None:
        """Ends a job's status; what follows in its message comes from elsewhere."""
        self._places.pop(job.id, None)
        self._resumed.discard(job.id)
        self._running.pop(job.id, None)
        line = self._lines.pop(job.id, None)
        if line is not None:
            await line.close()

    async def close_all(self) -> None:
        """Ends every status."""
        lines = list(self._lines.values())
        self._lines.clear()
        await asyncio.gather(*(line.close() for line in lines))

    def _show_place(self, job: Job, place: Place) -> None:
        if self._places.get(job.id) == place.jobs:
            return
        self._places[job.id] = place.jobs
        show = partial(
            self._messenger.show_waiting, job, place.jobs, self.ready_from(place), resumed=job.id in self._resumed
        )
        self._tell(job, place.jobs, show)

    def _ready_running(self, job: Job) -> datetime:
        """The engine lets the least remaining work go first, so a job waits for those that have less to do."""
        left = {running.id: self._left(running, progress) for running, progress in self._running.values()}
        return _in(sum(seconds for seconds in left.values() if seconds <= left[job.id]))

    def _left(self, job: Job, progress: Progress) -> float:
        return self._cost(job.request) * (1 - progress.fraction)

    def _all_left(self) -> float:
        return sum(self._left(job, progress) for job, progress in self._running.values())

    def _tell(self, job: Job, looks: Hashable, show: Show) -> None:
        if job.id not in self._lines:
            self._lines[job.id] = StatusLine()
        self._lines[job.id].tell(looks, show)


def _in(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)
