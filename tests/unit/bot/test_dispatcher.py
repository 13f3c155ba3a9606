import asyncio
import itertools
from dataclasses import replace

import pytest

from bot.domain import Job, JobState, Order, Picture, now
from bot.errors import DeliveryError, LimitError, PictureLostError, StorageError, UnreachableError
from bot.services import retry as storage_retry
from bot.services.jobs import dispatcher, recovery
from bot.services.jobs.admission import AdmittedRequest
from bot.services.jobs.costs import ANY_SIZE
from bot.services.jobs.dispatcher import JOB_BROKEN
from generation import GenerationError
from generation.typed_text import TypedText
from tests.unit.bot.house import EDIT_SECONDS, SOMEONE, House, painted
from tests.unit.bot.jobs import job


async def test_a_job_goes_from_queued_to_posted(house: House) -> None:
    wanted = await house.submit(job(count=2))
    await house.settle(wanted, "posted")

    assert house.ledger.ways[wanted.id] == ["queued", "running", "rendered", "posted as 1"]
    assert house.messenger.said[-1] == ("answer", wanted.id)
    names = [upload.name for upload in house.messenger.uploads[0]]
    assert names == [f"easel-{wanted.id}-grid.jpg"]
    assert house.messenger.invited == [1]


async def test_a_finished_job_teaches_what_the_next_one_costs(house: House) -> None:
    house.executor.device_seconds = 8.0

    wanted = await house.submit(job())
    await house.settle(wanted, "posted")

    assert house.costs.estimate(wanted.request) == pytest.approx(8.0)
    kept = [(speed.model, speed.pixels, speed.jobs) for speed in house.speeds.kept]
    assert kept == [("tiny", 1024 * 1024, 1), ("tiny", ANY_SIZE, 1)]


async def test_the_next_in_line_hear_that_the_queue_has_moved(house: House) -> None:
    house.executor.hold()
    running = [await house.submit(job(person)) for person in (1, 2)]
    waiting = [await house.submit(job(person)) for person in (3, 4)]
    await house.settle(running[1], "running")
    await asyncio.sleep(0.05)

    await house.service.cancel(waiting[0])
    await asyncio.sleep(0.05)

    places = [said for kind, said in house.messenger.said if kind == "waiting" and said.startswith(waiting[1].id)]
    assert places == [f"{waiting[1].id} 1", f"{waiting[1].id} 0"]


async def test_a_countdown_grows_with_the_work_in_front(house: House) -> None:
    house.costs.learn(job().request, 60.0)
    house.executor.hold()
    for person in (1, 2):
        await house.settle(await house.submit(job(person)), "running")

    last = await house.submit(job(3))
    await asyncio.sleep(0.05)

    assert (house.messenger.ready[last.id] - now()).total_seconds() == pytest.approx(180, abs=3)


async def test_what_the_engine_notes_reaches_the_person(house: House) -> None:
    house.executor.notes = ("Memory was short: decoding in tiles.",)

    await house.settle(await house.submit(job()), "posted")

    assert house.messenger.notes == ("Memory was short: decoding in tiles.",)


async def test_a_job_that_cannot_be_painted_is_refused_in_the_engines_words(house: House) -> None:
    house.executor.failures["a cat"] = GenerationError("The device is on fire.")

    wanted = await house.submit(job())
    await house.settle(wanted, "failed")

    assert house.messenger.said[-1] == ("refuse", "The device is on fire.")


async def test_an_unforeseen_error_is_told_without_its_innards_and_the_queue_goes_on(house: House) -> None:
    house.executor.failures["a cat"] = KeyError("/secret/path")

    wanted = await house.submit(job())
    await house.settle(wanted, "failed")
    following = await house.submit(job(prompt="a dog"))
    await house.settle(following, "posted")

    assert ("refuse", JOB_BROKEN) in house.messenger.said
    assert house.ledger.ways[following.id][-1] == "posted as 1"


async def test_a_waiting_job_is_withdrawn_at_once(house: House) -> None:
    house.executor.hold()
    running = [await house.submit(job(person)) for person in (1, 2)]
    waiting = await house.submit(job(1))
    await house.settle(running[1], "running")

    await house.service.cancel(waiting)

    assert house.ledger.ways[waiting.id] == ["queued", "cancelled"]
    assert len(house.executor.requests) == 2


