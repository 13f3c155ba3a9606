import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.bot.house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path)
    running = asyncio.create_task(house.dispatcher.run(slots=2))
    yield house
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    house.executor.release()
    await house.dispatcher.close()
