"""The whole bot, logged in to the loopback Discord, with a fake executor in place of the device."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import bootstrap
from bot.services.jobs.status_board import EDIT_SECONDS
from bot.settings import Settings
from generation import Executor
from tests.fakes import FakeExecutor, model_files
from tests.loopback import LoopbackDiscord


@pytest.fixture
async def discord() -> AsyncIterator[LoopbackDiscord]:
    """A Discord; at the end of the test nothing unknown may have been asked, and nothing may break its schemas."""
    async with LoopbackDiscord() as loopback:
        yield loopback
    assert loopback.errors == []
    assert loopback.schemas.deviations == []


@pytest.fixture
def settings(discord: LoopbackDiscord, tmp_path: Path) -> Settings:
    model_files(tmp_path / "data" / "models", "tiny", "other")
    return Settings(
        discord_token=SecretStr(discord.token),
        discord_api_url=discord.api_url,
        data_dir=tmp_path / "data",
        model="tiny",
        default_steps=4,
        grace_seconds=0,
        max_running=4,
        role_weights={discord.people["moderator"].role_id or 0: 3},
    )


@pytest.fixture
def executor() -> FakeExecutor:
    return FakeExecutor()


@pytest.fixture
def edit_seconds() -> float:
    """Seconds between two edits of a job's message."""
    return EDIT_SECONDS


@pytest.fixture
async def bot(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor, edit_seconds: float
) -> AsyncIterator[None]:
    """The bot, online."""
    async with running(discord, settings, executor, edit_seconds):
        yield


@asynccontextmanager
async def running(
    discord: LoopbackDiscord, settings: Settings, executor: Executor, edit_seconds: float = EDIT_SECONDS
) -> AsyncIterator[None]:
    """Runs the bot as `easel run` does, until the block ends."""
    discord.gateway.identified.clear()
    discord.commands.clear()
    serving = asyncio.create_task(bootstrap.serve(settings, discord.token, executor, edit_seconds))
    online = asyncio.create_task(discord.ready(settings.command))
    await asyncio.wait([serving, online], return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        online.cancel()
        serving.result()
    try:
        await online
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
