"""From the browser to the real engine and back: the bundled starter model paints, as on a fresh install."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect
from pydantic import SecretStr

from bot.settings import Settings
from generation import Catalog
from generation.worker.local import LocalExecutor
from tests.browser.visitor import Visitor
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord

pytestmark = [pytest.mark.ci, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def painter(discord: LoopbackDiscord, tmp_path: Path) -> AsyncIterator[None]:
    """The real bot with the real engine and no model of one's own, online."""
    settings = Settings(
        discord_token=SecretStr(discord.token),
        discord_api_url=discord.api_url,
        data_dir=tmp_path / "data",
        device="cpu",
    )
    async with running(discord, settings, LocalExecutor(settings, Catalog(settings.models_path, settings.model))):
        yield


@pytest.mark.usefixtures("painter")
async def test_a_real_picture_reaches_the_page(visitor: Visitor) -> None:
    await visitor.composer.fill("/imagine a red apple on a blue background seed:7")
    await visitor.page.get_by_role("button", name="Send command").click()

    await expect(visitor.last.locator(".picture")).to_be_visible(timeout=60_000)
    assert await visitor.picture_sizes(visitor.last) == [128]
    await expect(visitor.last).to_contain_text("seed 7 · 128x128 · 20 steps · cfg 4")
