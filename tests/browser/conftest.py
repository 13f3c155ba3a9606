"""The page in a headless Chromium, against the real bot or the scripted one.

All of it runs in one event loop, so that the tests share one Chromium; every test has a Discord of its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.settings import Settings
from tests.browser import chromium
from tests.browser.showcase import ShowcaseBot
from tests.fakes import FakeExecutor, model_files
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord
from tests.scripted import running as scripted_bot_running

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.browser.visitor import Visitor

MISSING = chromium.missing()  # tests/conftest.py says it at the end
collect_ignore_glob = ["test_[!b]*.py"] if MISSING else []  # test_bundle.py needs no browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator["Browser"]:
    async with chromium.browser() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def discord() -> AsyncIterator[LoopbackDiscord]:
    """A Discord; at the end of the test nothing unknown may have been asked, and nothing may break its schemas."""
    async with LoopbackDiscord() as loopback:
        yield loopback
    assert loopback.errors == []
    assert loopback.schemas.deviations == []


@pytest.fixture
def executor() -> FakeExecutor:
    return FakeExecutor()


@pytest_asyncio.fixture(loop_scope="session")
async def bot(discord: LoopbackDiscord, executor: FakeExecutor, tmp_path: Path) -> AsyncIterator[None]:
    """The real bot, online."""
    model_files(tmp_path / "data" / "models", "tiny", "other")
    settings = Settings(
        discord_token=SecretStr(discord.token),
        discord_api_url=discord.api_url,
        data_dir=tmp_path / "data",
        model="tiny",
        default_steps=4,
    )
    async with running(discord, settings, executor):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def scripted(discord: LoopbackDiscord) -> AsyncIterator[ShowcaseBot]:
    """The scripted bot, online."""
    async with showing(discord) as showcase:
        yield showcase


@asynccontextmanager
async def showing(discord: LoopbackDiscord) -> AsyncIterator[ShowcaseBot]:
    """Runs the scripted bot until the block ends."""
    showcase = ShowcaseBot()
    async with scripted_bot_running(showcase, discord.api_url, discord.token):
        await discord.ready("buttons", "Greet")
        yield showcase


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(discord: LoopbackDiscord, browser: "Browser") -> AsyncIterator["Visitor"]:
    """A member in front of the page; nothing on it may have gone wrong."""
    from tests.browser.visitor import Visitor

    visitor = await Visitor.come(browser, discord.page_url)
    yield visitor
    await visitor.context.close()
    assert visitor.troubles == []
