"""What is removed by itself while the bot runs, and what people are told then."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from tests.fakes import FakeExecutor
from tests.integration.asking import job_of, result, telling, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


def query(settings: Settings, statement: str) -> list[Any]:
    with closing(sqlite3.connect(settings.data_dir / "easel.db")) as database, database:
        return database.execute(statement).fetchall()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not happened():  # noqa: ASYNC110 - a file, or a row
            await asyncio.sleep(0.02)


def files(settings: Settings) -> list[Path]:
    return list(settings.pictures_path.glob("??/*"))


async def test_a_picture_that_was_removed_stays_in_the_history_with_its_recipe_and_can_be_painted_again(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        message = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "seed": 7}))
        dear = await result(discord, await discord.slash("imagine", {"prompt": "a dog", "seed": 8}))
        await told(discord, await discord.slash("show", {"id": job_of(dear)}))
        discord.react(dear, "⭐")
        await until(lambda: query(settings, "SELECT count(*) FROM stars") == [(1,)])
    query(settings, "UPDATE jobs SET created_at = datetime('now', '-40 days', '-1 hour')")

    async with running(discord, settings.model_copy(update={"keep_days": 30}), FakeExecutor()):
        await until(lambda: len(files(settings)) == 1)
        history = await told(discord, await discord.slash("history"))
        shown = await telling(discord, await discord.slash("show", {"id": job_of(message)}))
        zipped = await told(discord, await discord.press(shown, "Originals (ZIP)"))
        informed = await told(discord, await discord.press(message, "ℹ️"))
        again = await discord.press(message, "🔄")
        await result(discord, again)

    (cat,) = [line for line in history.splitlines() if "a cat" in line]
    assert "the picture was removed after 40 days" in cat
    assert "removed" not in next(line for line in history.splitlines() if "a dog" in line)
    assert "Prompt: a cat" in shown.content
    assert "The picture was removed after 40 days." in shown.content
    kept = f"The picture was removed after 40 days. Its recipe is kept: /show id:{job_of(message)}"
    assert (zipped, informed) == (kept, kept)


async def test_pictures_keep_within_the_disk_they_were_given(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    executor.padding = 2**20
    async with running(discord, settings, executor):
        for seed in range(3):
            await result(discord, await discord.slash("imagine", {"prompt": "a cat", "seed": seed}))

    async with running(discord, settings.model_copy(update={"max_disk": 2.5 / 1024}), executor):
        await until(lambda: len(files(settings)) == 2)

    assert query(settings, "SELECT seed FROM images WHERE removed_at IS NOT NULL") == [(0,)]


async def test_a_server_that_removes_the_bot_is_noted_with_its_channels_and_erased_when_its_time_has_come(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running(discord, settings, executor):
        await result(discord, await discord.slash("imagine", {"prompt": "a zanzibar"}))
        discord.gateway.dispatch("GUILD_DELETE", {"id": str(discord.world.guild_id)})
        await until(lambda: query(settings, "SELECT count(*) FROM departures") == [(1,)])
        ((channels,),) = query(settings, "SELECT channels FROM departures")
    assert str(discord.general.id) in channels
    query(settings, "UPDATE departures SET left_at = datetime('now', '-31 days')")

    async with running(discord, settings, FakeExecutor()):
        await until(lambda: query(settings, "SELECT count(*) FROM jobs") == [(0,)] and not files(settings))
        await until(lambda: "a server's data was erased" in caplog.text)

    assert [file.name for file in settings.data_dir.glob("easel.db*") if b"zanzibar" in file.read_bytes()] == []


async def test_a_server_that_the_bot_is_on_again_keeps_its_data(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        await result(discord, await discord.slash("imagine", {"prompt": "a cat"}))
        discord.gateway.dispatch("GUILD_DELETE", {"id": str(discord.world.guild_id)})
        await until(lambda: query(settings, "SELECT count(*) FROM departures") == [(1,)])

    async with running(discord, settings, FakeExecutor()):
        await until(lambda: query(settings, "SELECT count(*) FROM departures") == [(0,)])

    assert query(settings, "SELECT count(*) FROM jobs") == [(1,)]
