"""Whose turn it is: people share the device's time, each person's own jobs in the order they came."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heapreplace
from itertools import chain, islice

from bot.domain import Job
from bot.errors import LimitError
from generation import GenerationRequest

SHORT_SECONDS = 60.0  # a job that takes the device less by its estimate is short


@dataclass(frozen=True, slots=True)
class Place:
    """Where a waiting job stands.

    Attributes:
        jobs: How many jobs start or end before it starts.
        seconds: The device seconds that those waiting before it and the job itself take, by the estimates.
    """

    jobs: int
    seconds: float


@dataclass(slots=True)
class _Waiting:
    job: Job
    cost: float
    share: float  # what it takes of its person's share: half as much for one whose weight is two
    held_up: float = 0.0  # device seconds of jobs that went before it out of their turn

    @property
    def long(self) -> bool:
        return self.cost >= SHORT_SECONDS


@dataclass(slots=True)
class _Person:
    waiting: deque[_Waiting] = field(default_factory=deque)
    cost: float = 0.0  # of all that wait
    share: float = 0.0
    reserved: int = 0
    running: int = 0
    served_until: float = 0.0

    def add(self, each: _Waiting) -> None:
        self.waiting.append(each)
        self.cost += each.cost
        self.share += each.share

    def remove(self, each: _Waiting) -> None:
        self.waiting.remove(each)
        self.cost -= each.cost
        self.share -= each.share

    def until(self, tag: float, start: float, *, before: bool) -> tuple[int, float]:
        """Counts the jobs that start before a tag, or at it if theirs go before, and what they cost."""
        if start + self.share - self.waiting[-1].share < tag:
            return len(self.waiting), self.cost
        jobs, seconds = 0, 0.0
        for each in self.waiting:
            if start > tag or (start == tag and not before):
                break
            jobs, seconds, start = jobs + 1, seconds + each.cost, start + each.share
        return jobs, seconds

    def copy(self, jobs: int) -> "_Person":
        """Copies a person with the first of their jobs."""
        made = _Person(running=self.running, served_until=self.served_until)
        for each in islice(self.waiting, jobs):
            made.add(replace(each))
        return made


# Whose next job starts when, in virtual time, as start, order and person: of equal starts who came first goes first.
_Turn = tuple[float, int, int]


def weight_of(roles: Iterable[int], weights: Mapping[int, float]) -> float:
    """Returns how much of the device a person may have where others have 1: the largest weight of their roles."""
    return max((weights[role] for role in roles if role in weights), default=1.0)


class FairQueue:
    """Weighted start-time fair queueing over people in device seconds, with caps on what one person may have.

    Every job has a start tag: the later of the queue's virtual time and the end of its person's earlier service. The
    least tag goes first, and sets the virtual time. So a person who asks for much is served in step with the others,
    not before them, and one who was away begins level with everybody (Goyal, Vin & Cheng 1996, "Start-time Fair
    Queueing"; docs/decisions/0004). A person's service counts for less the more they weigh.

    To change the model in use costs time, so a job that needs the present one may go first out of its turn, as long
    as nobody is held up by such jobs for more than a bound (docs/decisions/0008).

    Only so many long jobs run at a time, so that a slot stays for short ones: those overtake long jobs that wait for
    another long one to end (docs/decisions/0016).

    A place is reserved first and filled when the job is safely in the ledger, so that twenty commands sent at
    once cannot slip past the cap. Lives on the event loop.

    Args:
        cap: Jobs one person may have waiting.
        cost: Estimates the device seconds of a request.
        running: Jobs one person may have running; the others of theirs wait.
        patience: Device seconds by which a job may be held up so that others need no change of the model.
        long: Long jobs that may be running, whosever they are.
    """

    def __init__(
        self,
        cap: int,
        cost: Callable[[GenerationRequest], float],
        running: float = math.inf,
        patience: float = 0.0,
        long: float = math.inf,
    ) -> None:
        self._cap = cap
        self._cost = cost
        self._most_running = running
        self._patience = patience
        self._most_long = long
        self._people: dict[int, _Person] = {}
        self._lines: dict[int, _Person] = {}  # those who wait, in the order in which they came
        self._taken: dict[str, _Waiting] = {}
        self._model = ""
        self._virtual_time = 0.0
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(person.waiting) for person in self._lines.values())

    @property
    def seconds(self) -> float:
        """The device seconds of everything that waits, by the estimates."""
        return sum(person.cost for person in self._lines.values())

    def waiting(self, person: int) -> int:
        """How many places a person has taken."""
        known = self._people.get(person)
        return 0 if known is None else len(known.waiting) + known.reserved

    def reserve(self, person: int) -> None:
        """Takes a place for a job that is about to come.

        Raises:
            LimitError: The person has as many waiting as they may.
        """
        self.check(person)
        self._person(person).reserved += 1

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
        self._person(person).reserved -= 1

    def put(self, job: Job, *, reserved: bool = True) -> None:
        """Fills a reserved place; jobs from before a restart need none."""
        if reserved:
            self.release(job.origin.user_id)
        person = self._person(job.origin.user_id)
        cost = self._cost(job.request)
        person.add(_Waiting(job, cost, cost / job.weight))
        self._lines.setdefault(job.origin.user_id, person)
        self._changed.set()

    async def get(self) -> Job:
        """Waits for the next job in turn and takes it out; `settle` must follow when it needs the device no more."""
        while (job := self.take()) is None:
            self._changed.clear()
            await self._changed.wait()
        return job

    def take(self) -> Job | None:
        """Takes the next job in turn out; None if none may start now."""
        full = self._full
        ready = [
            turn
            for turn in self._turns()
            if self._lines[turn[2]].running < self._most_running and not (full and self._next(turn).long)
        ]
        if not ready:
            return None
        first = min(ready)
        start, _, number = self._out_of_turn(ready, first)
        person = self._lines[number]
        taken = person.waiting[0]
        self._virtual_time = first[0]
        person.served_until = start + taken.share
        person.running += 1
        self._let_go(number, taken)
        self._taken[taken.job.id] = taken
        self._model = taken.job.request.model
        return taken.job

    def settle(self, job: Job, seconds: float | None = None) -> None:
        """Replaces a taken job's estimate by the device seconds it really took, if they are known."""
        taken = self._taken.pop(job.id)
        person = self._person(job.origin.user_id)
        person.running -= 1
        if seconds is not None:
            person.served_until += (seconds - taken.cost) / job.weight
        self._changed.set()

    def withdraw(self, job_id: str) -> Job | None:
        """Takes a job out before its turn; None if it is not waiting."""
        for number, person in self._lines.items():
            for each in person.waiting:
                if each.job.id == job_id:
                    self._let_go(number, each)
                    return each.job
        return None

    def place(self, job: Job) -> Place:
        """Says where a job stands; nothing is in front of one that does not wait."""
        if self._full:
            return next((place for each, place in self.line() if each.id == job.id), Place(0, 0.0))
        found = self._find(job)
        if found is None:
            return Place(0, 0.0)
        wanted, tag = found
        jobs, seconds, before, now = 0, wanted.cost, True, self._virtual_time
        for number, person in self._lines.items():
            before = before and number != job.origin.user_id
            start = person.served_until if person.served_until > now else now
            if start <= tag:
                theirs, cost = person.until(tag, start, before=before)
                jobs, seconds = jobs + theirs, seconds + cost
        return Place(jobs + self._held_back(self._lines[job.origin.user_id]), seconds)

    def line(self) -> Iterator[tuple[Job, Place]]:
        """Gives the waiting jobs in the order in which they would start if nobody else came, each with its place.

        Where no further long job may start now, those that can go first.
        """
        turns, stuck, full = self._turns(), list[_Turn](), self._full
        heapify(turns)
        begun: dict[int, Iterator[_Waiting]] = {}
        jobs, seconds, after_a_long_one = 0, 0.0, False
        while turns:
            start, order, number = turns[0]
            person = self._lines[number]
            each = next(begun.setdefault(number, iter(person.waiting)), None)
            if each is None:
                heappop(turns)
            elif full and each.long:
                stuck.append(heappop(turns))
                begun[number] = chain((each,), begun[number])
            else:
                seconds += each.cost
                yield each.job, Place(jobs + (after_a_long_one or self._held_back(person)), seconds)
                jobs += 1
                heapreplace(turns, (start + each.share, order, number))
            if not turns and full:
                turns, full, after_a_long_one = stuck, False, True
                heapify(turns)

    def rehearsal(self, jobs: int, guests: Iterable[int], cost: Callable[[GenerationRequest], float]) -> "FairQueue":
        """Copies the queue with the jobs that would start first: what is done with the copy changes nothing here.

        Args:
            jobs: How many waiting jobs the copy has.
            guests: People whose jobs will be put into the copy.
            cost: Estimates the device seconds of their requests.
        """
        copy = FairQueue(self._cap, cost, self._most_running, self._patience, self._most_long)
        copy._model, copy._virtual_time = self._model, self._virtual_time
        copy._taken = dict(self._taken)
        waiting = Counter(job.origin.user_id for job, _ in islice(self.line(), jobs))
        busy = {taken.job.origin.user_id for taken in self._taken.values()}
        for number, person in self._lines.items():
            if number in waiting:
                copy._people[number] = copy._lines[number] = person.copy(waiting[number])
        for number in busy.union(guests).difference(waiting):
            copy._people[number] = self._people.get(number, _Person()).copy(0)
        return copy

    @property
    def _full(self) -> bool:
        """Whether as many long jobs are running as may."""
        return sum(taken.long for taken in self._taken.values()) >= self._most_long

    def _person(self, number: int) -> _Person:
        if number not in self._people:
            self._forget_the_idle()
            self._people[number] = _Person()
        return self._people[number]

    def _turns(self) -> list[_Turn]:
        """Says of everybody who waits when their next job starts."""
        now = self._virtual_time
        return [
            (person.served_until if person.served_until > now else now, order, number)
            for order, (number, person) in enumerate(self._lines.items())
        ]

    def _start(self, person: _Person) -> float:
        return max(self._virtual_time, person.served_until)

    def _held_back(self, person: _Person) -> bool:
        """Whether one of a person's running jobs must end before the next can start."""
        return person.running >= self._most_running

    def _find(self, job: Job) -> tuple[_Waiting, float] | None:
        """Finds a waiting job, and its start tag."""
        person = self._lines.get(job.origin.user_id, _Person())
        start = self._start(person)
        for each in person.waiting:
            if each.job.id == job.id:
                return each, start
            start += each.share
        return None

    def _out_of_turn(self, ready: Sequence[_Turn], first: _Turn) -> _Turn:
        """Returns who goes first because their job needs the model in use, as far as that holds nobody up for long."""
        if self._next(first).job.request.model == self._model:
            return first
        fitting = [turn for turn in ready if self._next(turn).job.request.model == self._model]
        chosen = min(fitting, default=first)
        cost, (tag, place, _) = self._next(chosen).cost, chosen
        overtaken = [
            each
            for start, order, number in ready
            if (start, order) < (tag, place)
            for each in _until(tag, start, self._lines[number], before=order < place)
        ]
        if any(each.held_up + cost > self._patience for each in overtaken):
            return first
        for each in overtaken:
            each.held_up += cost
        return chosen

    def _next(self, turn: _Turn) -> _Waiting:
        return self._lines[turn[2]].waiting[0]

    def _let_go(self, number: int, each: _Waiting) -> None:
        person = self._lines[number]
        person.remove(each)
        if not person.waiting:
            del self._lines[number]

    def _forget_the_idle(self) -> None:
        """Drops people whose service is past; they begin level with everybody when they come again."""
        if len(self._people) > 2 * len(self._lines) + 64:
            self._people = {number: person for number, person in self._people.items() if self._is_known(person)}

    def _is_known(self, person: _Person) -> bool:
        return bool(person.waiting or person.reserved or person.running) or person.served_until > self._virtual_time


def _until(tag: float, start: float, person: _Person, *, before: bool) -> Iterator[_Waiting]:
    """Gives a person's waiting jobs that start before a tag, or at it if theirs go before."""
    for each in person.waiting:
        if start > tag or (start == tag and not before):
            return
        yield each
        start += each.share
