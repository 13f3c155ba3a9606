import asyncio
import random
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Job
from bot.services.jobs.fair_queue import SHORT_SECONDS, FairQueue
from generation import GenerationRequest
from tests.unit.bot.jobs import job


def by_steps(request: GenerationRequest) -> float:
    return float(request.steps)


ORDERS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 150)), min_size=1, max_size=40)


@given(ORDERS)
def test_no_two_hungry_people_drift_apart_by_more_than_their_largest_jobs(orders: list[tuple[int, int]]) -> None:
    async def drift() -> None:
        queue = FairQueue(100, by_steps)
        left = {person: [steps for who, steps in orders if who == person] for person, _ in orders}
        served = dict.fromkeys(left, 0)
        for person, steps in orders:
            queue.put(job(person, steps=steps), reserved=False)
        bound = 2 * max(steps for _, steps in orders)
        while all(left.values()):
            taken = await queue.get()
            served[taken.origin.user_id] += taken.request.steps
            left[taken.origin.user_id].remove(taken.request.steps)
            assert max(served.values()) - min(served.values()) <= bound

    asyncio.run(drift())


@given(ORDERS)
def test_everybody_is_served_in_the_order_that_was_foretold(orders: list[tuple[int, int]]) -> None:
    async def served() -> tuple[list[str], list[str]]:
        queue = FairQueue(100, by_steps)
        for person, steps in orders:
            queue.put(job(person, steps=steps), reserved=False)
        predicted = [each.id for each, _ in queue.line()]
        return predicted, [(await queue.get()).id for _ in orders]

    predicted, taken = asyncio.run(served())

    assert taken == predicted


