"""Whose turn it is: people take turns, each person's own jobs in the order they came."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator

from bot.domain import Job
from bot.errors import LimitError


class FairQueue:
    """Round robin over people, with a cap on how much one person may have waiting.

    A place is reserved first and filled when the job is safely in the ledger, so that twenty commands sent at
    once cannot slip past the cap. Lives on the event loop.

    Args:
        cap: Jobs one person may have waiting.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._people: OrderedDict[int, deque[Job]] = OrderedDict()
        self._reserved: dict[int, int] = {}
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(jobs) for jobs in self._people.values())

    def waiting(self, person: int) -> int:
        """How many places a person has taken."""
        return len(self._people.get(person, ())) + self._reserved.get(person, 0)

    def reserve(self, person: int) -> None:
        """Takes a place for a job that is about to come.

        Raises:
            LimitError: The person has as many waiting as they may.
        """
        waiting = self.waiting(person)
        if waiting >= self._cap:
            raise LimitError(
                f"You have {waiting} jobs waiting, which is as many as one person may have. "
                "Wait for one of them to start, or cancel one."
            )
        self._reserved[person] = self._reserved.get(person, 0) + 1

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
        self._people.setdefault(person, deque()).append(job)
        self._filled.set()

    async def get(self) -> Job:
        """Waits for the next job in turn and takes it out."""
        while not self._people:
            self._filled.clear()
            await self._filled.wait()
        person, jobs = next(iter(self._people.items()))
        job = jobs.popleft()
        if jobs:
            self._people.move_to_end(person)
        else:
            del self._people[person]
        return job

    def withdraw(self, job_id: str) -> Job | None:
        """Takes a job out before its turn; None if it is not waiting."""
        for person, jobs in self._people.items():
            for job in jobs:
                if job.id == job_id:
                    jobs.remove(job)
                    if not jobs:
                        del self._people[person]
                    return job
        return None

    def place(self, job_id: str) -> int:
        """Says how many waiting jobs start before this one."""
        return next((place for place, job in enumerate(self.in_turn()) if job.id == job_id), 0)

    def in_turn(self) -> Iterator[Job]:
        """Goes through the waiting jobs in the order in which they would start now."""
        rounds = [list(jobs) for jobs in self._people.values()]
        for number in range(max(map(len, rounds), default=0)):
            yield from (jobs[number] for jobs in rounds if number < len(jobs))