async def test_a_running_job_is_stopped(house: House) -> None:
    house.executor.hold()
    wanted = await house.submit(job())
    await house.settle(wanted, "running")
    house.ledger.jobs[wanted.id] = replace(wanted, state=JobState.RUNNING)

    await house.service.cancel(wanted)
    await house.settle(wanted, "cancelled")

    assert house.messenger.said[-1] == ("cancelled", wanted.id)


async def test_a_job_of_another_process_is_left_for_it_to_cancel(house: House) -> None:
    elsewhere = job(1)
    await house.ledger.add(elsewhere)
    house.ledger.lost.add(elsewhere.id)

    await house.service.cancel(elsewhere)

    assert house.ledger.disowned == [elsewhere.id]
    assert house.ledger.ways[elsewhere.id] == ["queued"]


async def test_what_another_process_heard_is_no_longer_wanted_is_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "RENEW_SECONDS", 0.01)
    house.workers.dying = []
    house.executor.hold()
    running, waiting = await house.submit(job(1)), await house.submit(job(1))
    other = await house.submit(job(2))
    await house.settle(running, "running")
    keeping = asyncio.create_task(house.recovery.keep())

    house.ledger.disowned += [running.id, waiting.id]
    await house.settle(running, "cancelled")
    await house.settle(waiting, "cancelled")

    keeping.cancel()
    assert "cancelled" not in house.ledger.ways[other.id]
    assert sorted(said for said in house.messenger.said if said[0] == "cancelled") == sorted(
        [("cancelled", running.id), ("cancelled", waiting.id)]
    )


async def test_a_job_the_ledger_did_not_take_gives_its_place_back(house: House) -> None:
    house.ledger.broken = True

    with pytest.raises(OSError, match="locked"):
        await house.submit(job())

    assert house.queue.waiting(1) == 0


async def test_status_is_edited_seldom_and_never_after_the_result(house: House) -> None:
    house.executor.seconds_per_call = 0.001
    clock = asyncio.get_running_loop().time
    started = clock()

    wanted = await house.submit(job(steps=150))
    await house.settle(wanted, "posted")
    may_be_edited = (clock() - started) / EDIT_SECONDS + 1
    await asyncio.sleep(0.05)

    kinds = [kind for kind, _ in house.messenger.said]
    assert kinds[0] == "waiting"
    assert kinds[-1] == "answer"
    assert 1 <= kinds.count("progress") <= may_be_edited


async def test_what_was_left_by_a_previous_run_is_finished(house: House) -> None:
    queued, rendered = job(), replace(job(), state=JobState.RENDERED)
    digest = await house.pictures.put(b"\x89PNG")
    picture = Picture(digest=digest, media_type="image/png", size=4, seed=7)
    rendered = replace(rendered, pictures=(picture,))
    for each in (queued, rendered):
        await house.ledger.add(each)

    assert await house.recovery.begin() == 2
    await house.settle(queued, "posted")
    await house.settle(rendered, "posted")

    assert house.ledger.ways[rendered.id] == ["queued", "posted as 1"]
    assert [request.prompt for request in house.executor.requests] == ["a cat"]
    assert house.workers.alive == {"me"}


async def test_what_a_previous_run_managed_to_post_is_not_posted_again(house: House) -> None:
    rendered = await painted(house, job())
    await house.ledger.add(rendered)
    house.messenger.posted_before[rendered.id] = 77

    await house.recovery.begin()
    await house.settle(rendered, "posted")

    assert house.ledger.ways[rendered.id] == ["queued", "posted as 77"]
    assert house.messenger.said == []


async def test_a_process_that_dies_later_leaves_its_jobs_to_this_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "RENEW_SECONDS", 0.01)
    house.workers.dying.clear()
    await house.recovery.begin()
    left = job()
    await house.ledger.add(left)
    keeping = asyncio.create_task(house.recovery.keep())

    house.workers.dying.append("before")

    await house.settle(left, "posted")
    keeping.cancel()


async def test_a_job_that_another_process_took_is_not_posted(house: House) -> None:
    house.executor.hold()
    wanted = await house.submit(job())
    await house.settle(wanted, "running")
    house.ledger.lost.add(wanted.id)

    house.executor.release()
    await house.settle(wanted, "rendered")

    assert not house.messenger.uploads


