"""Whose turn it is: people share the device's time, each person's own jobs in the order they came."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.domain import Job
from bot.errors import LimitError
from generation import GenerationRequest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting job stands.

    Attributes:
        jobs: How many waiting jobs start before it.
        seconds: The device seconds these and the job itself take, by the estimates.
    """

    jobs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Waiting:
    job: Job
    cost: float


class FairQueue:
    """Start-time fair queueing over people in device seconds, with a cap on how much one person may have waiting.

    Every job has a start tag: the later of the queue's virtual time and the end of its person's earlier service. The
    least tag goes first, and sets the virtual time. So a person who asks for much is served in step with the others,
    not before them, and one who was away begins level with everybody (Goyal, Vin & Cheng 1996, "Start-time Fair
    Queueing"; docs/decisions/0004).

    A place is reserved first and filled when the job is safely in the ledger, so that twenty commands sent at
    once cannot slip past the cap. Lives on the event loop.

    Args:
        cap: Jobs one person may have waiting.
        cost: Estimates the device seconds of a request.
    """

    def __init__(self, cap: int, cost: Callable[[GenerationRequest], float]) -> None:
        self._cap = cap
        self._cost = cost
        self._people: dict[int, deque[_Waiting]] = {}
        self._reserved: dict[int, int] = {}
        self._served_until: dict[int, float] = {}
        self._charged: dict[str, float] = {}
        self._virtual_time = 0.0
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(waiting) for waiting in self._people.values())

    def waiting(self, person: int) -> int:
        """How many places a person has taken."""
        return len(self._people.get(person, ())) + self._reserved.get(person, 0)

    def reserve(self, person: int) -> None:
        """Takes a place for a job that is about to come.

        Raises:
            LimitError: The person has as many waiting as they may.
        """
        self.check(person)
        self._reserved[person] = self._reserved.get(person, 0) + 1

    def check(self, person: int, jobs: int = 1) -> None:
        """Refuses jobs that a person has no places for.

        Raises:
            LimitError: They have too many waiting.
        """
        waiting = self.waiting(person)
        if waiting >= self._cap:
            raise LimitError(
                f"You have {waiting} jobs waiting, which is as many as one person may have. "
                "Wait for one of them to start, or cancel one."
            )
        if waiting + jobs > self._cap:
            raise LimitError(
                f"These are {jobs} jobs, but one person may have {self._cap} waiting and you have {waiting}. "
                "Ask for fewer at a time."
            )

    def release(self, person: int) -> None:
        """Gives a reserved place back."""
        self._reserved[person] = self._reserved.get(person, 0) - 1
        if self._reserved[person] <= 0:
            del self._reserved[person]

    def put(self, job: Job, *, reserved: bool = True) -> None:
        """Fills a reserved place; jobs from before a restart need none."""
        person = job.origin.user_id
        if reserved:
            self.release(person)
        self._people.setdefault(person, deque()).append(_Waiting(job, self._cost(job.request)))
        self._filled.set()

    async def get(self) -> Job:
        """Waits for the next job in turn and takes it out."""
        while not self._people:
            self._filled.clear()
            await self._filled.wait()
        person = min(self._people, key=self._start)  # of equal tags the one who came first
        start = self._start(person)
        first = self._people[person].popleft()
        if not self._people[person]:
            del self._people[person]
        self._virtual_time = start
        self._served_until[person] = start + first.cost
        self._charged[first.job.id] = first.cost
        self._forget_the_idle()
        return first.job

    def settle(self, job: Job, seconds: float) -> None:
        """Replaces a taken job's estimate by the device seconds it really took."""
        person = job.origin.user_id
        correction = seconds - self._charged.pop(job.id, seconds)
        self._served_until[person] = self._served_until.get(person, self._virtual_time) + correction

    def withdraw(self, job_id: str) -> Job | None:
        """Takes a job out before its turn; None if it is not waiting."""
        for person, waiting in self._people.items():
            for each in waiting:
                if each.job.id == job_id:
                    waiting.remove(each)
                    if not waiting:
                        del self._people[person]
                    return each.job
        return None

    def place(self, job_id: str) -> Place:
        """Says where a job stands; nothing is in front of one that does not wait."""
        tagged = list(self._tagged())
        mine = next((tag for tag, waiting in tagged if waiting.job.id == job_id), None)
        if mine is None:
            return Place(0, 0.0)
        costs = [waiting.cost for tag, waiting in tagged if tag <= mine]
        return Place(len(costs) - 1, sum(costs))

    def in_turn(self) -> list[Job]:
        """Lists the waiting jobs in the order in which they would start if nobody else came."""
        return [waiting.job for _, waiting in sorted(self._tagged(), key=lambda tagged: tagged[0])]

    def _tagged(self) -> Iterator[tuple[tuple[float, int, int], _Waiting]]:
        """Gives every waiting job its start tag, made unique by its person's and its own order of arrival."""
        for order, (person, waiting) in enumerate(self._people.items()):
            start = self._start(person)
            for number, each in enumerate(waiting):
                yield (start, order, number), each
                start += each.cost

    def _start(self, person: int) -> float:
        return max(self._virtual_time, self._served_until.get(person, 0.0))

    def _forget_the_idle(self) -> None:
        """Drops people whose service is past; they begin level with everybody when they come again."""
        if len(self._served_until) > 2 * len(self._people) + 64:
            self._served_until = {p: until for p, until in self._served_until.items() if until > self._virtual_time}
