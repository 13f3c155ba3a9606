import asyncio

from hypothesis import given
from hypothesis import strategies as st

from bot.services.queue import FairQueue
from tests.unit.bot.jobs import job


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_while_somebody_waits_nobody_starts_twice_before_them(people: list[int]) -> None:
    async def order() -> list[int]:
        queue = FairQueue(cap=100)
        for person in people:
            queue.put(job(person), reserved=False)
        return [(await queue.get()).origin.user_id for _ in people]

    taken = asyncio.run(order())

    left = {person: people.count(person) for person in people}
    since: dict[int, int] = dict.fromkeys(people, 0)
    for person in taken:
        for other, count in left.items():
            if other != person and count:
                since[other] += 1
                assert since[other] <= len(left)
        left[person] -= 1
        since[person] = 0
