"""What every unfinished job's message says: its place, its percentage, and when it will be ready."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from bot.domain import Job, now
from bot.errors import DeliveryError
from bot.services.jobs.fair_queue import FairQueue, Place
from bot.services.jobs.forecast import REHEARSED, Forecast, Prediction
from bot.services.ports import Messenger
from generation import Progress, Stage

log = logging.getLogger(__name__)

EDIT_SECONDS = 3.0
NEXT_IN_LINE = 5  # further back a place changes too often to be worth an edit
OFF_SECONDS, OFF_PART = 10.0, 0.25  # by how much a countdown must be wrong to be told anew: the larger of the two
LOOK_SECONDS = 0.2
FRESH_SECONDS = 0.5  # how long a prediction stays valid while no job joins or leaves the queue


Show = Callable[[], Awaitable[None]]


class StatusBoard:
    """Keeps one status line per unfinished job, and knows how far the running ones have come.

    Args:
        queue: Asked for the places of waiting jobs.
        forecast: Predicts when jobs will be ready.
        messenger: Shows what is said.
        clock: Seconds that only go up.
        edit_seconds: Seconds between two edits of one message.
    """

    def __init__(
        self,
        queue: FairQueue,
        forecast: Forecast,
        messenger: Messenger,
        clock: Callable[[], float] = time.monotonic,
        edit_seconds: float = EDIT_SECONDS,
    ) -> None:
        self._queue = queue
        self._forecast = forecast
        self._messenger = messenger
        self._clock = clock
        self._edit_seconds = edit_seconds
        self._lines: dict[str, StatusLine] = {}
        self._told: dict[str, tuple[int, datetime | None]] = {}  # place and countdown, once that is shown
        self._resumed: set[str] = set()
        self._running: dict[str, tuple[Job, Progress]] = {}
        self._begun: dict[str, tuple[float, float | None]] = {}  # when, and in how many seconds they would be ready
        self._looking: asyncio.TimerHandle | None = None
        self._prediction: tuple[float, Prediction] | None = None

    def welcome(self, job: Job, *, resumed: bool = False, shown: bool = False) -> None:
        """Begins a job's message with its place in the queue.

        Args:
            job: One that has just come into the queue.
            resumed: It is from before a restart; its message says so while it waits.
            shown: Its message says already that it starts, so nothing is said if it does.
        """
        place = self._queue.place(job)
        if resumed:
            self._resumed.add(job.id)
        else:
            self._forecast.came(job)
        if place.jobs < REHEARSED:
            self._prediction = None
        if not shown or place.jobs:
            self._show_place(job, place)

    def moved(self, *, fewer: bool = False) -> None:
        """Tells those who are next that the queue has moved.

        Args:
            fewer: A job left the queue, so the others start sooner than predicted.
        """
        if fewer:
            self._prediction = None
        for job, place in islice(self._queue.line(), NEXT_IN_LINE):
            if job.id not in self._told or self._told[job.id][0] != place.jobs:
                self._show_place(job, place)
        self._look_soon()

    def started(self, job: Job) -> None:
        """Notes that a job has left the queue."""
        self._told.pop(job.id, None)
        self._resumed.discard(job.id)
        self._running[job.id] = job, Progress(Stage.LOADING, 0, job.request.calls)
        self._begun[job.id] = self._clock(), None
        self._look_soon()

    def running(self) -> list[tuple[Job, float]]:
        """Lists the jobs that are being painted and how much of each is done, the furthest first."""
        jobs = [(job, progress.fraction) for job, progress in self._running.values()]
        return sorted(jobs, key=lambda running: -running[1])

    def ready(self, job: Job, place: Place | None = None) -> datetime:
        """Estimates when a job will be ready.

        Args:
            job: One that waits or is being painted.
            place: Where it stands, if that is known already.
        """
        at, prediction = self._predict()
        if job.id in prediction.seconds:
            return _in(max(prediction.seconds[job.id] - (self._clock() - at), 0.0))
        work = self._queue.place(job).seconds if place is None else place.seconds
        return _in(prediction.pace * (self._forecast.left(self._running) + work))

    def free(self) -> datetime:
        """Estimates when everything that waits and runs will be done."""
        _, prediction = self._predict()
        return _in(prediction.pace * (self._forecast.left(self._running) + self._queue.seconds))

    def progress(self, job: Job, progress: Progress) -> None:
        """Shows how far a job has come; news of one that needs the device no more is late, and dropped."""
        if job.id not in self._running:
            return
        if not job.wishes.previews:
            progress = replace(progress, preview=None)
        if progress.done < self._running[job.id][1].done:
            self._begun.pop(job.id, None)  # it was restarted, so its prediction cannot calibrate anything
        self._running[job.id] = job, progress
        looks = progress.stage, f"{progress.fraction:.0%}", progress.preview
        self._tell(job, looks, lambda: self._messenger.show_progress(job, progress, self.ready(job)))

    def painted(self, job: Job) -> None:
        """Notes that a job needs the device no more."""
        _, progress = self._running.pop(job.id, (job, None))
        began, predicted = self._begun.pop(job.id, (0.0, None))
        if progress is not None and progress.fraction == 1 and predicted is not None:
            self._forecast.calibrate(predicted, self._clock() - began)

    async def close(self, job: Job) -> None:
        """Ends a job's status; what follows in its message comes from elsewhere."""
        self._told.pop(job.id, None)
        self._resumed.discard(job.id)
        self._running.pop(job.id, None)
        line = self._lines.pop(job.id, None)
        if line is not None:
            await line.close()

    async def close_all(self) -> None:
        """Ends every status."""
        if self._looking is not None:
            self._looking.cancel()
        lines = list(self._lines.values())
        self._lines.clear()
        await asyncio.gather(*(line.close() for line in lines))

    def _show_place(self, job: Job, place: Place) -> None:
        self._told[job.id] = place.jobs, None
        resumed = job.id in self._resumed

        async def show() -> None:
            ready = self.ready(job, place)
            if job.id in self._told:
                self._told[job.id] = place.jobs, ready
            await self._messenger.show_waiting(job, place.jobs, ready, resumed=resumed)

        self._tell(job, (place.jobs, self._clock()), show)

    def _look_soon(self) -> None:
        """Looks at the countdowns a moment later: once for all that happens meanwhile, and in nobody's way."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Tells countdowns anew that are wrong by now, and notes what those are that can be compared later."""
        self._looking = None
        at, prediction = self._predict()
        for job_id, (began, predicted) in self._begun.items():
            if predicted is None and job_id in prediction.seconds:
                self._begun[job_id] = began, at + prediction.seconds[job_id] - began
        for job, place in islice(self._queue.line(), NEXT_IN_LINE):
            told = self._told.get(job.id, (0, None))[1]
            if told is not None and _is_off(told, self.ready(job, place)):
                self._show_place(job, place)

    def _predict(self) -> tuple[float, Prediction]:
        """Returns what is predicted, and when it was."""
        at = self._clock()
        if self._prediction is None or at - self._prediction[0] > FRESH_SECONDS:
            self._prediction = at, self._forecast.predict(self._running)
        return self._prediction

    def _tell(self, job: Job, looks: Hashable, show: Show) -> None:
        if job.id not in self._lines:
            self._lines[job.id] = StatusLine(self._edit_seconds)
        self._lines[job.id].tell(looks, show)


