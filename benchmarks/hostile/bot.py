"""The whole bot as a process of its own on a playground, and how much memory it and its engine take."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.hostile.prompts import MODEL
from playground import Playground

START_SECONDS = 120.0
STOP_SECONDS = 30.0
LOOK_SECONDS = 0.2
BOT_ROOM, ENGINE_ROOM = 2 << 30, 6 << 30  # bytes beyond what they have when warm: so much may be lent to one of them
ENGINE = "generation.worker"


class BotProcess:
    """The bot's process and its engine's.

    Attributes:
        bot_growth: Bytes by which the bot's resident memory has grown at most since `settle`.
        engine_growth: The same of the engine's process, or of the one that came after it.
        lives: How many engines there were since then.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._bot = psutil.Process(process.pid)
        self._engine: psutil.Process | None = None
        self._bot_before = self._engine_before = 0
        self.bot_growth = self.engine_growth = 0
        self.lives = 0

    @property
    def ended(self) -> bool:
        """Whether the bot's process is gone."""
        return self._process.returncode is not None

    def settle(self) -> None:
        """Takes the present memory for that of a warm bot, and lets it have only so much more.

        What asks for more fails with an error of its own then, instead of taking the machine's memory from all others.
        """
        self._bot_before = self._bot.memory_info().rss
        _limit(self._bot, BOT_ROOM)
        self._look_for_engine()
        if self._engine is not None:
            self._engine_before = self._engine.memory_info().rss

    async def watch(self) -> None:
        """Follows the memory until it is cancelled or the bot is gone."""
        while not self.ended:
            with suppress(psutil.NoSuchProcess):
                self.bot_growth = max(self.bot_growth, self._bot.memory_info().rss - self._bot_before)
            with suppress(psutil.NoSuchProcess):
                self._look_for_engine()
                if self._engine is not None:
                    grown = self._engine.memory_info().rss - self._engine_before
                    self.engine_growth = max(self.engine_growth, grown)
            await asyncio.sleep(LOOK_SECONDS)

    async def stop(self) -> None:
        """Ends it."""
        if self.ended:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _look_for_engine(self) -> None:
        if self._engine is not None and self._engine.is_running():
            return
        self._engine = None
        for child in self._bot.children():
            if ENGINE in child.cmdline():
                self._engine = child
                self.lives += 1
                _limit(child, ENGINE_ROOM)


@asynccontextmanager
async def running(playground: Playground, data_dir: Path, log: Path) -> AsyncIterator[BotProcess]:
    """Runs `python -m bot` on a playground.

    Args:
        playground: Where it logs in.
        data_dir: Its folder, with a models folder in it.
        log: Where its log goes.
    """
    environment = {
        **os.environ,
        "DISCORD_TOKEN": playground.world.token,
        "DISCORD_API_URL": playground.api_url,
        "EASEL_DATA_DIR": str(data_dir),
        "EASEL_MODEL": MODEL,
        "EASEL_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", env=environment, cwd=Path(__file__).parents[2], stdout=file, stderr=file
        )
        bot = BotProcess(process)
        try:
            await asyncio.wait_for(_online(playground, bot), START_SECONDS)
            yield bot
        finally:
            await bot.stop()


async def _online(playground: Playground, bot: BotProcess) -> None:
    while not (playground.gateway.online and playground.world.commands.names()):
        if bot.ended:
            raise SystemExit("The bot ended while it was starting.")
        await asyncio.sleep(0.05)


def _limit(process: psutil.Process, room: int) -> None:
    most = process.memory_info().vms + room
    limits: Any = process
    if hasattr(limits, "rlimit"):  # Linux
        limits.rlimit(psutil.RLIMIT_AS, (most, most))
