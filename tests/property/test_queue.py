import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from bot.services.queue import FairQueue
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
        foretold = [each.id for each in queue.in_turn()]
        return foretold, [(await queue.get()).id for _ in orders]

    foretold, taken = asyncio.run(served())

    assert taken == foretold


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

    assert queue.place(wanted.id).jobs <= 1
