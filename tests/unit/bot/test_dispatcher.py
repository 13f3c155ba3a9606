import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Job, JobState, Order, Picture, now
from bot.errors import (
    AnswerExpiredError,
    DeliveryError,
    LimitError,
    PictureLostError,
    StorageError,
    UnreachableError,
    UploadTooLargeError,
)
from bot.services import delivery, dispatcher, patience, status, takeover
from bot.services.board import StatusBoard
from bot.services.costs import CostModel
from bot.services.delivery import Delivery
from bot.services.dispatcher import BROKEN, Dispatcher
from bot.services.generation import GenerationService
from bot.services.models import ModelShelf
from bot.services.ports import Ports
from bot.services.queue import FairQueue
from bot.services.resolve import Defaults
from bot.services.takeover import Takeover
from generation import Catalog, GenerationError
from tests.fakes import FakeExecutor
from tests.unit.bot.jobs import MemoryLedger, MemoryPictures, MemorySpeeds, MemoryWorkers, RecordingMessenger, job


class House:
    """The services with everything around them faked."""

    def __init__(self, tmp_path: object) -> None:
        self.ledger, self.pictures, self.messenger = MemoryLedger(), MemoryPictures(), RecordingMessenger()
        self.speeds, self.costs = MemorySpeeds(), CostModel()
        ports = Ports(self.ledger, self.speeds, self.pictures, self.messenger)
        self.executor = FakeExecutor()
        self.queue = FairQueue(3, self.costs.estimate)
        self.delivery = Delivery(ports)
        self.board = StatusBoard(self.queue, self.costs.estimate, self.messenger)
        self.dispatcher = Dispatcher(self.queue, self.executor, ports, self.costs, self.board)
        defaults = Defaults(steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
        shelf = ModelShelf(Catalog(tmp_path))  # type: ignore[arg-type]
        self.service = GenerationService(shelf, self.queue, self.ledger, self.dispatcher, defaults)
        self.workers = MemoryWorkers()
        self.takeover = Takeover(self.workers, self.ledger, self.queue, self.dispatcher)

    async def submit(self, wanted: Job) -> Job:
        self.queue.reserve(wanted.origin.user_id)
        return await self.service.submit(wanted.request, wanted.origin)

    async def settle(self, wanted: Job, last: str) -> None:
        async with asyncio.timeout(5):
            while not self.ledger.ways.get(wanted.id, [""])[-1].startswith(last):  # noqa: ASYNC110 - a fake's list
                await asyncio.sleep(0.002)
            await asyncio.sleep(0.01)


@pytest.fixture
async def house(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(status.StatusLine.__init__, "__defaults__", (0.01,))
    house = House(tmp_path)
    running = asyncio.create_task(house.dispatcher.run(slots=2))
    yield house
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    house.executor.release()
    await house.dispatcher.close()


async def test_a_job_goes_from_queued_to_posted(house: House) -> None:
    wanted = await house.submit(job(count=2))
    await house.settle(wanted, "posted")

    assert house.ledger.ways[wanted.id] == ["queued", "running", "rendered", "posted as 1"]
    assert house.messenger.said[-1] == ("answer", wanted.id)
    names = [upload.name for upload in house.messenger.uploads[0]]
    assert names == [f"easel-{wanted.id}-7.png", f"easel-{wanted.id}-8.png"]


async def test_a_finished_job_teaches_what_the_next_one_costs(house: House) -> None:
    house.executor.device_seconds = 8.0

    wanted = await house.submit(job())
    await house.settle(wanted, "posted")

    assert house.costs.estimate(wanted.request) == pytest.approx(8.0)
    (kept,) = house.speeds.kept
    assert (kept.model, kept.pixels, kept.jobs) == ("tiny", 1024 * 1024, 1)


async def test_the_next_in_line_hear_that_the_queue_has_moved(house: House) -> None:
    house.executor.hold()
    running = [await house.submit(job(person)) for person in (1, 2)]
    waiting = [await house.submit(job(person)) for person in (3, 4)]
    await house.settle(running[1], "running")
    await asyncio.sleep(0.05)

    await house.service.cancel(waiting[0].id, person=3)
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

    assert ("refuse", BROKEN) in house.messenger.said
    assert house.ledger.ways[following.id][-1] == "posted as 1"


async def test_a_waiting_job_is_withdrawn_at_once(house: House) -> None:
    house.executor.hold()
    running = [await house.submit(job(person)) for person in (1, 2)]
    waiting = await house.submit(job(1))
    await house.settle(running[1], "running")

    await house.service.cancel(waiting.id, person=1)

    assert house.ledger.ways[waiting.id] == ["queued", "cancelled"]
    assert len(house.executor.requests) == 2


async def test_a_running_job_is_stopped(house: House) -> None:
    house.executor.hold()
    wanted = await house.submit(job())
    await house.settle(wanted, "running")
    house.ledger.jobs[wanted.id] = replace(wanted, state=JobState.RUNNING)

    await house.service.cancel(wanted.id, person=1)
    await house.settle(wanted, "cancelled")

    assert house.messenger.said[-1] == ("cancelled", wanted.id)


async def test_only_the_owner_and_moderators_cancel(house: House) -> None:
    house.executor.hold()
    wanted = await house.submit(job())
    await house.settle(wanted, "running")

    with pytest.raises(LimitError, match="Only the person who asked"):
        await house.service.cancel(wanted.id, person=2)
    await house.service.cancel(wanted.id, person=2, moderator=True)

    await house.settle(wanted, "cancelled")


async def test_a_job_that_is_over_cannot_be_cancelled(house: House) -> None:
    with pytest.raises(LimitError, match="over already"):
        await house.service.cancel("0000000000", person=1)


async def test_a_job_the_ledger_did_not_take_gives_its_place_back(house: House) -> None:
    house.ledger.broken = True

    with pytest.raises(OSError, match="locked"):
        await house.submit(job())

    assert house.queue.waiting(1) == 0


async def test_status_is_edited_seldom_and_never_after_the_result(house: House) -> None:
    house.executor.seconds_per_call = 0.001

    wanted = await house.submit(job(steps=150))
    await house.settle(wanted, "posted")
    await asyncio.sleep(0.05)

    kinds = [kind for kind, _ in house.messenger.said]
    assert kinds[0] == "waiting"
    assert kinds[-1] == "answer"
    assert 1 <= kinds.count("progress") <= 60


async def test_what_was_left_by_a_previous_run_is_finished(house: House) -> None:
    queued, rendered = job(), replace(job(), state=JobState.RENDERED)
    digest = await house.pictures.put(b"\x89PNG")
    picture = Picture(digest=digest, media_type="image/png", size=4, seed=7)
    rendered = replace(rendered, pictures=(picture,))
    for each in (queued, rendered):
        await house.ledger.add(each)

    assert await house.takeover.begin() == 2
    await house.settle(queued, "posted")
    await house.settle(rendered, "posted")

    assert house.ledger.ways[rendered.id] == ["queued", "posted as 1"]
    assert [request.prompt for request in house.executor.requests] == ["a cat"]
    assert house.workers.alive == {"me"}


async def test_what_a_previous_run_managed_to_post_is_not_posted_again(house: House) -> None:
    rendered = await painted(house, job())
    await house.ledger.add(rendered)
    house.messenger.posted_before[rendered.id] = 77

    await house.takeover.begin()
    await house.settle(rendered, "posted")

    assert house.ledger.ways[rendered.id] == ["queued", "posted as 77"]
    assert house.messenger.said == []


async def test_a_process_that_dies_later_leaves_its_jobs_to_this_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeover, "RENEW_SECONDS", 0.01)
    house.workers.dying.clear()
    await house.takeover.begin()
    left = job()
    await house.ledger.add(left)
    keeping = asyncio.create_task(house.takeover.keep())

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
    monkeypatch.setattr(patience, "PAUSES", (0.01,) * 5)
    failures = [StorageError("locked")] * 3

    async def sometimes(job_id: str) -> None:
        if failures:
            raise failures.pop()
        house.ledger.ways[job_id].append("running")

    monkeypatch.setattr(house.ledger, "begin", sometimes)
    wanted = await house.submit(job())

    await house.settle(wanted, "posted")

    assert not failures


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
        house.service.accept(Order(prompt="a cat"), person=1)


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


async def painted(house: House, wanted: Job, data: bytes = b"\x89PNG") -> Job:
    digest = await house.pictures.put(data)
    picture = Picture(digest=digest, media_type="image/png", size=len(data), seed=7)
    return replace(wanted, state=JobState.RENDERED, pictures=(picture,))


async def test_an_answer_older_than_its_token_becomes_a_message(house: House) -> None:
    await house.delivery.post(await painted(house, job(asked=timedelta(minutes=15))))

    assert [kind for kind, _ in house.messenger.said] == ["send"]


async def test_an_answer_whose_token_died_early_becomes_a_message(house: House) -> None:
    house.messenger.answer_failures = [AnswerExpiredError("gone")]

    await house.delivery.post(await painted(house, job()))

    assert [kind for kind, _ in house.messenger.said] == ["send"]


async def test_files_that_discord_finds_too_large_are_posted_smaller(house: House) -> None:
    from tests.fakes import picture

    house.messenger.answer_failures = [UploadTooLargeError("413")]
    data = picture(job().request, size=256).data + b"\0" * 10_000

    await house.delivery.post(await painted(house, job(file_limit=20_000), data))

    assert house.messenger.uploads[0][0].name.endswith(".webp")
    assert len(house.messenger.uploads[0][0].data) <= 5_000


async def test_a_picture_that_cannot_be_posted_is_not_lost_in_silence(house: House) -> None:
    house.messenger.answer_failures = [DeliveryError("The channel is gone.")]
    wanted = await painted(house, job())

    await house.delivery.post(wanted)

    assert house.ledger.reasons[wanted.id] == "The channel is gone."
    assert house.messenger.said[-1][1] == "Your picture is painted, but I cannot post it here: The channel is gone."


async def test_while_discord_cannot_be_reached_a_picture_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.01,))
    house.messenger.answer_failures = [UnreachableError("Discord could not be reached.")] * 4
    wanted = await painted(house, job())

    await house.delivery.post(wanted)

    assert house.ledger.ways[wanted.id] == ["posted as 1"]
    assert [kind for kind, _ in house.messenger.said] == ["answer"]


async def test_what_arrived_although_discord_seemed_away_is_not_posted_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.01,))
    house.messenger.answer_failures = [UnreachableError("Discord could not be reached.")]
    wanted = await painted(house, job())
    house.messenger.posted_before[wanted.id] = 77

    await house.delivery.post(wanted)

    assert house.ledger.ways[wanted.id] == ["posted as 77"]
    assert house.messenger.said == []


async def test_closing_does_not_wait_for_a_discord_that_is_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "CLOSING_SECONDS", 0.05)
    house.messenger.answer_failures = [UnreachableError("Discord could not be reached.")]
    wanted = await house.submit(job())
    await house.settle(wanted, "rendered")

    async with asyncio.timeout(2):
        await house.dispatcher.close()

    assert house.ledger.ways[wanted.id][-1] == "rendered"


async def test_a_person_who_cannot_be_reached_is_only_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.messenger.refuse_failures = [DeliveryError("This person takes no direct messages.")]

    await house.delivery.refuse(job(), "no")

    assert "takes no direct messages" in caplog.text
