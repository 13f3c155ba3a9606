"""The bot as a process that can be made to kill itself: real services, ledger, delivery and discord.py's HTTP client.

It has no gateway and no torch: it takes up the jobs that lie in the database, and ends when none is left. Every call
of the ledger, the picture store, the messenger and Discord's API that one job makes is a step before and a step after;
at the step it is told, it dies without a word, wherever its other jobs are by then.

Usage: python -m tests.chaos.child API_URL TOKEN DATA_DIR JOB KILL_AT (0: not at all). Prints how many steps there were.
"""

import asyncio
import functools
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from discord.http import HTTPClient
from discord.webhook.async_ import AsyncWebhookAdapter
from pydantic import SecretStr

from bot.bootstrap import build
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.upkeep import upgrade_safely
from bot.settings import Settings
from bot.ui.jobs.messenger import DiscordMessenger
from tests.fakes import FakeExecutor

WATCHED: list[tuple[type, str]] = [
    *((SqlJobs, name) for name in ("adopt", "begin", "rendered", "mine", "posted")),
    *((FilePictureStore, name) for name in ("put", "get")),
    *((DiscordMessenger, name) for name in ("answer", "send", "posted")),
    (HTTPClient, "request"),
    (AsyncWebhookAdapter, "request"),
]
UNFINISHED = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running', 'rendered')"


class Fate:
    """Counts the steps of taking up jobs and of one job's life, and ends the process at one of them."""

    def __init__(self, job: str, kill_at: int) -> None:
        self.steps = 0
        self._life = f"job {job}"  # as the dispatcher names its task
        self._kill_at = kill_at

    def step(self, name: str) -> None:
        task = asyncio.current_task()
        if name != "adopt" and (task is None or task.get_name() != self._life):
            return
        self.steps += 1
        if self.steps == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, owner: type, name: str) -> None:
        call: Callable[..., Awaitable[Any]] = getattr(owner, name)

        @functools.wraps(call)
        async def watched(*args: Any, **kwargs: Any) -> Any:
            self.step(name)
            answer = await call(*args, **kwargs)
            self.step(name)
            return answer

        setattr(owner, name, watched)


async def main(api_url: str, token: str, data_dir: Path, job: str, kill_at: int) -> int:
    """Takes up what is left, until nothing is."""
    settings = Settings(discord_token=SecretStr(token), discord_api_url=api_url, data_dir=data_dir, grace_seconds=0)
    await upgrade_safely(settings.database)
    fate = Fate(job, kill_at)
    for owner, name in WATCHED:
        fate.watch(owner, name)
    client = build(settings, FakeExecutor())
    async with client:
        await client.login(token)
        with closing(sqlite3.connect(data_dir / "easel.db")) as database:
            while database.execute(UNFINISHED).fetchone() != (0,):  # noqa: ASYNC110 - another thread's doing
                await asyncio.sleep(0.01)
    return fate.steps


if __name__ == "__main__":
    steps = asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4], int(sys.argv[5])))
    sys.stdout.write(f"{steps}\n")
