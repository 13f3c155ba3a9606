"""How soon the bot answers people while others send it hostile prompts.

`python -m benchmarks.hostile` runs the whole bot with a tiny model on a playground. Five people send fifty prompts that
are made to be expensive; they look at them, list them, edit them and have them painted again. Meanwhile another person
uses autocomplete and ordinary commands at a steady pace. It prints how long that person waited for the first answer,
and by how much the bot's and the engine's processes grew. The exit code is 1 where a bar is missed. `--ordinary` does
all the same with ordinary prompts: what is missed then too is the machine's doing. `--pause 0` lets the five do one
thing after the other as fast as they are answered, which asks how much the bot can do and not what hurts it.
"""

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.hostile.bot import BotProcess, running
from benchmarks.hostile.people import PAUSE_SECONDS, Bystander, Crowd, Sample
from benchmarks.hostile.prompts import hostile_prompts, ordinary_prompts
from playground import Playground

SAMPLES = 300
MOST_SECONDS = 0.5  # until the first answer, for 99 of 100
BOT_MEGABYTES, ENGINE_MEGABYTES = 50, 300
MEGABYTE = 1e6


@dataclass
class Outcome:
    """What was measured."""

    samples: list[Sample] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    bot_growth: float = 0.0
    engine_growth: float = 0.0
    engines: int = 0
    ended: bool = False
    complete: bool = False

    @property
    def p99(self) -> float:
        """Seconds within which 99 of 100 first answers came."""
        return _percentiles([each.seconds for each in self.samples])[1]

    @property
    def holds(self) -> bool:
        """Whether every bar is met."""
        quick = len(self.samples) >= SAMPLES and self.p99 <= MOST_SECONDS
        small = self.bot_growth <= BOT_MEGABYTES and self.engine_growth <= ENGINE_MEGABYTES
        return self.complete and not self.ended and quick and small


async def measure(
    folder: Path, crowd_of: Callable[[Playground], Crowd], minutes: float, progress: Progress, log: Path
) -> Outcome:
    """Runs bot, crowd and bystander.

    Args:
        folder: The bot's data folder, with the models in it.
        crowd_of: Makes the crowd for a playground.
        minutes: After so long it ends, whatever was sent by then.
        progress: Shows how far it has come.
        log: Where the bot's log goes.
    """
    async with Playground() as playground, running(playground, folder, log) as bot:
        crowd, bystander = crowd_of(playground), Bystander(playground)
        warming = progress.add_task("warming up", total=None)
        await crowd.prepare()
        await bystander.warm_up()
        bot.settle()
        progress.remove_task(warming)
        outcome = Outcome()
        outcome.complete = await _attack(crowd, bystander, bot, minutes, progress)
        outcome.samples, outcome.outcomes, outcome.ended = bystander.samples, dict(crowd.outcomes), bot.ended
        outcome.unanswered = crowd.unanswered
        outcome.bot_growth, outcome.engine_growth = bot.bot_growth / MEGABYTE, bot.engine_growth / MEGABYTE
        outcome.engines = bot.lives
        return outcome


async def _attack(crowd: Crowd, bystander: Bystander, bot: BotProcess, minutes: float, progress: Progress) -> bool:
    """Goes on until every prompt was sent and there are samples enough; False where the time did not suffice."""
    sent = progress.add_task("prompts", total=crowd.size)
    answers = progress.add_task("answers", total=SAMPLES)

    async def show() -> None:
        while not bot.ended:
            progress.update(sent, completed=crowd.sent)
            progress.update(answers, completed=len(bystander.samples))
            await asyncio.sleep(0.2)

    async def rounds() -> None:
        await crowd.round()
        while len(bystander.samples) < SAMPLES:
            progress.update(sent, total=crowd.sent + crowd.size)
            await crowd.round()

    beside = [asyncio.create_task(each) for each in (bot.watch(), bystander.use(crowd))]
    attacking, showing = asyncio.create_task(rounds()), asyncio.create_task(show())
    await asyncio.wait({attacking, showing}, timeout=60 * minutes, return_when=asyncio.FIRST_COMPLETED)
    complete = attacking.done() and attacking.exception() is None
    for each in (attacking, showing, *beside):
        each.cancel()
    found = await asyncio.gather(attacking, showing, *beside, return_exceptions=True)
    for error in found:
        if isinstance(error, Exception):
            raise error
    return complete


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return cuts[49], cuts[98]


def report(outcome: Outcome, console: Console) -> None:
    """Prints what was measured, each figure with its bar."""
    table = Table("first answers", "number", "p50", "p99", "longest", title="Another person waits for")
    for kind in ("autocomplete", "command", "picture", None):
        seconds = [each.seconds for each in outcome.samples if kind in {each.kind, None}]
        if len(seconds) > 1:
            p50, p99 = _percentiles(seconds)
            row = (f"{p50 * 1000:.0f} ms", f"{p99 * 1000:.0f} ms", f"{max(seconds) * 1000:.0f} ms")
            table.add_row(kind or "all", str(len(seconds)), *row)
    console.print(table)
    bars = Table("", "measured", "bar", title="Bars")
    bars.add_row("first answer, p99", f"{outcome.p99 * 1000:.0f} ms", f"{MOST_SECONDS * 1000:.0f} ms")
    bars.add_row("samples", str(len(outcome.samples)), f"at least {SAMPLES}")
    bars.add_row("growth of the bot's process", f"{outcome.bot_growth:.0f} MB", f"{BOT_MEGABYTES} MB")
    bars.add_row("growth of the engine's process", f"{outcome.engine_growth:.0f} MB", f"{ENGINE_MEGABYTES} MB")
    bars.add_row("every prompt sent in time", "yes" if outcome.complete else "no", "yes")
    bars.add_row("the bot lives", "no" if outcome.ended else "yes", "yes")
    console.print(bars)
    console.print(f"prompts: {outcome.outcomes}; engine processes: {outcome.engines}", highlight=False)
    load = psutil.getloadavg()[0] / (psutil.cpu_count() or 1)
    console.print(f"processes of the whole machine that want each processor, last minute: {load:.1f}", highlight=False)
    if outcome.unanswered:
        console.print(f"not answered: {', '.join(outcome.unanswered)}")
    slowest = sorted(outcome.samples, key=lambda each: -each.seconds)[:5]
    for each in slowest:
        console.print(f"{each.seconds * 1000:.0f} ms: {each.kind} {each.what}, after {each.beside or 'nothing'}")


def main() -> None:
    """Reads the options, runs, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="end after so long")
    parser.add_argument("--log", type=Path, help="keep the bot's log in this file")
    parser.add_argument("--pause", type=float, default=PAUSE_SECONDS, help="seconds between what one person does")
    parser.add_argument("--ordinary", action="store_true", help="send ordinary prompts instead, for comparison")
    arguments = parser.parse_args()
    prompts = ordinary_prompts() if arguments.ordinary else hostile_prompts()

    def crowd_of(playground: Playground) -> Crowd:
        return Crowd(playground, prompts, arguments.pause)

    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        subprocess.run([sys.executable, "-m", "benchmarks.hostile.models", str(home / "models")], check=True)  # noqa: S603
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            outcome = asyncio.run(measure(home, crowd_of, arguments.minutes, progress, home / "bot.log"))
        if arguments.log is not None:
            shutil.copyfile(home / "bot.log", arguments.log)
    report(outcome, console)
    sys.exit(0 if outcome.holds else 1)


if __name__ == "__main__":
    main()