async def test_over_a_thousand_mixed_jobs_equally_hungry_people_get_equal_shares() -> None:
    draw = random.Random(7)  # noqa: S311 - a simulation
    queue = FairQueue(10_000, by_steps)
    usual = {1: 10, 2: 30, 3: 60, 4: 150}
    shares = dict.fromkeys(usual, 0.0)
    for person, steps in usual.items():
        for _ in range(4000):
            queue.put(job(person, steps=draw.randint(max(1, steps // 2), steps)), reserved=False)

    for _ in range(1000):
        taken = await queue.get()
        took = taken.request.steps * draw.uniform(0.8, 1.3)
        queue.settle(taken, took)
        shares[taken.origin.user_id] += took

    assert max(shares.values()) / min(shares.values()) < 1.05


async def test_one_job_starts_within_one_job_of_another_persons_fifty() -> None:
    queue = FairQueue(100, by_steps)
    for _ in range(50):
        queue.put(job(1, steps=30), reserved=False)
    await queue.get()

    wanted = job(2, steps=30)
    queue.put(wanted, reserved=False)

    assert queue.place(wanted).jobs <= 1


def test_shares_are_as_the_weights() -> None:
    async def served() -> dict[int, float]:
        queue = FairQueue(10_000, by_steps)
        weights = {1: 1.0, 2: 2.0, 3: 0.5}
        draw = random.Random(7)  # noqa: S311 - a simulation
        shares = dict.fromkeys(weights, 0.0)
        for person, weight in weights.items():
            for _ in range(1000):
                queue.put(job(person, weight=weight, steps=draw.randint(5, 60)), reserved=False)
        for _ in range(1000):
            taken = await queue.get()
            took = taken.request.steps * draw.uniform(0.8, 1.3)
            queue.settle(taken, took)
            shares[taken.origin.user_id] += took
        return {person: shares[person] / weights[person] for person in weights}

    shares = asyncio.run(served())

    assert max(shares.values()) / min(shares.values()) < 1.05


MODELS = ("tiny", "other", "third")
MIXED = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 60), st.sampled_from(MODELS)), min_size=1, max_size=40)


async def taken_in_order(orders: list[tuple[int, int, str]], patience: float) -> list[tuple[int, int, str]]:
    """Returns the jobs as they are taken: their number in the order of arrival, their cost, their model."""
    queue = FairQueue(100, by_steps, patience=patience)
    numbers = {}
    for number, (person, steps, model) in enumerate(orders):
        each = job(person, steps=steps, model=model)
        numbers[each.id] = number
        queue.put(each, reserved=False)
    taken = [await queue.get() for _ in orders]
    return [(numbers[each.id], each.request.steps, each.request.model) for each in taken]


@given(MIXED, st.integers(0, 200))
def test_nobody_is_held_up_by_jobs_of_the_same_model_for_longer_than_the_bound(
    orders: list[tuple[int, int, str]], patience: int
) -> None:
    turns = {number: turn for turn, (number, _, _) in enumerate(asyncio.run(taken_in_order(orders, 0)))}
    grouped = asyncio.run(taken_in_order(orders, patience))

    for position, (number, _, _) in enumerate(grouped):
        held_up = sum(cost for other, cost, _ in grouped[:position] if turns[other] > turns[number])
        assert held_up <= patience


def test_grouping_saves_changes_of_the_model() -> None:
    orders = [(person, 10, MODELS[person % 2]) for _ in range(10) for person in (1, 2)]

    def changes(patience: float) -> int:
        models = [model for _, _, model in asyncio.run(taken_in_order(orders, patience))]
        return sum(before != after for before, after in pairwise(models))

    assert changes(0) == 19
    assert changes(40) <= 10


@given(ORDERS, st.integers(1, 3), st.integers(1, 4))
def test_a_person_never_has_more_running_than_they_may_and_no_slot_idles_for_it(
    orders: list[tuple[int, int]], most: int, slots: int
) -> None:
    async def simulate() -> None:
        queue = FairQueue(100, by_steps, running=most)
        left = Counter(person for person, _ in orders)
        for person, steps in orders:
            queue.put(job(person, steps=steps), reserved=False)
        running: list[Job] = []
        while left.total() or running:
            mine = Counter(each.origin.user_id for each in running)
            may_start = any(mine[person] < most for person in left if left[person])
            if len(running) < slots and may_start:
                taken = await asyncio.wait_for(queue.get(), 1)
                left[taken.origin.user_id] -= 1
                running.append(taken)
                assert mine[taken.origin.user_id] < most
            else:
                queue.settle(running[0], running.pop(0).request.steps)

    asyncio.run(simulate())


def by_minutes(request: GenerationRequest) -> float:
    """Makes jobs of 30 steps and more long ones."""
    return request.steps * SHORT_SECONDS / 30


@given(ORDERS, st.integers(1, 4), st.integers(2, 4), st.data())
def test_a_slot_stays_for_short_jobs_and_none_idles_otherwise(
    orders: list[tuple[int, int]], most: int, slots: int, data: st.DataObject
) -> None:
    queue = FairQueue(100, by_minutes, running=most, long=slots - 1)
    for person, steps in orders:
        queue.put(job(person, steps=steps), reserved=False)
    running: list[Job] = []
    while running or len(queue):
        taken = queue.take() if len(running) < slots else None
        if taken is not None:
            running.append(taken)
            assert sum(each.request.steps >= 30 for each in running) < slots
            continue
        assert running, "an idle device starts whatever waits"
        if len(running) < slots:
            mine = Counter(each.origin.user_id for each in running)
            heads = {each.origin.user_id: each for each, _ in reversed([*queue.line()])}
            startable = [head for person, head in heads.items() if mine[person] < most]
            assert all(head.request.steps >= 30 for head in startable)
        done = running.pop(data.draw(st.integers(0, len(running) - 1)))
        queue.settle(done, by_minutes(done.request))


@given(ORDERS, st.integers(1, 2))
def test_every_place_is_the_one_in_the_line_also_where_short_jobs_overtake(
    orders: list[tuple[int, int]], long: int
) -> None:
    queue = FairQueue(100, by_minutes, long=long)
    for person, steps in orders:
        queue.put(job(person, steps=steps), reserved=False)
    for _ in range(2):
        queue.take()

    line = list(queue.line())

    assert len(line) == len(queue)
    assert [queue.place(each) for each, _ in line] == [place for _, place in line]