async def test_a_busy_database_delays_a_job_and_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_retry, "WRITE_PAUSES", (0.01,) * 5)
    failures = [StorageError("locked")] * 3

    async def sometimes(job_id: str) -> None:
        if failures:
            raise failures.pop()
        house.ledger.ways[job_id].append("running")

    monkeypatch.setattr(house.ledger, "begin", sometimes)
    wanted = await house.submit(job())

    await house.settle(wanted, "posted")

    assert not failures


async def test_what_has_no_message_yet_is_announced_after_a_restart_however_long_discord_is_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "ANNOUNCING_SECONDS", 0.01)
    wanted = job()
    wanted = replace(wanted, origin=replace(wanted.origin, token="", message_id=0))
    await house.ledger.add(wanted)
    house.messenger.announce_failures = [UnreachableError("Discord could not be reached.") for _ in range(3)]

    await house.recovery.begin()
    await house.settle(wanted, "posted")

    assert house.messenger.said[0] == ("announced again", wanted.id)
    assert house.ledger.jobs[wanted.id].origin.message_id == 5


async def test_what_may_not_be_announced_after_a_restart_has_failed(house: House) -> None:
    wanted = job()
    wanted = replace(wanted, origin=replace(wanted.origin, message_id=0))
    await house.ledger.add(wanted)
    house.messenger.announce_failures = [DeliveryError("The channel is gone.")]

    await house.recovery.begin()
    await house.settle(wanted, "failed")

    assert house.messenger.said == [("refuse", "The channel is gone.")]


async def test_those_that_cannot_be_announced_fail_together_and_give_their_places_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [job(prompt=prompt) for prompt in ("a", "b", "c")]
    for _ in wanted:
        house.queue.reserve(1)
    origins = [replace(each.origin, message_id=0) for each in wanted]
    jobs = await house.service.keep([AdmittedRequest(each.request) for each in wanted], origins)
    announce, counted = house.messenger.announce, itertools.count()

    async def once(each: Job, *, again: bool) -> int:
        if next(counted):
            raise DeliveryError("The channel is gone.")
        return await announce(each, again=again)

    monkeypatch.setattr(house.messenger, "announce", once)
    with pytest.raises(DeliveryError, match=r"^Only 1 of 3 jobs were begun: The channel is gone\.$"):
        await house.service.announce(jobs)
    await house.settle(jobs[0], "posted")

    assert [house.ledger.ways[each.id][-1] for each in jobs[1:]] == ["failed", "failed"]
    assert house.queue.waiting(1) == 0


async def test_a_full_disk_is_told_in_words(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_data: bytes) -> str:
        raise PictureLostError("Your picture was painted, but my disk is full.")

    monkeypatch.setattr(house.pictures, "put", full)
    wanted = await house.submit(job())

    await house.settle(wanted, "failed")

    assert house.messenger.said[-1] == ("refuse", "Your picture was painted, but my disk is full.")


async def test_who_asks_while_it_stops_is_told_so(house: House) -> None:
    house.service.close()

    with pytest.raises(LimitError, match="being restarted"):
        house.service.accept(Order(prompt=TypedText("a cat")), SOMEONE)


async def test_running_jobs_get_no_more_time_in_a_hurry(house: House) -> None:
    house.executor.hold()
    wanted = await house.submit(job())
    await house.settle(wanted, "running")
    finishing = asyncio.create_task(house.dispatcher.finish(30))
    await asyncio.sleep(0.05)
    held_up = finishing.done()

    house.dispatcher.hurry()

    await asyncio.wait_for(finishing, 5)
    assert not held_up


async def test_running_jobs_get_their_grace_and_no_more(house: House) -> None:
    house.executor.seconds_per_call = 0.02
    quick = await house.submit(job(1))
    await house.settle(quick, "running")
    await house.dispatcher.finish(5)
    assert house.ledger.ways[quick.id][-1] == "posted as 1"

    house.executor.hold()
    slow = await house.submit(job(2))
    await house.settle(slow, "running")
    before = asyncio.get_running_loop().time()
    await house.dispatcher.finish(0.1)

    assert asyncio.get_running_loop().time() - before < 1
