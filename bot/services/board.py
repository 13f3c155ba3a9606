"""What every unfinished job's message says: its place, its percentage, and when it will be ready."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from bot.domain import Job, now
from bot.services.ports import Messenger
from bot.services.queue import FairQueue
from bot.services.status import Show, StatusLine
from generation import GenerationRequest, Progress

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
        self._left: dict[str, float] = {}

    def welcome(self, job: Job) -> None:
        """Begins a new job's message with its place in the queue."""
        self._show_place(job)

    def moved(self) -> None:
        """Tells those who are next that the queue has moved."""
        for job in self._queue.in_turn()[:NEXT_IN_LINE]:
            self._show_place(job)

    def started(self, job: Job) -> None:
        """Notes that a job has left the queue."""
        self._places.pop(job.id, None)
        self._left[job.id] = self._cost(job.request)

    def progress(self, job: Job, progress: Progress) -> None:
        """Shows how far a job has come."""
        self._left[job.id] = self._cost(job.request) * (1 - progress.fraction)
        self._tell(job, partial(self._messenger.show_progress, job, progress, self._ready_running(job)))

    def painted(self, job: Job) -> None:
        """Notes that a job needs the device no more."""
        self._left.pop(job.id, None)

    async def close(self, job: Job) -> None:
        """Ends a job's status; what follows in its message comes from elsewhere."""
        self._places.pop(job.id, None)
        self._left.pop(job.id, None)
        line = self._lines.pop(job.id, None)
        if line is not None:
            await line.close()

    async def close_all(self) -> None:
        """Ends every status."""
        lines = list(self._lines.values())
        self._lines.clear()
        await asyncio.gather(*(line.close() for line in lines))

    def _show_place(self, job: Job) -> None:
        place = self._queue.place(job.id)
        if self._places.get(job.id) == place.jobs:
            return
        self._places[job.id] = place.jobs
        ready = _in(sum(self._left.values()) + place.seconds)
        self._tell(job, partial(self._messenger.show_waiting, job, place.jobs, ready))

    def _ready_running(self, job: Job) -> datetime:
        """The engine lets the least remaining work go first, so a job waits for those that have less to do."""
        mine = self._left[job.id]
        return _in(sum(left for left in self._left.values() if left <= mine))

    def _tell(self, job: Job, show: Show) -> None:
        if job.id not in self._lines:
            self._lines[job.id] = StatusLine()
        self._lines[job.id].tell(show)


def _in(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)
