"""How soon people are answered when many come at once.

`python -m benchmarks.playground_load` runs the whole bot, with an executor that paints nothing, on a playground in the
same process, over real sockets; 200 commands come from 50 people at once. It prints the percentiles of the time from
the command to the bot's first answer, and of the time to the posted picture.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bot import bootstrap
from bot.settings import Settings
from playground import Playground
from playground.events.actions import Place
from tests.fakes import FakeExecutor, model_files

COMMANDS, PEOPLE, TIMEOUT = 200, 50, 120.0


@dataclass(frozen=True)
class Measured:
    """Seconds to each first answer and each picture; processor seconds until all first answers were there."""

    answered: list[float]
    painted: list[float]
    processor: float


async def measure(folder: Path) -> Measured:
    """Runs the bot on a playground and sends all commands at once."""
    model_files(folder / "models", "tiny")
    async with Playground() as playground:
        settings = Settings(
            discord_token=SecretStr(playground.world.token),
            discord_api_url=playground.api_url,
            data_dir=folder,
            model="tiny",
            log_level="WARNING",
        )
        bot = asyncio.create_task(bootstrap.serve(settings, playground.world.token, FakeExecutor()))
        async with asyncio.timeout(TIMEOUT):
            await until(lambda: playground.gateway.online and bool(playground.world.commands.names()))
            measured = await send_all(playground)
        bot.cancel()
        with suppress(asyncio.CancelledError):
            await bot
    return measured


async def send_all(playground: Playground) -> Measured:
    """Lets everybody use /imagine, and waits for the pictures."""
    command = next(each for each in playground.world.commands.everything() if each["name"] == "imagine")
    people = [playground.world.person(f"person-{number}") for number in range(PEOPLE)]
    places = [Place(person, playground.world.general) for person in people]
    options = {"prompt": "a cat", "steps": 1}
    begun, processor = time.perf_counter(), time.process_time()
    sent = [
        playground.actions.command(places[number % PEOPLE], int(command["id"]), [], options)
        for number in range(COMMANDS)
    ]
    await until(lambda: all(each.acked is not None for each in sent))
    processor = time.process_time() - processor
    painted: dict[int, float] = {}

    def all_painted() -> bool:
        now = time.perf_counter() - begun
        painted.update({each.id: now for each in sent if each.id not in painted and each.pictures})
        return len(painted) == COMMANDS

    await until(all_painted)
    return Measured([each.ack_seconds for each in sent], list(painted.values()), processor)


async def until(happened: Callable[[], bool]) -> None:
    """Looks again and again whether something has happened."""
    while not happened():  # noqa: ASYNC110 - nothing tells the outside of these
        await asyncio.sleep(0.01)


def main() -> None:
    """Prints the percentiles; the exit code says whether 99 of 100 were answered within a second."""
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(measure(Path(folder)))
    table = Table("seconds to", "p50", "p99", "longest", title=f"{COMMANDS} commands at once from {PEOPLE} people")
    for what, seconds in (("the first answer", measured.answered), ("the picture", measured.painted)):
        cuts = statistics.quantiles(seconds, n=100)
        table.add_row(what, f"{cuts[49]:.3f}", f"{cuts[98]:.3f}", f"{max(seconds):.3f}")
    console = Console()
    console.print(table)
    console.print(f"{measured.processor:.3f} processor seconds until all were answered, bot and playground together")
    sys.exit(statistics.quantiles(measured.answered, n=100)[98] >= 1)


if __name__ == "__main__":
    main()
