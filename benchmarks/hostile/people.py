"""Who takes part: a crowd that sends hostile prompts, and one person who uses the bot as people do."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from benchmarks.hostile.prompts import LORA, TEMPLATE, TEMPLATES, Hostile
from playground import Playground
from playground.events.actions import Place
from playground.payloads.resolved import Impossible
from playground.state.interactions import Interaction
from playground.state.messages import Message
from playground.state.people import Person

ATTACKERS = 5
SIZE = {"width": 256, "height": 256}
STEPS = 6
ANSWER_SECONDS = 60.0  # what takes longer counts as so long
PICTURE_SECONDS = 120.0
EVERY_SECONDS = 0.2
PAUSE_SECONDS = 0.5  # between two things that one hostile person does: what they send is to hurt, not how often
FORM_CHARACTERS = 4000
_JOB = re.compile(r"easel:reroll:([0-9a-z]{10}):")


class Desk:
    """One person in front of the playground.

    Args:
        playground: The playground.
        name: Theirs.
        pause: Seconds from one thing they do to the next, at least.
    """

    def __init__(self, playground: Playground, name: str, pause: float = 0.0) -> None:
        self.person: Person = playground.world.person(name)
        self._playground = playground
        self._pause = pause
        self._not_before = 0.0

    async def command(self, name: str, options: dict[str, Any] | None = None) -> Interaction:
        """Uses a command and waits for the first answer."""
        await self._turn()
        command, *path = name.split()
        sent = self._playground.actions.command(self._place, self._id(command), path, options or {})
        return await answered(sent)

    async def autocomplete(self, name: str, focused: str, typed: str) -> Interaction:
        """Types into an option and waits for what is offered."""
        await self._turn()
        return await answered(
            self._playground.actions.autocomplete(self._place, self._id(name), [], {focused: typed}, focused)
        )

    async def press(self, message: Message, emoji: str) -> Interaction:
        """Presses a button and waits for the first answer."""
        await self._turn()
        button = next(each for each in message.buttons() if (each.get("emoji") or {}).get("name") == emoji)
        return await answered(self._playground.actions.component(self._place, message.id, button["custom_id"], []))

    async def send_in(self, opener: Interaction, values: dict[str, Any]) -> Interaction:
        """Sends a form in and waits for the first answer."""
        await self._turn()
        return await answered(self._playground.actions.modal(self._place, opener.id, values))

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        begins = max(now, self._not_before)
        self._not_before = begins + self._pause
        await asyncio.sleep(begins - now)

    @property
    def _place(self) -> Place:
        return Place(self.person, self._playground.world.general)

    def _id(self, name: str) -> int:
        commands = self._playground.world.commands.everything()
        return next(int(each["id"]) for each in commands if each["name"] == name)


async def answered(sent: Interaction) -> Interaction:
    """Waits for the first answer, but not for ever."""
    with suppress(TimeoutError):
        await asyncio.wait_for(sent.answered.wait(), ANSWER_SECONDS)
    return sent


async def picture(sent: Interaction) -> Message | None:
    """Waits for the picture; None where there will be none, or none for long."""
    until = asyncio.get_running_loop().time() + PICTURE_SECONDS
    while asyncio.get_running_loop().time() < until:
        shown = sent.original
        if shown is not None and job_of(shown):
            return shown
        if sent.acked is not None and not sent.deferred and (shown is None or shown.deleted or shown.ephemeral):
            return None
        await asyncio.sleep(0.1)
    return None


def job_of(message: Message) -> str:
    """Returns the id of the job whose result a message shows; "" where it shows none."""
    found = (_JOB.match(each["custom_id"]) for each in message.buttons())
    return next((each[1] for each in found if each), "")


class Crowd:
    """People who send hostile prompts, look at them, list them, edit them, and have them painted again.

    Args:
        playground: The playground.
        prompts: What they send.
        pause: Seconds from one thing that one of them does to the next, at least.

    Attributes:
        sent: How many prompts were sent.
        outcomes: What became of them.
        unanswered: What was hostile about those that got no first answer.
        newest: What was hostile about the one that was sent last.
    """

    def __init__(self, playground: Playground, prompts: Sequence[Hostile], pause: float = PAUSE_SECONDS) -> None:
        self._desks = [Desk(playground, f"hostile-{number}", pause) for number in range(ATTACKERS)]
        self._prompts = prompts
        self.sent = 0
        self.outcomes: Counter[str] = Counter()
        self.unanswered: list[str] = []
        self.newest = ""

    @property
    def size(self) -> int:
        """How many prompts a round has."""
        return len(self._prompts)

    async def prepare(self) -> None:
        """Saves the presets that some prompts name."""
        for desk in self._desks:
            for number in range(TEMPLATES):
                await desk.command("preset save", {"name": f"p{number}", "template": TEMPLATE})

    async def round(self) -> None:
        """Sends every prompt once. Each person does one thing at a time, as Discord's client lets them."""
        shares = [(desk, self._prompts[number::ATTACKERS]) for number, desk in enumerate(self._desks)]
        await asyncio.gather(*(self._attack(desk, share) for desk, share in shares))

    async def _attack(self, desk: Desk, share: Sequence[Hostile]) -> None:
        """Queues and lists all of a person's prompts, then looks at what was painted, edits it and re-rolls it."""
        orders = [(hostile, await self._order(desk, hostile)) for hostile in share]
        for hostile, ordered in orders:
            painted = await picture(ordered)
            if ordered.acked is None:
                self.unanswered.append(hostile.name)
            self.outcomes["painted" if painted is not None else "refused" if ordered.acked else "not answered"] += 1
            if painted is not None:
                await self._go_on(desk, hostile, painted)

    async def _order(self, desk: Desk, hostile: Hostile) -> Interaction:
        self.newest = hostile.name
        options = {"prompt": hostile.prompt, **SIZE, "steps": STEPS, **hostile.options}
        ordered = await desk.command("imagine", options)
        self.sent += 1
        await _each(
            lambda: desk.command("queue"),
            lambda: desk.command("history", {"text": hostile.prompt[:200]}),
            lambda: desk.command("find", {"words": hostile.prompt[:200]}),
            lambda: desk.autocomplete("imagine", "lora", hostile.prompt),
            lambda: desk.autocomplete("imagine", "extra", hostile.prompt),
            lambda: desk.autocomplete("cancel", "which", hostile.prompt[:100]),
            lambda: desk.command("imagine", {**options, "explain": True}),
        )
        return ordered

    async def _go_on(self, desk: Desk, hostile: Hostile, painted: Message) -> None:
        job = job_of(painted)
        self.newest = hostile.name
        form = await desk.press(painted, "✏️")
        if form.modal is not None:
            await desk.send_in(form, {"prompt": hostile.prompt[:FORM_CHARACTERS]})
        await _each(
            lambda: desk.press(painted, "🔄"),
            lambda: desk.press(painted, "ℹ️"),
            lambda: desk.command("show", {"id": job}),
            lambda: desk.command("tree", {"id": job}),
            lambda: desk.command("queue"),
        )


