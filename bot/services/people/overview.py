"""What is waiting and being painted, for one person and for everybody; which of it a person means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain import Job, Usage
from bot.errors import LimitError
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.status_board import StatusBoard
from bot.services.ports import JobRepository
from generation.typed_text import TypedText

ALL = "all"


@dataclass(frozen=True, slots=True)
class Standing:
    """One unfinished job, as its person sees it.

    Attributes:
        job: The job.
        fraction: How much of it is painted; None while it waits.
        place: How many jobs start before it.
        ready: When it will be ready by the estimates.
    """

    job: Job
    fraction: float | None
    place: int
    ready: datetime


@dataclass(frozen=True, slots=True)
class Overview:
    """What a person may know of the queue: their own jobs in order, and how much there is of everybody's."""

    mine: tuple[Standing, ...]
    waiting: int
    running: int
    free: datetime


class QueueOverview:
    """Answers from memory, but for what a person has used in all."""

    def __init__(self, queue: FairQueue, board: StatusBoard, ledger: JobRepository) -> None:
        self._queue = queue
        self._board = board
        self._ledger = ledger

    def of(self, person: int) -> Overview:
        """Describes the queue to a person; other people's jobs are only counted."""
        running = self._board.running()
        mine = [
            Standing(job, fraction, 0, self._board.ready(job))
            for job, fraction in running
            if job.origin.user_id == person
        ]
        mine += [
            Standing(job, None, place.jobs, self._board.ready(job, place))
            for job, place in self._queue.line()
            if job.origin.user_id == person
        ]
        return Overview(tuple(mine), len(self._queue), len(running), self._board.free())

    async def usage(self, person: int) -> Usage:
        """Says what a person has had painted in all."""
        return await self._ledger.usage(person)

    def meant(self, person: int, which: TypedText) -> list[str]:
        """Reads what a person typed after /cancel: "all", a job's id, numbers of their own list such as 2 or 1-3.

        Returns:
            Ids of jobs; one that is none of this person's is left to be refused where it is cancelled.

        Raises:
            LimitError: It names none of their jobs.
        """
        mine = [standing.job.id for standing in self.of(person).mine]
        which = TypedText(which.strip().lower())
        if which == ALL:
            chosen = mine
        elif match := re.fullmatch(r"(\d{1,4})(?:\s*-\s*(\d{1,4}))?", which):
            first, last = int(match[1]), int(match[2] or match[1])
            chosen = mine[max(first, 1) - 1 : last]
        else:
            return [which]
        if not chosen:
            raise LimitError(_nothing(which, mine))
        return chosen


def _nothing(which: str, mine: Sequence[str]) -> str:
    if not mine:
        return "You have no job waiting or being painted."
    return f"There is no job {which} of yours: /queue lists {len(mine)}. Give a number, such as 1 or 1-3, or `all`."
