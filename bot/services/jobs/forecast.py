"""When jobs will be ready: the queue and the engine's loop rehearsed in simulated time. Pure.

The rehearsal takes jobs by the queue's own rules and paints them by the engine's own policy, so it knows who overtakes
whom. Those who are yet to come overtake too. They are not known; what comes is taken to be like what came, the latest
first: who asked for something three minutes ago asks for the like in three minutes.
"""

import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bot.domain import Job
from bot.services.jobs.costs import CostModel
from bot.services.jobs.fair_queue import FairQueue
from generation import GenerationRequest, Progress
from generation.scheduling.simulation import BatchTable, Outline, Simulation

REHEARSED = 24  # waiting jobs; of those behind them the work in front is summed up, since overtaking evens out
REMEMBERED = 48  # jobs that came last
MOST_OFF = 1.0  # a job that was predicted worse, in logarithms, teaches no more than this
LEARNING_RATE = 0.1
LATER = "later "  # begins the names of jobs that are yet to come
PLAYS = 3  # where others come between: what they bring is drawn anew for each
MAX_EVENTS = 200  # of simulated time in all plays, so that it takes milliseconds whatever waits

Running = Mapping[str, tuple[Job, Progress]]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted.

    Attributes:
        seconds: From now until jobs are ready, for those that were rehearsed.
        pace: Seconds that a device second of these took: less than one where they share calls, more where others
            come between. Jobs behind them go on at the same pace.
    """

    seconds: Mapping[str, float]
    pace: float


class Forecast:
    """Predicts when jobs will be ready.

    Args:
        queue: Where they wait.
        costs: What they cost.
        tables: For a model, how many pictures share a UNet call.
        slots: How many jobs the engine has at a time.
        clock: Seconds that only go up.
    """

    def __init__(
        self,
        queue: FairQueue,
        costs: CostModel,
        tables: Callable[[str], BatchTable],
        slots: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._costs = costs
        self._tables = tables
        self._slots = slots
        self._clock = clock
        self._came: deque[tuple[float, Job]] = deque(maxlen=REMEMBERED)
        self._slower = 0.0  # the logarithm of taken over predicted
        self._learned = 0

    def came(self, job: Job) -> None:
        """Notes that somebody asked for something just now."""
        self._came.append((self._clock(), job))

    def calibrate(self, predicted: float, taken: float) -> None:
        """Learns from a job whether everything takes longer than predicted: what is done beside the device's work."""
        self._learned += 1
        off = min(max(math.log(max(taken, 1e-3) / max(predicted, 1e-3)), -MOST_OFF), MOST_OFF)
        self._slower += max(1 / (self._learned + 1), LEARNING_RATE) * (off - self._slower)

    def left(self, running: Running) -> float:
        """Returns the device seconds that running jobs still take."""
        return sum(self._costs.estimate(job.request) * (1 - progress.fraction) for job, progress in running.values())

    def predict(self, running: Running) -> Prediction:
        """Rehearses what runs and what waits first, several times where others come between.

        Args:
            running: The jobs in the engine in the order in which they came there, and how far each is.
        """
        pace = math.exp(self._slower)
        outlines = _Outlines(self._costs)
        events, plays = MAX_EVENTS, list[Prediction]()
        for coming in self._futures(pace):
            queue = self._queue.rehearsal(REHEARSED, {job.origin.user_id for _, job in coming}, outlines.seconds)
            play = _Rehearsal(queue, outlines, Simulation(self._tables), self._slots)
            expected = len(coming)
            plays.append(play.play(running, coming, events, pace))
            events -= play.events
            if len(coming) == expected or events <= 0:
                break  # nobody comes in time to make a difference, or there is no time for more
        return _middle(plays)

    def _futures(self, pace: float) -> "Iterator[deque[tuple[float, Job]]]":
        """Mirrors in time what came, then with other jobs at the same times.

        The last one is left out: it is not known yet how soon another follows.
        """
        at, past = self._clock(), list(self._came)[:-1][::-1]
        times, jobs = [(at - came) / pace for came, _ in past], [job for _, job in past]
        draw = random.Random(len(jobs))  # noqa: S311 - a simulation
        for _ in range(PLAYS):
            yield deque(zip(times, jobs, strict=True))
            draw.shuffle(jobs)


class _Outlines:
    """What requests are for the engine's loop, made once for each while one rehearsal lasts."""

    def __init__(self, costs: CostModel) -> None:
        self._costs = costs
        self._made: dict[int, Outline] = {}

    def of(self, request: GenerationRequest) -> Outline:
        if id(request) not in self._made:
            self._made[id(request)] = self._costs.outline(request)
        return self._made[id(request)]

    def seconds(self, request: GenerationRequest) -> float:
        return self.of(request).seconds


class _Rehearsal:
    """One play of what will happen."""

    def __init__(self, queue: FairQueue, outlines: _Outlines, loop: Simulation, slots: int) -> None:
        self._queue = queue
        self._outlines = outlines
        self._loop = loop
        self._slots = slots
        self._running: dict[str, Job] = {}
        self._work: dict[str, float] = {}  # device seconds they still take

    def play(self, running: Running, coming: "deque[tuple[float, Job]]", events: int, pace: float) -> Prediction:
        waited_for = len(running) + len(self._queue)
        ready: dict[str, float] = {}
        for job, progress in running.values():
            self._admit(job, progress.done, 1 - progress.fraction)
        self._fill()
        while len(ready) < waited_for and self._loop.events < events:
            next_comes = coming[0][0] if coming else math.inf
            done = self._loop.advance(next_comes)
            if done is not None:
                self._queue.settle(self._running.pop(done.name))
                if not done.name.startswith(LATER):
                    ready[done.name] = done.seconds * pace
            elif coming:
                self._loop.seconds = max(self._loop.seconds, next_comes)
                self._queue.put(replace(coming.popleft()[1], id=f"{LATER}{len(coming)}"), reserved=False)
            else:
                break
            self._fill()
        work = sum(self._work[name] for name in ready)
        return Prediction(ready, max(ready.values()) / work if work else pace)

    @property
    def events(self) -> int:
        """How long it took (generation.scheduling.simulation)."""
        return self._loop.events

    def _fill(self) -> None:
        while len(self._running) < self._slots and (job := self._queue.take()) is not None:
            self._admit(job)

    def _admit(self, job: Job, done: int = 0, left: float = 1.0) -> None:
        outline = self._outlines.of(job.request)
        self._running[job.id] = job
        self._work[job.id] = outline.seconds * left
        self._loop.admit(job.id, outline, done)


def _middle(plays: Sequence[Prediction]) -> Prediction:
    """Returns the median of what was predicted for each job."""
    if len(plays) == 1:
        return plays[0]
    jobs = {job for play in plays for job in play.seconds}
    seconds = {job: median(play.seconds[job] for play in plays if job in play.seconds) for job in jobs}
    return Prediction(seconds, median(play.pace for play in plays))
