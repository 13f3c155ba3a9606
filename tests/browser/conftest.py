"""The page in a headless Chromium, against the real bot or the scripted one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import chromium
from tests.browser.scripted_bot import ScriptedBot
from tests.integration.conftest import bot, discord, executor, settings
from tests.loopback import LoopbackDiscord

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor

__all__ = ["bot", "discord", "executor", "settings"]

_MISSING = chromium.missing()
collect_ignore_glob = ["test_[!b]*.py"] if _MISSING else []


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says aloud that the folder was left out."""
    if _MISSING:
        terminalreporter.write_line(f"tests/browser was left out: {_MISSING}", yellow=True)


@pytest.fixture
async def visitor(discord: LoopbackDiscord) -> AsyncIterator["Visitor"]:
    """A member in front of the page; nothing on it may have gone wrong."""
    from tests.browser.visitor import Visitor

    async with chromium.browser() as browser:
        visitor = await Visitor.come(browser, discord.page_url)
        yield visitor
        assert visitor.troubles == []


@pytest.fixture
async def scripted(discord: LoopbackDiscord) -> AsyncIterator[ScriptedBot]:
    """The scripted bot, online."""
    async with running_script(discord) as script:
        yield script


@asynccontextmanager
async def running_script(discord: LoopbackDiscord) -> AsyncIterator[ScriptedBot]:
    """Runs the scripted bot until the block ends."""
    script = ScriptedBot(discord.api_url)
    serving = asyncio.create_task(script.start(discord.token))
    try:
        await discord.ready("buttons", "Greet")
        yield script
    finally:
        await script.close()
        await serving
