import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain import Job, JobState, Picture, now
from bot.errors import AnswerExpiredError, DeliveryError, LimitError, UploadTooLargeError
from bot.services import status
from bot.services.costs import CostModel
from bot.services.delivery import Delivery
from bot.services.dispatcher import BROKEN, Dispatcher
from bot.services.generation import GenerationService
from bot.services.models import ModelShelf
from bot.services.ports import Ports
from bot.services.queue import FairQueue
from bot.services.resolve import Defaults
from generation import Catalog, GenerationError
from tests.fakes import FakeExecutor
from tests.unit.bot.jobs import MemoryLedger, MemoryPictures, MemorySpeeds, RecordingMessenger, job


class House:
    """The services with everything around them faked."""

    def __init__(self, tmp_path: object) -> None:
        self.ledger, self.pictures, self.messenger = MemoryLedger(), MemoryPictures(), RecordingMessenger()
        self.speeds, self.costs = MemorySpeeds(), CostModel()
        ports = Ports(self.ledger, self.speeds, self.pictures, self.messenger)
        self.executor = FakeExecutor()
        self.queue = FairQueue(3, self.costs.estimate)
        self.delivery = Delivery(ports)
        self.dispatcher = Dispatcher(self.queue, self.executor, ports, self.costs)
        defaults = Defaults(steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
        shelf = ModelShelf(Catalog(tmp_path))  # type: ignore[arg-type]
        self.service = GenerationService(shelf, self.queue, self.ledger, self.dispatcher, defaults)

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

    assert await house.service.resume() == 2
    await house.settle(queued, "posted")
    await house.settle(rendered, "posted")

    assert house.ledger.ways[rendered.id] == ["queued", "posted as 1"]
    assert [request.prompt for request in house.executor.requests] == ["a cat"]


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

    assert house.messenger.uploads[0][0].name.endswith(".jpg")
    assert len(house.messenger.uploads[0][0].data) <= 5_000
    assert "JPEG" in house.messenger.notes[0]


async def test_a_picture_that_cannot_be_posted_is_not_lost_in_silence(house: House) -> None:
    house.messenger.answer_failures = [DeliveryError("The channel is gone.")]
    wanted = await painted(house, job())

    await house.delivery.post(wanted)

    assert house.ledger.reasons[wanted.id] == "The channel is gone."
    assert house.messenger.said[-1][1] == "Your picture is painted, but I cannot post it here: The channel is gone."


async def test_a_person_who_cannot_be_reached_is_only_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.messenger.refuse_failures = [DeliveryError("This person takes no direct messages.")]

    await house.delivery.refuse(job(), "no")

    assert "takes no direct messages" in caplog.text