async def _each(*steps: Callable[[], Awaitable[object]]) -> None:
    """Takes steps one after the other; what Discord's own client would not send is left out."""
    for step in steps:
        try:
            await step()
        except Impossible:
            continue


@dataclass(frozen=True)
class Sample:
    """How long one answer took, and what was hostile about the newest prompt when it was asked for."""

    kind: str
    what: str
    seconds: float
    beside: str


def what_of(sent: Interaction) -> str:
    """Names a command, and the option that is typed into."""
    focused = [option["name"] for option in sent.data["options"] if option.get("focused")]
    return " ".join([f"/{sent.data['name']}", *focused])


class Bystander:
    """A person who uses the bot as people do, at a steady pace whether it answers or not.

    Attributes:
        samples: How long each answer took.
    """

    def __init__(self, playground: Playground) -> None:
        self._desk = Desk(playground, "bystander")
        self._asking: set[asyncio.Task[None]] = set()
        self.samples: list[Sample] = []
        draft = {"prompt": "a red apple", **SIZE, "steps": 1}
        desk = self._desk
        self._deeds: list[tuple[str, Callable[[], Awaitable[Interaction]]]] = [
            ("autocomplete", lambda: desk.autocomplete("imagine", "model", "ti")),
            ("command", lambda: desk.command("queue")),
            ("autocomplete", lambda: desk.autocomplete("imagine", "sampler", "eu")),
            ("command", lambda: desk.command("history")),
            ("autocomplete", lambda: desk.autocomplete("show", "id", "apple")),
            ("command", lambda: desk.command("info")),
            ("autocomplete", lambda: desk.autocomplete("imagine", "preset", "p")),
            ("command", lambda: desk.command("find", {"words": "apple"})),
            ("autocomplete", lambda: desk.autocomplete("imagine", "lora", LORA[:1])),
            ("picture", lambda: desk.command("imagine", draft)),
        ]

    async def warm_up(self) -> None:
        """Does everything once, and has pictures painted that take as much memory as is usual."""
        for _, deed in self._deeds:
            await deed()
        await self._desk.command("imagine", {"prompt": "a red apple", "explain": True})  # loads a vocabulary
        rows = " BREAK ".join(["a red apple"] * 20)
        long = f"<lora:{LORA}:0.5> {rows}"
        options = {"negative": rows, **SIZE, "steps": STEPS}
        for prompt in (rows, long):
            orders = [await self._desk.command("imagine", {"prompt": prompt, **options}) for _ in range(3)]
            await asyncio.gather(*(picture(order) for order in orders))

    async def use(self, crowd: Crowd) -> None:
        """Uses the bot until it is cancelled."""
        try:
            while True:
                kind, deed = self._deeds[len(self.samples) % len(self._deeds)]
                asking = asyncio.create_task(self._time(kind, deed, crowd.newest))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            await asyncio.gather(*self._asking)

    async def _time(self, kind: str, deed: Callable[[], Awaitable[Interaction]], beside: str) -> None:
        sent = await deed()
        seconds = ANSWER_SECONDS if sent.acked is None else sent.ack_seconds
        self.samples.append(Sample(kind, what_of(sent), seconds, beside))