class StatusLine:
    """Carries the newest news of one job to its message; older news that was not shown yet is dropped.

    News that looks like what is shown already is no reason for an edit.

    Args:
        every: Seconds between two edits.
    """

    def __init__(self, every: float) -> None:
        self._every = every
        self._newest: tuple[Hashable, Show] | None = None
        self._shown: Hashable = None
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._edit())

    def tell(self, looks: Hashable, show: Show) -> None:
        """Takes news.

        Args:
            looks: What people see of it; equal news looks the same.
            show: What to call to show it.
        """
        self._newest = looks, show
        self._news.set()

    async def close(self) -> None:
        """Stops editing; an edit under way is finished first, so that it cannot overtake the result."""
        self._newest = None
        self._closing.set()
        self._news.set()
        await self._task

    async def _edit(self) -> None:
        while not self._closing.is_set():
            await self._news.wait()
            self._news.clear()
            newest, self._newest = self._newest, None
            if newest is not None and newest[0] != self._shown:
                self._shown, show = newest
                await _try(show)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), self._every)


async def _try(show: Show) -> None:
    try:
        await show()
    except DeliveryError as error:
        log.debug("a status message could not be edited: %s", error)


def _in(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)


def _is_off(told: datetime, ready: datetime) -> bool:
    """Whether a countdown that was told is so wrong by now that it must be told anew."""
    left = max((ready - now()).total_seconds(), 0.0)
    return abs((told - ready).total_seconds()) > max(OFF_SECONDS, OFF_PART * left)
