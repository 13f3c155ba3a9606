"""Kills the bot again and again while it works, and counts what becomes of its jobs.

`python -m benchmarks.chaos --kills 1000` (about half an hour on two quiet cores) orders a job for every kill and kills
the bot at a random step of that job's painting, keeping and posting; the next bot takes up what is left. After every 50
it lets one live until all is done. It prints how many jobs were posted once, more than once, or not at all, and ends
with code 1 unless every one was posted exactly once. `--minutes` ends it earlier.

`python -m benchmarks.chaos --whole --kills 5` does it with the whole bot as people run it, `python -m bot` with the
starter, killed at random moments between an order's acceptance and its picture.
"""

import argparse
import asyncio
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from playground.state import messages
from tests.chaos.storm import Kill, Storm
from tests.fakes import model_files
from tests.loopback import Interaction, LoopbackDiscord

TOGETHER = 50  # kills until one bot is let live
PATIENCE = 300.0  # seconds; the machine may be busy with other things


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many bots died, how many jobs were posted how often, and how many answers were left thinking."""

    died: int
    times: Counter[int]
    thinking: int


async def storm(kills: int, seed: int, minutes: float, console: Console) -> Outcome:
    """Kills bots without a gateway and without torch."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    started = time.monotonic()
    messages.KEPT_MESSAGES = 10 * kills + 1000  # all are counted in the end; a playground lets the oldest go
    with tempfile.TemporaryDirectory() as folder:
        async with LoopbackDiscord() as discord:
            model_files(Path(folder) / "models", "tiny")
            raging = Storm(discord, Path(folder))
            steps = {late: await raging.steps(late=late) for late in (False, True)}
            while raging.kills < kills and time.monotonic() - started < 60 * minutes:
                chosen = [draw.random() < 0.5 for _ in range(min(TOGETHER, kills - raging.kills))]
                await raging.rage([Kill(draw.randint(1, steps[late]), late) for late in chosen])
                console.print(f"{raging.kills} killed, {time.monotonic() - started:.0f} s")
            times = Counter(len(raging.posted(job)) for job in raging.jobs)
            return Outcome(raging.kills, times, len(raging.left_thinking()))


class WholeBot:
    """The bot as a process of its own, with the starter."""

    def __init__(self, discord: LoopbackDiscord, data_dir: Path) -> None:
        self._discord = discord
        self._data_dir = data_dir
        self._environment = {
            **os.environ,
            "DISCORD_TOKEN": discord.token,
            "DISCORD_API_URL": discord.api_url,
            "EASEL_DATA_DIR": str(data_dir),
            "EASEL_DEFAULT_STEPS": "8",
            "OMP_NUM_THREADS": "1",
        }
        self.orders: list[Interaction] = []

    async def start(self) -> None:
        """Starts it and waits until it is online with its commands."""
        self._discord.gateway.identified.clear()
        self._discord.commands.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", env=self._environment, cwd=Path(__file__).parents[1]
        )
        await self._discord.ready("imagine", seconds=PATIENCE)

    async def kill(self) -> None:
        """Kills it without a word."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """Stops it in good order."""
        self._process.terminate()
        await asyncio.wait_for(self._process.wait(), PATIENCE)

    async def order(self) -> None:
        """Orders a picture and waits until the order is accepted."""
        asked = {"prompt": f"a red apple on a blue background {len(self.orders)}"}
        self.orders.append(await self._discord.slash("imagine", asked))
        await self._discord.wait_until(lambda: len(self.accepted()) == len(self.orders), PATIENCE)

    async def all_posted(self) -> None:
        """Waits until every accepted job is in its last state."""
        await self._discord.wait_until(lambda: set(self.accepted().values()) == {"posted"}, PATIENCE)

    def accepted(self) -> dict[str, str]:
        """Returns the state of every job in the database."""
        with closing(sqlite3.connect(self._data_dir / "easel.db")) as database:
            return dict(database.execute("SELECT id, state FROM jobs").fetchall())


async def whole_storm(kills: int, seed: int) -> Outcome:
    """Kills the whole bot."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    with tempfile.TemporaryDirectory() as folder:
        async with LoopbackDiscord() as discord:
            bot = WholeBot(discord, Path(folder))
            await bot.start()
            await bot.order()
            accepted_at = time.monotonic()
            await bot.all_posted()
            usual = time.monotonic() - accepted_at
            for _ in range(kills):
                await bot.order()
                await asyncio.sleep(draw.uniform(0, usual))
                await bot.kill()
                await bot.start()
            await bot.all_posted()
            await bot.stop()
            messages = [message for message in discord.general.messages.values() if not message.deleted]
            files = [file.filename for message in messages for file in message.attachments]
            times = Counter(sum(job in name for name in files) for job in bot.accepted())
            return Outcome(kills, times, sum(not message.attachments for message in messages))


def main() -> None:
    """Runs the storm and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--whole", action="store_true", help="kill the whole bot with the starter")
    parser.add_argument("--minutes", type=float, default=60.0, help="no further kills after so long")
    arguments = parser.parse_args()
    console = Console()
    if arguments.whole:
        outcome = asyncio.run(whole_storm(arguments.kills, arguments.seed))
    else:
        outcome = asyncio.run(storm(arguments.kills, arguments.seed, arguments.minutes, console))
    times = outcome.times
    table = Table("what", "number", title=f"{outcome.died} bots killed at random steps, seed {arguments.seed}")
    table.add_row("jobs", str(times.total()))
    table.add_row("posted exactly once", str(times[1]))
    table.add_row("not posted", str(times[0]))
    table.add_row("posted more than once", str(times.total() - times[0] - times[1]))
    table.add_row("answers left thinking", str(outcome.thinking))
    console.print(table)
    sys.exit(0 if times[1] == times.total() and not outcome.thinking else 1)


if __name__ == "__main__":
    main()
