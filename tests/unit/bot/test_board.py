"""What the status board tells the messages."""

import asyncio
from dataclasses import replace

from bot.domain import Job, Wishes
from bot.services.board import StatusBoard
from bot.services.queue import FairQueue
from generation import Progress, Stage
from tests.unit.bot.jobs import RecordingMessenger, job


async def previews_of(board: StatusBoard, messenger: RecordingMessenger, wanted: Job) -> bytes | None:
    board.started(wanted)
    board.progress(wanted, Progress(Stage.PAINTING, 2, 4, b"a preview"))
    await asyncio.sleep(0.02)
    await board.close(wanted)
    return messenger.previews[wanted.id]


async def test_previews_are_shown_to_those_who_want_them() -> None:
    messenger = RecordingMessenger()
    board = StatusBoard(FairQueue(10, lambda _request: 1.0), lambda _request: 1.0, messenger)

    assert await previews_of(board, messenger, job()) == b"a preview"
    assert await previews_of(board, messenger, replace(job(), wishes=Wishes(previews=False))) is None


async def test_news_that_looks_like_the_last_is_not_told_again() -> None:
    messenger = RecordingMessenger()
    board = StatusBoard(FairQueue(10, lambda _request: 1.0), lambda _request: 1.0, messenger)
    wanted = job(steps=150)
    board.started(wanted)

    for done in (60, 60, 60):
        board.progress(wanted, Progress(Stage.PAINTING, done, 1500))
        await asyncio.sleep(0.02)
    await board.close(wanted)

    assert [said for said in messenger.said if said[0] == "progress"] == [("progress", f"{wanted.id} 60")]
