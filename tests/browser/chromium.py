"""Finding and starting the Chromium that the system has."""

import importlib.util
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.async_api import Browser

PATIENCE_MS = 15_000  # what is awaited comes within milliseconds, unless the machine is busy with other things
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def executable() -> str | None:
    """Returns the path of a Chromium, if the system has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def missing() -> str | None:
    """Says what browser tests lack here; None when they can run."""
    if executable() is None:
        return "no Chromium found: apt-get install chromium"
    if importlib.util.find_spec("playwright") is None:
        return "no Playwright found: pip install -e '.[browser]'"
    return None


@asynccontextmanager
async def browser() -> AsyncIterator["Browser"]:
    """Runs a headless Chromium until the block ends."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield chromium
        await chromium.close()
