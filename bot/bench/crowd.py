"""A Discord with people on it, in a process of its own: what the bot is measured with takes none of the bot's time.

`python -m bot.bench.crowd` reads orders and writes answers, one JSON object a line:

    {"api_url": ..., "token": ...}                          said first
    {"wait": "online"}                                      -> {"online": true}, once the bot is there with its commands
    {"send": {"commands": 10, "steps": 6, "side": 128}}     -> {"answered": [seconds, ...]}, once all were acknowledged,
                                                               {"posted": [clock, ...]}, once all pictures are there

Clocks are of time.perf_counter, which all processes of a machine share. It ends with its input.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playground import Playground
from playground.events.actions import Place
from playground.state.interactions import Interaction

LOOK_SECONDS = 0.25  # what changes without a word is seen this soon
EACH = 5  # commands of one person: so many may wait
PROMPT, CFG = "a red apple", 7


class Crowd:
    """The people on a playground.

    Args:
        playground: The Discord they are on.
    """

    def __init__(self, playground: Playground) -> None:
        self._playground = playground
        self._changed = asyncio.Event()
        playground.world.on_change = self._changed.set

    @property
    def sees_the_bot(self) -> bool:
        """Whether the bot is there, with its commands."""
        return self._playground.gateway.online and bool(self._playground.world.commands.names())

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until something has happened."""
        while not happened():
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK_SECONDS)

    def send(self, commands: int, steps: int, side: int) -> list[Interaction]:
        """Lets people use /imagine."""
        world = self._playground.world
        command = next(each for each in world.commands.everything() if each["name"] == "imagine")
        options = {"prompt": PROMPT, "steps": steps, "cfg": CFG, "sampler": "euler", "scheduler": "karras"}
        options |= {"width": side, "height": side}
        people = [world.person(f"person-{number}") for number in range(1 + commands // EACH)]
        places = [Place(people[number % len(people)], world.general) for number in range(commands)]
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


async def serve() -> None:
    """Does what it is ordered to, until its input ends."""
    async with Playground() as playground:
        crowd = Crowd(playground)
        _say({"api_url": playground.api_url, "token": playground.world.token})
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            if "send" not in order:
                await crowd.until(lambda: crowd.sees_the_bot)
                _say({"online": True})
                continue
            sent = crowd.send(**order["send"])
            await crowd.until(lambda sent=sent: all(each.acked is not None for each in sent))  # type: ignore[misc]
            _say({"answered": [each.ack_seconds for each in sent]})
            _say({"posted": await crowd.all_posted(sent)})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve())
