"""A bot on a Discord where people react, and ways to wait for what comes of it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest

from bot.settings import Settings
from tests.fakes import FakeExecutor
from tests.integration.conftest import running
from tests.loopback import Channel, LoopbackDiscord, Message


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"show_reroll": False, "max_waiting": 2, "slots": 1})


@pytest.fixture
async def _bot(discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor) -> AsyncIterator[None]:
    async with running(discord, settings, executor):
        yield


async def painted(discord: LoopbackDiscord, channel: Channel | None = None, **options: object) -> Message:
    interaction = await discord.slash("imagine", {"prompt": "a cat", "seed": 7, **options}, channel=channel)
    await discord.wait_until(lambda: bool(interaction.pictures))
    assert interaction.original is not None
    return interaction.original


def bots(discord: LoopbackDiscord, channel: Channel | None = None) -> list[Message]:
    messages = (channel or discord.general).messages.values()
    return [each for each in messages if each.author is discord.bot and not each.deleted and not each.ephemeral]


async def until_it_waits(discord: LoopbackDiscord) -> None:
    """Waits until the member's re-roll is in the queue."""
    while True:
        asked = await discord.slash("queue", {})
        await discord.wait_until(lambda: bool(asked.private_texts))  # noqa: B023
        if "a cat" in asked.private_texts[0]:
            return


async def until_kept(settings: Settings, number: int, state: str) -> None:
    """Waits until so many re-rolls are in a state in the database."""
    counted = "SELECT count(*) FROM jobs WHERE reaction IS NOT NULL AND state = ?"
    async with asyncio.timeout(10):
        while True:
            with closing(sqlite3.connect(settings.data_dir / "easel.db")) as database:
                if database.execute(counted, (state,)).fetchone() == (number,):
                    return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def busy(discord: LoopbackDiscord, executor: FakeExecutor) -> AsyncIterator[None]:
    """Keeps the one slot busy with somebody else's job."""
    executor.hold()
    before = len(executor.requests)
    other = await discord.slash("imagine", {"prompt": "long"}, discord.people["owner"])
    await discord.wait_until(lambda: len(executor.requests) == before + 1)
    yield
    executor.release()
    await discord.wait_until(lambda: bool(other.pictures))
