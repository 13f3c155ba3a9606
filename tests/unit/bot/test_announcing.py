"""Jobs that are kept and have no message yet: what becomes of them when things go wrong, or when they are cancelled."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.domain import Job
from bot.errors import JobTakenError, StorageError
from bot.services import retry as storage_retry
from bot.services.jobs import dispatcher
from bot.services.jobs.admission import AdmittedRequest
from tests.unit.bot.house import House
from tests.unit.bot.jobs import job


async def kept(house: House, *prompts: str) -> list[Job]:
    wanted = [job(prompt=prompt) for prompt in prompts]
    for _ in wanted:
        house.queue.reserve(1)
    origins = [replace(each.origin, message_id=0) for each in wanted]
    return await house.service.keep([AdmittedRequest(each.request) for each in wanted], origins)


def ends(house: House, jobs: Sequence[Job]) -> list[str]:
    return [house.ledger.ways[each.id][-1] for each in jobs]


class Post:
    """Holds messages back until the test lets them be posted."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.open = asyncio.Event(), asyncio.Event()
        self._announce = house.messenger.announce
        monkeypatch.setattr(house.messenger, "announce", self.announce)

    async def announce(self, job: Job, *, again: bool) -> int:
        self.begun.set()
        await self.open.wait()
        return await self._announce(job, again=again)


async def test_what_cannot_be_noted_is_announced_when_the_database_answers_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_retry, "WRITE_PAUSES", (0.001,))
    monkeypatch.setattr(dispatcher, "ANNOUNCING_SECONDS", 0.01)
    failures, announced = [StorageError("locked")] * 9, house.ledger.announced

    async def sometimes(job_id: str, message_id: int) -> None:
        if failures:
            raise failures.pop()
        await announced(job_id, message_id)

    monkeypatch.setattr(house.ledger, "announced", sometimes)
    jobs = await kept(house, "a", "b", "c")

    await house.service.announce(jobs)
    for each in jobs:
        await house.settle(each, "posted")

    assert ends(house, jobs) == ["posted as 1"] * 3
    assert house.queue.waiting(1) == 0


async def test_one_that_another_process_took_holds_up_no_other(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = await kept(house, "a", "b", "c")
    announced = house.ledger.announced

    async def taken(job_id: str, message_id: int) -> None:
        if job_id == jobs[0].id:
            raise JobTakenError("Another process looks after this job.")
        await announced(job_id, message_id)

    monkeypatch.setattr(house.ledger, "announced", taken)

    await house.service.announce(jobs)
    await house.settle(jobs[2], "posted")

    assert ends(house, jobs) == ["queued", "posted as 1", "posted as 1"]
    assert house.queue.waiting(1) == 0


async def test_one_that_is_cancelled_before_it_is_announced_is_neither_announced_nor_painted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, jobs = Post(house, monkeypatch), await kept(house, "a", "b", "c")
    announcing = asyncio.create_task(house.service.announce(jobs))
    await post.begun.wait()

    await house.service.cancel(jobs[1])
    post.open.set()
    await announcing
    await house.settle(jobs[2], "posted")

    assert ends(house, jobs) == ["posted as 1", "cancelled", "posted as 1"]
    assert [about for what, about in house.messenger.said if what == "announced"] == [jobs[0].id, jobs[2].id]
    assert {request.prompt for request in house.executor.requests} == {"a", "c"}
    assert house.queue.waiting(1) == 0


@pytest.mark.parametrize("again", [False, True], ids=["asked for now", "left by a process that is gone"])
async def test_one_that_is_cancelled_while_its_message_is_posted_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    post = Post(house, monkeypatch)
    if again:
        jobs = [replace(job(), origin=replace(job().origin, message_id=0))]
        await house.ledger.add(*jobs)
        await house.recovery.begin()
    else:
        jobs = await kept(house, "a")
        announcing = asyncio.create_task(house.service.announce(jobs))
    await post.begun.wait()

    await house.service.cancel(jobs[0])
    post.open.set()
    if not again:
        await announcing
    await asyncio.sleep(0.05)

    assert ends(house, jobs) == ["cancelled"]
    assert house.messenger.said[-1] == ("cancelled", jobs[0].id)
    assert house.executor.requests == []
    assert house.queue.waiting(1) == 0
