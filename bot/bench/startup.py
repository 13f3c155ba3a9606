"""How soon the bot is online, and what it holds before the engine is loaded: measured in a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bot.bench.serving import beside_the_bot
from bot.errors import EaselError
from bot.settings import Settings

SECONDS = 120
CHILD = "from bot.bench.startup import come_online; come_online()"


@dataclass(frozen=True, slots=True)
class StartUp:
    """How the bot starts, on a playground beside it.

    Attributes:
        online_s: Seconds from the start of the process until the bot is online with its commands.
        processor_s: Seconds of processor time until then: what `online_s` comes to on a machine without other work.
        resident_mib: Resident memory then; the engine is not loaded yet.
    """

    online_s: float
    processor_s: float
    resident_mib: float


def measure_start() -> StartUp:
    """Starts the bot in a process of its own and looks at it when it is online.

    Raises:
        EaselError: It does not come online.
    """
    begun = time.time()
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=SECONDS, check=True
        )
    except subprocess.SubprocessError as error:
        raise EaselError(f"The bot does not come online: {error}") from error
    said = json.loads(done.stdout.strip().splitlines()[-1])
    return StartUp(said["online"] - begun, said["processor"], said["resident"] / 2**20)


def come_online() -> None:
    """Comes online in this process, tells how it is there, and ends."""
    asyncio.run(_come_online())


async def _come_online() -> None:
    with tempfile.TemporaryDirectory() as folder:
        said = await beside_the_bot(Settings(), Path(folder), _look, warm=False)
        sys.stdout.write(f"{json.dumps(said)}\n")


async def _look(*_: object) -> dict[str, float]:
    process = psutil.Process(os.getpid())
    times = process.cpu_times()
    return {
        "online": time.time(),
        "processor": times.user + times.system,
        "resident": process.memory_info().rss,
    }
