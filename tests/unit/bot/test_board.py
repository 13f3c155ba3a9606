"""What the status board tells the messages."""

import asyncio
from dataclasses import replace

from bot.domain import Job, Wishes
from bot.services.board import StatusBoard
from bot.services.costs import CostModel
from bot.services.forecast import Forecast
from bot.services.queue import FairQueue
from generation import Progress, Stage
from generation.foresight import CallTable
from tests.unit.bot.jobs import RecordingMessenger, job


async def _painting(messenger: RecordingMessenger, wanted: Job) -> StatusBoard:
    costs = CostModel()
    queue = FairQueue(10, costs.estimate)
    board = StatusBoard(queue, Forecast(queue, costs, lambda _model: CallTable(), slots=1), messenger)
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
    assert await previews_of(messenger, replace(job(), wishes=Wishes(previews=False))) is None


async def test_news_that_looks_like_the_last_is_not_told_again() -> None:
    messenger = RecordingMessenger()
    wanted = job(steps=150)
    board = await _painting(messenger, wanted)

    for done in (60, 60, 60):
        board.progress(wanted, Progress(Stage.PAINTING, done, 1500))
        await asyncio.sleep(0.02)
    await board.close(wanted)

    assert [said for said in messenger.said if said[0] == "progress"] == [("progress", f"{wanted.id} 60")]
