"""Who has short jobs does not wait for those who have long ones, and the countdown knows it.

The world is the real queue, and the engine's policy in a loop that makes every call.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Job, Speed
from bot.services.jobs.costs import ANY_SIZE, CostModel
from bot.services.jobs.fair_queue import SHORT_SECONDS, FairQueue
from bot.services.jobs.forecast import Forecast
from generation.scheduling.policy import PATIENCE, Turn, choose
from generation.scheduling.simulation import BatchTable
from tests.fuzzing import examples
from tests.property.test_simulation import Slow
from tests.unit.bot.jobs import job

SLOTS, MAX_RUNNING = 4, 3
TABLE = BatchTable()
NATIVE = 1024


def known() -> CostModel:
    """Knows a device that takes a second for a guided call of 1024x1024."""
    costs = CostModel()
    costs.recall([Speed("tiny", NATIVE * NATIVE, 0.45, 100), Speed("tiny", ANY_SIZE, 0.1, 100)])
    return costs


COSTS = known()


@dataclass
class World:
    """A queue, slots, and a device; time passes call by call."""

    queue: FairQueue = field(default_factory=lambda: FairQueue(100, COSTS.estimate, MAX_RUNNING, 60.0, long=SLOTS - 1))
    seconds: float = 0.0
    running: dict[str, Job] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)
    pictures: list[Slow] = field(default_factory=list)
    painted: deque[Slow] = field(default_factory=deque)
    turn: Turn = field(default_factory=Turn)

    def fill(self) -> None:
        while len(self.running) < SLOTS and (taken := self.queue.take()) is not None:
            self.running[taken.id] = taken
            outline = COSTS.outline(taken.request)
            self.pictures += [Slow(taken.id, outline) for _ in range(outline.count)]

    def step(self) -> None:
        """Makes one call and finishes one picture."""
        self.fill()
        if self.pictures:
            choice = choose([each.candidate() for each in self.pictures], self.turn, lambda _lead: TABLE)
            chosen, self.turn = [self.pictures[index] for index in choice.indices], choice.turn
            self.seconds += chosen[0].passes[0].shared + sum(each.passes[0].own for each in chosen)
            ready = [each for each in chosen if each.advance()]
            self.pictures = [each for each in self.pictures if each not in ready]
            self.painted += ready
        if self.painted:
            picture = self.painted.popleft()
            self.seconds += picture.outline.finishing
            if all(each.name != picture.name for each in (*self.pictures, *self.painted)):
                self.done[picture.name] = self.seconds
                self.queue.settle(self.running.pop(picture.name))
        self.fill()


Changes = dict[str, Any]
LONG = st.fixed_dictionaries(
    {
        "steps": st.integers(70, 120),
        "width": st.sampled_from([1024, 1536, 2048]),
        "height": st.sampled_from([1024, 2048]),
        "count": st.integers(1, 2),
    }
)
SHORT = st.fixed_dictionaries({"steps": st.integers(1, 40), "width": st.sampled_from([512, 1024])})


@settings(deadline=None, max_examples=examples(50))
@given(st.lists(LONG, min_size=8, max_size=8), SHORT, st.integers(0, 200))
def test_a_short_job_waits_for_no_long_one_of_two_busy_people(long: list[Changes], short: Changes, after: int) -> None:
    world = World()
    for number, changes in enumerate(long):
        world.queue.put(job(1 + number % 2, **changes), reserved=False)
    for _ in range(after):
        world.step()
    mine, came = job(3, **short), world.seconds
    outline = COSTS.outline(mine.request)
    assert outline.seconds < SHORT_SECONDS

    world.queue.put(mine, reserved=False)
    world.fill()
    assert mine.id in world.running  # at once
    while mine.id not in world.done:
        world.step()

    outlines = [COSTS.outline(job(**changes).request) for changes in long]
    longest_call = max(each.passes[0].shared + each.passes[0].own for each in outlines)
    decodes = SLOTS * 2 * max(each.finishing for each in outlines)  # of pictures that were ready meanwhile
    share = (PATIENCE + 1) / PATIENCE  # the picture that was admitted first keeps its part of the device
    assert world.done[mine.id] - came <= share * outline.seconds + 2 * longest_call + decodes


MIXED = st.lists(st.tuples(st.integers(1, 3), st.one_of(LONG, SHORT)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=examples(25))
@given(MIXED)
def test_the_countdown_is_what_comes_true(orders: list[tuple[int, Changes]]) -> None:
    world = World()
    for person, changes in orders:
        world.queue.put(job(person, **changes), reserved=False)
    forecast = Forecast(world.queue, COSTS, lambda _model: TABLE, SLOTS, lambda: 0.0)

    prediction = forecast.predict({})
    while len(world.queue) or world.running:
        world.step()

    assert prediction.seconds  # at least of those that are ready first; a rehearsal takes so many events and no more
    assert prediction.seconds == pytest.approx({name: world.done[name] for name in prediction.seconds})


def test_without_long_jobs_everybody_may_use_every_slot() -> None:
    world = World()
    for person in range(5):
        world.queue.put(job(person, steps=10), reserved=False)

    world.fill()

    assert len(world.running) == SLOTS
