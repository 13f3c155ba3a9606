"""Kills the bot again and again while it works, and counts what becomes of its jobs.

`python -m benchmarks.chaos --kills 1000` (about 50 minutes on two cores) kills a bot process at random steps of
painting, keeping and posting; each dead bot's job is taken up by the next one. It prints how many were posted once,
more than once, or not at all, and ends with code 1 unless every one was posted exactly once.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.storm import Kill, Storm
from tests.fakes import model_files
from tests.loopback import LoopbackDiscord


async def storm(kills: int, seed: int) -> tuple[int, Counter[int], int]:
    """Returns how many bots died, how many jobs were posted how often, and how many answers were left thinking."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    with tempfile.TemporaryDirectory() as folder:
        async with LoopbackDiscord() as discord:
            model_files(Path(folder) / "models", "tiny")
            raging = Storm(discord, Path(folder))
            steps = {late: await raging.steps(late=late) for late in (False, True)}
            chosen = [draw.random() < 0.5 for _ in range(kills)]
            await raging.rage([Kill(draw.randint(1, steps[late]), late) for late in chosen])
            times = Counter(len(raging.posted(job)) for job in raging.jobs)
            return raging.kills, times, len(raging.left_thinking())


def main() -> None:
    """Runs the storm and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    died, times, thinking = asyncio.run(storm(arguments.kills, arguments.seed))
    table = Table("what", "number", title=f"{died} bots killed at random steps, seed {arguments.seed}")
    table.add_row("jobs", str(times.total()))
    table.add_row("posted exactly once", str(times[1]))
    table.add_row("not posted", str(times[0]))
    table.add_row("posted more than once", str(times.total() - times[0] - times[1]))
    table.add_row("answers left thinking", str(thinking))
    Console().print(table)
    sys.exit(0 if times[1] == times.total() and not thinking else 1)


if __name__ == "__main__":
    main()
