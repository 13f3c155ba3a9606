import asyncio

import pytest

from bot.errors import LimitError
from bot.services.queue import FairQueue
from tests.unit.bot.jobs import job


async def test_people_take_turns_each_in_their_own_order() -> None:
    queue = FairQueue(cap=10)
    jobs = {name: job(person) for name, person in [("a1", 1), ("a2", 1), ("a3", 1), ("b1", 2), ("c1", 3), ("b2", 2)]}
    for each in jobs.values():
        queue.put(each, reserved=False)
    expected = [each.id for each in queue.in_turn()]

    taken = [(await queue.get()).id for _ in jobs]

    assert taken == [jobs[name].id for name in ("a1", "b1", "c1", "a2", "b2", "a3")]
    assert taken == expected


async def test_a_person_may_not_have_more_waiting_than_the_cap() -> None:
    queue = FairQueue(cap=2)
    queue.reserve(1)
    queue.put(job(1))
    queue.reserve(1)

    with pytest.raises(LimitError, match="You have 2 jobs waiting"):
        queue.reserve(1)

    queue.reserve(2)
    queue.release(1)
    queue.reserve(1)


async def test_a_started_job_makes_room_for_another() -> None:
    queue = FairQueue(cap=1)
    queue.reserve(1)
    queue.put(job(1))

    await queue.get()

    queue.reserve(1)


async def test_who_waits_for_a_job_gets_the_next_one() -> None:
    queue = FairQueue(cap=1)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)

    wanted = job(1)
    queue.put(wanted, reserved=False)

    assert await waiting is wanted
    assert len(queue) == 0


async def test_a_withdrawn_job_is_gone() -> None:
    queue = FairQueue(cap=5)
    first, second = job(1), job(1)
    queue.put(first, reserved=False)
    queue.put(second, reserved=False)

    assert queue.withdraw(first.id) is first
    assert queue.withdraw(first.id) is None
    assert await queue.get() is second


async def test_a_job_knows_how_many_start_before_it() -> None:
    queue = FairQueue(cap=5)
    jobs = [job(1), job(1), job(2)]
    for each in jobs:
        queue.put(each, reserved=False)

    assert [queue.place(each.id) for each in jobs] == [0, 2, 1]
