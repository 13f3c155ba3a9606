"""What the whole bot takes of the engine's speed: measured on a playground in this process, over real sockets."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pydantic import SecretStr

from bot import bootstrap
from bot.playground import Playground
from bot.playground.actions import Place
from bot.playground.interactions import Interaction
from bot.settings import Settings
from generation import CancelToken, Catalog, Executor, GenerationRequest, GenerationResult, LocalExecutor, Progress
from generation.foresight import CallTable

TIMEOUT = 600.0
LOOK_SECONDS = 0.25  # what changes without a word is seen this soon
IDLE_COMMANDS = 5
PROMPT, CFG = "a red apple", 7


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

    def sharing(self, model: str) -> CallTable:
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


class Watched:
    """A playground whose changes can be waited for.

    Args:
        playground: The Discord the bot is on.
    """

    def __init__(self, playground: Playground) -> None:
        self._playground = playground
        self.changed = asyncio.Event()
        playground.world.on_change = self.changed.set

    @property
    def online(self) -> bool:
        """Whether the bot is there, with its commands."""
        return self._playground.gateway.online and bool(self._playground.world.commands.names())

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until something has happened."""
        while not happened():
            self.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), LOOK_SECONDS)

    def send(self, load: Load, count: int) -> list[Interaction]:
        """Lets people use /imagine, each at most five times."""
        world = self._playground.world
        command = next(each for each in world.commands.everything() if each["name"] == "imagine")
        options = {"prompt": PROMPT, "steps": load.steps, "cfg": CFG, "sampler": "euler", "scheduler": "karras"}
        options |= {"width": load.side, "height": load.side}
        people = [world.person(f"person-{number}") for number in range(1 + count // 5)]
        places = [Place(people[number % len(people)], world.general) for number in range(count)]
        return [self._playground.actions.command(place, int(command["id"]), [], options) for place in places]

    async def all_posted(self, sent: list[Interaction]) -> list[float]:
        """Waits for the pictures; returns when each was posted."""
        posted: dict[int, float] = {}

        def look() -> bool:
            clock = time.perf_counter()
            posted.update({each.id: clock for each in sent if each.id not in posted and each.pictures})
            return len(posted) == len(sent)

        await self.until(look)
        return list(posted.values())


@asynccontextmanager
async def whole_bot(settings: Settings, folder: Path, *, warm: bool = True) -> AsyncIterator[tuple[Watched, Timed]]:
    """Runs the bot on a playground, with its data in a folder of its own.

    Args:
        settings: Device, model and so on; never the token.
        folder: Where its data lies.
        warm: Whether the engine gets ready by itself.
    """
    async with Playground() as playground:
        token = playground.world.token
        apart = {"data_dir": folder, "models_dir": settings.models_path, "database_url": None, "log_level": "WARNING"}
        changes = {**apart, "discord_token": SecretStr(token), "discord_api_url": playground.api_url}
        settings = settings.model_copy(update=changes)
        timed = Timed(LocalExecutor(settings, Catalog(settings.models_path, settings.model)), warm=warm)
        bot = asyncio.create_task(bootstrap.serve(settings, token, timed))
        try:
            async with asyncio.timeout(TIMEOUT):
                watched = Watched(playground)
                bot.add_done_callback(lambda _bot: watched.changed.set())
                await watched.until(lambda: bot.done() or watched.online)
                if bot.done():
                    bot.result()
                yield watched, timed
        finally:
            bot.cancel()
            with suppress(asyncio.CancelledError):
                await bot


async def measure(settings: Settings, folder: Path, load: Load, bare: Callable[[int], float]) -> Serving:
    """Measures the whole bot.

    Args:
        settings: Device, model and so on.
        folder: Where the bot keeps what it makes meanwhile.
        load: How much to ask for.
        bare: Paints as many pictures as it is given with the bare loop; returns its pictures a second.
    """
    async with whole_bot(settings, folder) as (watched, timed):
        await watched.all_posted(watched.send(load, 1))
        idle = [await _idle(watched, timed, load) for _ in range(IDLE_COMMANDS)]
        ratios, slowest = [], 0.0
        for _ in range(load.rounds):
            full, acks = await _full_queue(watched, timed, load)
            slowest = max(slowest, *acks)
            ratios.append(full / await asyncio.to_thread(bare, load.commands))
    return Serving(statistics.median(ratios), 1000 * statistics.median(idle), 1000 * slowest)


async def _full_queue(watched: Watched, timed: Timed, load: Load) -> tuple[float, list[float]]:
    """Returns pictures a second, from the first posted one to the last, and how soon each command was answered."""
    timed.gate.clear()
    sent = watched.send(load, load.commands)
    await watched.until(lambda: all(each.acked is not None for each in sent))
    timed.gate.set()
    times = await watched.all_posted(sent)
    return (len(times) - 1) / (max(times) - min(times)), [each.ack_seconds for each in sent]


async def _idle(watched: Watched, timed: Timed, load: Load) -> float:
    begun = time.perf_counter()
    (posted,) = await watched.all_posted(watched.send(load, 1))
    return posted - begun - timed.engine_seconds[-1]
