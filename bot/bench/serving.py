"""What the whole bot takes of the engine's speed: measured on a playground beside it, over real sockets."""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import SecretStr

from bot import bootstrap
from bot.errors import EaselError
from bot.settings import Settings
from generation import CancelToken, Executor, GenerationRequest, GenerationResult, ProcessExecutor, Progress
from generation.scheduling.simulation import BatchTable

T = TypeVar("T")

ONLINE_SECONDS = 600.0  # for coming online, not for what is measured then
IDLE_COMMANDS = 5


@dataclass(frozen=True, slots=True)
class Serving:
    """The whole bot's speed.

    Attributes:
        r2: Pictures a second through the whole bot with a full queue, over the bare loop's.
        idle_ms: From a command to the posted picture, less the engine's own time, with nothing else to do.
        ack_ms: From a command to the bot's first answer while the queue is full: the slowest of them.
    """

    r2: float
    idle_ms: float
    ack_ms: float


class Timed:
    """Notes what passes through an executor, and holds it back until a queue is full.

    Args:
        executor: What paints.
        warm: Whether it gets ready before it is asked to paint.
    """

    def __init__(self, executor: Executor, *, warm: bool) -> None:
        self._executor = executor
        self._warm = warm
        self.engine_seconds: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self) -> None:
        """Begins to get ready."""
        if self._warm:
            await self._executor.start()

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
        inputs: Mapping[str, bytes] = MappingProxyType({}),
    ) -> GenerationResult:
        """Paints when the gate is open."""
        await self.gate.wait()
        result = await self._executor.generate(request, on_progress, cancel, inputs)
        self.engine_seconds.append(result.seconds)
        return result

    def sharing(self, model: str) -> BatchTable:
        """Passes the question on."""
        return self._executor.sharing(model)

    async def close(self) -> None:
        """Closes what paints."""
        await self._executor.close()


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked for: commands in a round, rounds, steps, the side in pixels."""

    commands: int
    rounds: int
    steps: int
    side: int


class Street:
    """What happens in the Discord that the bot is on: see `bot.bench.crowd`, whose process this speaks with."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("the crowd is spoken with through pipes")
        self._orders, self._answers = process.stdin, process.stdout

    async def hear(self, what: str) -> Any:
        """Waits for the next answer, which tells so."""
        return json.loads(await self._answers.readline())[what]

    async def online(self) -> None:
        """Waits until the bot is there, with its commands."""
        await self._order({"wait": "online"})
        await self.hear("online")

    async def send(self, load: Load, count: int) -> list[float]:
        """Lets people use /imagine, each at most five times; returns the seconds until each was answered."""
        await self._order({"send": {"commands": count, "steps": load.steps, "side": load.side}})
        answered: list[float] = await self.hear("answered")
        return answered

    async def all_posted(self) -> list[float]:
        """Waits for the pictures of what was sent; returns when each was posted."""
        posted: list[float] = await self.hear("posted")
        return posted

    async def _order(self, order: dict[str, Any]) -> None:
        self._orders.write(f"{json.dumps(order)}\n".encode())
        await self._orders.drain()


@asynccontextmanager
async def street() -> AsyncIterator[tuple[Street, str, str]]:
    """Runs a Discord with people on it in a process of its own; gives also its address and the bot's token."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.bench.crowd", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        there = Street(process)
        said = json.loads(await process.stdout.readline()) if process.stdout is not None else {}
        yield there, said["api_url"], said["token"]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


Work = Callable[[Street, Timed], Awaitable[T]]


async def beside_the_bot(settings: Settings, folder: Path, work: Work[T], *, warm: bool = True) -> T:
    """Does something with the whole bot on a playground, once it is online; its data lies in a folder of its own.

    Args:
        settings: Device, model and so on; never the token.
        folder: Where its data lies.
        work: What is done.
        warm: Whether the engine gets ready by itself.

    Raises:
        EaselError: The bot does not come online in time, or ends by itself meanwhile; or whatever else ended it.
    """
    async with street() as (there, api_url, token):
        apart = {"data_dir": folder, "models_dir": settings.models_path, "database_url": None, "log_level": "WARNING"}
        changes = {**apart, "discord_token": SecretStr(token), "discord_api_url": api_url}
        settings = settings.model_copy(update=changes)
        timed = Timed(ProcessExecutor(settings, threads=1), warm=warm)
        bot = asyncio.create_task(bootstrap.serve(settings, token, timed))
        working = asyncio.create_task(_once_online(there, timed, work))
        try:
            await asyncio.wait([bot, working], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            bot.result()
            raise EaselError("The bot ended while it was being measured.")
        finally:
            working.cancel()
            bot.cancel()
            await asyncio.wait([bot, working])


async def _once_online(there: Street, timed: Timed, work: Work[T]) -> T:
    await _come_online(there)
    return await work(there, timed)


async def _come_online(there: Street) -> None:
    try:
        async with asyncio.timeout(ONLINE_SECONDS):
            await there.online()
    except TimeoutError as error:
        raise EaselError(f"The bot did not come online within {ONLINE_SECONDS:g} seconds.") from error


async def measure(settings: Settings, folder: Path, load: Load, bare: Callable[[int], float]) -> Serving:
    """Measures the whole bot.

    Args:
        settings: Device, model and so on.
        folder: Where the bot keeps what it makes meanwhile.
        load: How much to ask for.
        bare: Paints as many pictures as it is given with the bare loop; returns its pictures a second.
    """

    async def work(there: Street, timed: Timed) -> Serving:
        await there.send(load, 1)
        await there.all_posted()
        idle = [await _idle(there, timed, load) for _ in range(IDLE_COMMANDS)]
        ratios, slowest = [], 0.0
        for _ in range(load.rounds):
            full, answered = await _full_queue(there, timed, load)
            slowest = max(slowest, *answered)
            ratios.append(full / await asyncio.to_thread(bare, load.commands))
        return Serving(statistics.median(ratios), 1000 * statistics.median(idle), 1000 * slowest)

    return await beside_the_bot(settings, folder, work)


async def _full_queue(there: Street, timed: Timed, load: Load) -> tuple[float, list[float]]:
    """Returns pictures a second, from the first turn to the last post, and how soon commands were answered."""
    timed.gate.clear()
    answered = await there.send(load, load.commands)
    begun = time.perf_counter()
    timed.gate.set()
    times = await there.all_posted()
    return len(times) / (max(times) - begun), answered


async def _idle(there: Street, timed: Timed, load: Load) -> float:
    begun = time.perf_counter()
    await there.send(load, 1)
    (posted,) = await there.all_posted()
    return posted - begun - timed.engine_seconds[-1]
