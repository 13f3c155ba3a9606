import asyncio

import pytest

from bot.errors import LimitError
from bot.services.jobs.fair_queue import FairQueue, Place, weight_of
from generation import GenerationRequest
from tests.unit.bot.jobs import job


def even(_request: GenerationRequest) -> float:
    """Lets every job cost the same."""
    return 1.0


def by_steps(request: GenerationRequest) -> float:
    return float(request.steps)


async def test_people_take_turns_each_in_their_own_order() -> None:
    queue = FairQueue(10, even)
    jobs = {name: job(person) for name, person in [("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("c1", 3), ("b2", 2)]}
    for each in jobs.values():
        queue.put(each, reserved=False)
    expected = [each.id for each, _ in queue.line()]

    taken = [(await queue.get()).id for _ in jobs]

    assert taken == [jobs[name].id for name in ("a1", "b1", "c1", "a2", "b2", "a3")]
    assert taken == expected


async def test_a_person_may_not_have_more_waiting_than_the_cap() -> None:
    queue = FairQueue(2, even)
    queue.reserve(1)
    queue.put(job(1))
    queue.reserve(1)

    with pytest.raises(LimitError, match="You have 2 jobs waiting"):
        queue.reserve(1)

    queue.reserve(2)
    queue.release(1)
    queue.reserve(1)


async def test_a_started_job_makes_room_for_another() -> None:
    queue = FairQueue(1, even)
    queue.reserve(1)
    queue.put(job(1))

    await queue.get()

    queue.reserve(1)


async def test_who_waits_for_a_job_gets_the_next_one() -> None:
    queue = FairQueue(1, even)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    wanted = job(1)
    queue.put(wanted, reserved=False)

    assert await waiting is wanted
    assert len(queue) == 0


async def test_a_withdrawn_job_is_gone() -> None:
    queue = FairQueue(5, even)
    first, second = job(1), job(1)
    queue.put(first, reserved=False)
    queue.put(second, reserved=False)

    assert queue.withdraw(first.id) is first
    assert queue.withdraw(first.id) is None
    assert await queue.get() is second


async def test_a_job_knows_how_many_start_before_it() -> None:
    queue = FairQueue(5, even)
    jobs = [job(1), job(1), job(2)]
    for each in jobs:
        queue.put(each, reserved=False)

    assert [queue.place(each) for each in jobs] == [Place(0, 1.0), Place(2, 3.0), Place(1, 2.0)]


async def test_who_asks_for_much_is_served_less_often() -> None:
    queue = FairQueue(100, by_steps)
    for _ in range(12):
        queue.put(job(1, steps=30), reserved=False)
        queue.put(job(2, steps=10), reserved=False)

    taken = [(await queue.get()).origin.user_id for _ in range(12)]

    assert taken.count(1) == 3
    assert taken.count(2) == 9


async def test_who_comes_late_is_served_next_but_not_for_the_time_they_were_away() -> None:
    queue = FairQueue(100, even)
    for _ in range(50):
        queue.put(job(1), reserved=False)
    for _ in range(20):
        await queue.get()

    for _ in range(3):
        queue.put(job(2), reserved=False)
    taken = [(await queue.get()).origin.user_id for _ in range(6)]

    assert taken in ([2, 1, 2, 1, 2, 1], [1, 2, 1, 2, 1, 2])


async def test_a_job_counts_as_what_it_really_took() -> None:
    queue = FairQueue(100, even)
    jobs = [job(person) for person in (1, 2, 1, 2, 1, 2)]
    for each in jobs:
        queue.put(each, reserved=False)
    first, second = await queue.get(), await queue.get()

    queue.settle(first, 3.0)
    queue.settle(second, 1.0)

    assert [(await queue.get()).origin.user_id for _ in range(4)] == [2, 2, 1, 1]


async def test_who_has_as_many_running_as_they_may_waits_for_one_of_them() -> None:
    queue = FairQueue(10, even, running=1)
    mine, later, theirs = job(1), job(1), job(2)
    for each in (mine, later, theirs):
        queue.put(each, reserved=False)

    assert [await queue.get(), await queue.get()] == [mine, theirs]
    assert queue.place(later) == Place(1, 1.0)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.settle(mine, 1.0)

    assert await waiting is later


async def test_a_job_of_the_model_in_use_goes_first_if_that_holds_nobody_up_for_long() -> None:
    queue = FairQueue(10, even, patience=1.5)
    jobs = [job(1, model="a"), job(2, model="b"), job(1, model="a"), job(1, model="a")]
    for each in jobs:
        queue.put(each, reserved=False)

    taken = [await queue.get() for _ in jobs]

    assert [each.request.model for each in taken] == ["a", "a", "b", "a"]


@pytest.mark.parametrize(("roles", "weight"), [((), 1.0), ((7,), 1.0), ((7, 8), 0.5), ((8, 9), 2.0)])
def test_the_largest_weight_of_a_persons_roles_holds(roles: tuple[int, ...], weight: float) -> None:
    assert weight_of(roles, {8: 0.5, 9: 2.0}) == weight
