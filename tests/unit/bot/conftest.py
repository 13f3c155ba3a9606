import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.services.jobs import status
from tests.unit.bot.house import House

EDIT_SECONDS = 0.01


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets status messages be edited far more often than they are for people."""
    monkeypatch.setattr(status.StatusLine.__init__, "__defaults__", (EDIT_SECONDS,))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    running = asyncio.create_task(house.dispatcher.run(slots=2))
    yield house
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    house.executor.release()
    await house.dispatcher.close()
