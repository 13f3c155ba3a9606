"""What the status board tells the messages."""

import asyncio
from dataclasses import replace

from bot.domain import DeliveryPreferences, Job
from bot.services.jobs.costs import CostModel
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import Forecast
from bot.services.jobs.status_board import LOOK_SECONDS, StatusBoard
from generation import Progress, Stage
from generation.scheduling.simulation import BatchTable
from tests.unit.bot.house import EDIT_SECONDS
from tests.unit.bot.jobs import RecordingMessenger, job


async def _painting(messenger: RecordingMessenger, wanted: Job) -> StatusBoard:
    costs = CostModel()
    queue = FairQueue(10, costs.estimate)
    board = StatusBoard(
        queue, Forecast(queue, costs, lambda _model: BatchTable(), slots=1), messenger, edit_seconds=EDIT_SECONDS
    )
    queue.put(wanted, reserved=False)
    board.started(await queue.get())
    return board


async def previews_of(messenger: RecordingMessenger, wanted: Job) -> bytes | None:
    board = await _painting(messenger, wanted)
    board.progress(wanted, Progress(Stage.PAINTING, 2, 4, b"a preview"))
    await asyncio.sleep(0.02)
    await board.close(wanted)
    return messenger.previews[wanted.id]


async def test_previews_are_shown_to_those_who_want_them() -> None:
    messenger = RecordingMessenger()

    assert await previews_of(messenger, job()) == b"a preview"
    assert await previews_of(messenger, replace(job(), wishes=DeliveryPreferences(previews=False))) is None


async def test_news_that_looks_like_the_last_is_not_told_again() -> None:
    messenger = RecordingMessenger()
    wanted = job(steps=150)
    board = await _painting(messenger, wanted)

    for done in (60, 60, 60):
        board.progress(wanted, Progress(Stage.PAINTING, done, 1500))
        await asyncio.sleep(0.02)
    await board.close(wanted)

    assert [said for said in messenger.said if said[0] == "progress"] == [("progress", f"{wanted.id} 60")]


async def test_a_job_that_begins_anew_teaches_the_forecast_nothing() -> None:
    costs, now = CostModel(), 0.0
    queue = FairQueue(10, costs.estimate)
    forecast = Forecast(queue, costs, lambda _model: BatchTable(), slots=1, clock=lambda: now)
    board = StatusBoard(queue, forecast, RecordingMessenger(), clock=lambda: now, edit_seconds=EDIT_SECONDS)
    wanted, later = job(1, steps=40), job(2, steps=40)
    queue.put(wanted, reserved=False)
    board.started(await queue.get())
    await asyncio.sleep(LOOK_SECONDS + 0.1)
    before = board.free()

    for stage, done in ((Stage.PAINTING, 30), (Stage.LOADING, 0), (Stage.PAINTING, 40)):
        board.progress(wanted, Progress(stage, done, 40))
    now = 3600.0
    queue.settle(wanted, 0.0)
    board.painted(wanted)
    queue.put(later, reserved=False)
    board.started(await queue.get())

    assert abs((board.free() - before).total_seconds()) < 5
    await board.close_all()


async def test_a_countdown_that_turns_out_wrong_is_told_anew_though_the_place_stays() -> None:
    messenger, costs, now = RecordingMessenger(), CostModel(), 0.0
    queue = FairQueue(10, costs.estimate)
    forecast = Forecast(queue, costs, lambda _model: BatchTable(), slots=1, clock=lambda: now)
    board = StatusBoard(queue, forecast, messenger, clock=lambda: now, edit_seconds=EDIT_SECONDS)
    first, second = job(1, steps=40), job(2, steps=40)
    for each in (first, second):
        queue.put(each, reserved=False)
    board.started(await queue.get())
    board.welcome(second)
    await asyncio.sleep(0.02)
    told = messenger.ready[second.id]

    costs.learn(first.request, 10 * costs.estimate(first.request))  # the device is slower than was thought
    now = 1.0
    board.moved()
    await asyncio.sleep(LOOK_SECONDS + EDIT_SECONDS + 0.1)

    assert [said for said in messenger.said if said[0] == "waiting"] == [("waiting", f"{second.id} 0")] * 2
    assert (messenger.ready[second.id] - told).total_seconds() > 60
    await board.close_all()
