"""Every button and reaction, by everybody, everywhere, on fresh and old and forgotten results: none is silent."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.services.actions.actions import FORGOTTEN
from bot.settings import Settings
from bot.ui.discord import direct_messages
from bot.ui.jobs.picture_buttons import LOOKS
from bot.ui.results.reactions import MEANINGS
from playground.state import limits
from playground.state.people import EVERYBODY, MODERATION, Person
from tests.fakes import FakeExecutor, model_files
from tests.integration.conftest import running
from tests.loopback import Channel, Interaction, LoopbackDiscord, Message

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWNER, OTHER, MODERATOR, BOT = "owner", "other", "moderator", "bot"
SERVER, DIRECT = "server", "direct"
FRESH, RESTARTED, FORGOT = "fresh", "restarted", "deleted job"


class Outcome(Enum):
    """What may come of it."""

    PICKED = "a message with the one original"
    PAINTED = "a new result for whoever acted"
    FORM = "a form, filled in"
    ZOOM_FORM = "a form with the prompt, a zoom and an aspect"
    PANEL = "the picture's parts to choose from, privately"
    CARD = "the recipe and the originals, privately"
    DELETED = "the message is gone"
    LETTER = "the originals and the recipe by direct message"
    STARRED = "a copy in the gallery"
    NOT_YOURS = "Only the person who asked for this, or a moderator, can delete it."
    NO_GALLERY = "A gallery is not available in direct messages, only on servers."
    UNKNOWN = FORGOTTEN
    NOTHING = "nothing"


BUTTONS = {
    "U1": Outcome.PICKED,
    "V2": Outcome.PAINTED,
    "🔄": Outcome.PAINTED,
    "✏️": Outcome.FORM,
    "ℹ️": Outcome.CARD,
    "❌": Outcome.DELETED,
}
ONE = {
    "Vary (Subtle)": Outcome.PAINTED, "Vary (Strong)": Outcome.PAINTED, "Upscale (2x)": Outcome.PAINTED,
    "Upscale (4x)": Outcome.PAINTED, "Zoom Out 1.5x": Outcome.PAINTED, "Zoom Out 2x": Outcome.PAINTED,
    "Custom Zoom": Outcome.ZOOM_FORM, "Vary (Region)": Outcome.PANEL,
    "Make Square": Outcome.PAINTED, "⬅️": Outcome.PAINTED, "➡️": Outcome.PAINTED,
    "⬆️": Outcome.PAINTED, "⬇️": Outcome.PAINTED,
}  # fmt: skip
REACTIONS = {
    "🔄": Outcome.PAINTED,
    "🔁": Outcome.PAINTED,
    "🎲": Outcome.PAINTED,
    "❌": Outcome.DELETED,
    "🗑️": Outcome.DELETED,
    "✉️": Outcome.LETTER,
    "⭐": Outcome.STARRED,
}
ONE_REACTIONS = {"🔍": Outcome.PAINTED}
USUAL = {True: BUTTONS | ONE, False: REACTIONS | ONE_REACTIONS}  # fmt: skip
WORDS = {Outcome.NOT_YOURS, Outcome.NO_GALLERY, Outcome.UNKNOWN}
PLACES = {SERVER: (OWNER, OTHER, MODERATOR, BOT), DIRECT: (OWNER, BOT)}


@dataclass(frozen=True)
class Case:
    """Who does what where; bots press no buttons, and nobody else is in a direct message."""

    thing: str
    button: bool
    actor: str
    place: str

    def __str__(self) -> str:
        return f"{'button' if self.button else 'reaction'} {self.thing} by {self.actor}, {self.place}"

    @property
    def result(self) -> str:
        """What it is done to: something shared, or a result of its own where it changes that."""
        usual = USUAL[self.button][self.thing]
        shared = usual not in {Outcome.DELETED, Outcome.STARRED} or self.actor == BOT
        return f"{self.place} {self.alone}" if shared else str(self)

    @property
    def alone(self) -> bool:
        """Whether it is done to a job's only picture."""
        return self.thing in ONE | ONE_REACTIONS

    def expected(self, freshness: str) -> Outcome:
        usual = USUAL[self.button][self.thing]
        if self.actor == BOT:
            return Outcome.NOTHING
        if freshness == FORGOT:
            mine = self.actor in {OWNER, MODERATOR}
            return usual if usual is Outcome.DELETED and mine else Outcome.UNKNOWN
        if usual is Outcome.DELETED and self.actor == OTHER:
            return Outcome.NOT_YOURS
        if usual is Outcome.STARRED and self.place == DIRECT:
            return Outcome.NO_GALLERY
        return usual


CASES = [
    Case(thing, button, actor, place)
    for button, things in USUAL.items()
    for thing, place in product(things, PLACES)
    for actor in PLACES[place]
    if not (button and actor == BOT)
]


class Stage:
    """Results that the cases share, and one of its own for each case that changes it."""

    def __init__(self, discord: LoopbackDiscord, executor: FakeExecutor) -> None:
        self.discord = discord
        self.executor = executor
        self.asked: dict[str, Interaction] = {}

    async def prepare(self) -> None:
        for case in CASES:
            if case.result not in self.asked:
                options = {
                    "prompt": "a cat",
                    "count": 1 if case.alone else 2,
                    "steps": 1,
                    "aspect": "3:2",
                    "width": 768,
                }
                self.asked[case.result] = await self.discord.slash("imagine", options, self.owner, self.channel(case))
        await self.discord.wait_until(lambda: all(each.pictures for each in self.asked.values()), 60)

    @property
    def owner(self) -> Person:
        return self.discord.people["member"]

    def person(self, case: Case) -> Person:
        if case.actor == OWNER:
            return self.owner
        if case.actor == BOT and case.place == DIRECT:
            return self.discord.bot
        person = self.discord.person(f"{case.actor} {CASES.index(case)}")
        person.bot = case.actor == BOT
        if case.actor == MODERATOR:
            person.permissions = EVERYBODY | MODERATION
            person.role_id = self.discord.people["moderator"].role_id
        return person

    def channel(self, case: Case) -> Channel:
        return self.discord.general if case.place == SERVER else self.discord.direct_messages(self.owner.id)

    def source(self, case: Case) -> Message:
        message = self.asked[case.result].original
        assert message is not None
        return message

    async def act(self, case: Case) -> "Scene":
        scene = Scene(self, case)
        if case.button:
            scene.press = await self.discord.press(scene.source, case.thing, scene.actor)
        else:
            self.discord.react(scene.source, case.thing, scene.actor)
        return scene


class Scene:
    """One case being played: who, and what has come since it began."""

    def __init__(self, stage: Stage, case: Case) -> None:
        self.discord = stage.discord
        self.actor = stage.person(case)
        self.source = stage.source(case)
        self.channel = stage.channel(case)
        self.private = None if self.actor.bot else self.discord.direct_messages(self.actor.id)
        self.press: Interaction | None = None
        self._before = self._all()

    def _all(self) -> set[Message]:
        places = {self.channel, self.discord.gallery, self.private or self.channel}
        return {message for place in places for message in place.messages.values()}

    def news(self, channel: Channel | None) -> list[Message]:
        """Lists what the bot has posted since: in order, and without what only one person sees."""
        new = self._all() - self._before
        return sorted((each for each in new if each.channel is channel and not each.ephemeral), key=lambda new: new.id)

    def came_to(self, expected: Outcome) -> bool:
        """Whether it has come to that."""
        if expected in WORDS:
            return self.words() == [expected.value] and not self.source.deleted
        return CHECKS[expected](self)

    def words(self) -> list[str]:
        if self.press is not None:
            return self.press.private_texts
        return [each.content for each in self.news(self.private)]


def painted(scene: Scene) -> bool:
    new = scene.news(scene.channel)[-1:]
    return any(each.attachments and f"<@{scene.actor.id}>" in each.content and each.buttons() for each in new)


def carded(scene: Scene) -> bool:
    press = scene.press
    return press is not None and bool(press.pictures) and "/imagine prompt:a cat" in press.private_texts[0]


def formed(scene: Scene, title: str, fields: int) -> bool:
    modal = None if scene.press is None else scene.press.modal
    return modal is not None and modal["title"] == title and len(modal["components"]) == fields


def opened(scene: Scene) -> bool:
    press = scene.press
    return press is not None and bool(press.pictures) and press.private_texts[0].startswith("## Vary (Region)")


def lettered(scene: Scene) -> bool:
    return [len(each.attachments) for each in scene.news(scene.private)] == [2]


def starred(scene: Scene) -> bool:
    return any(each.content.endswith(f"/{scene.source.id}") for each in scene.news(scene.discord.gallery))


CHECKS: dict[Outcome, Callable[[Scene], bool]] = {
    Outcome.PICKED: lambda scene: painted(scene) and "Image #1" in scene.news(scene.channel)[-1].content,
    Outcome.PAINTED: painted,
    Outcome.FORM: lambda scene: formed(scene, "Change and paint again", 5),
    Outcome.CARD: carded,
    Outcome.PANEL: opened,
    Outcome.ZOOM_FORM: lambda scene: formed(scene, "Custom Zoom", 3),
    Outcome.LETTER: lettered,
    Outcome.STARRED: starred,
    Outcome.DELETED: lambda scene: scene.source.deleted,
}


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[FRESH, pytest.param(RESTARTED, marks=pytest.mark.ci), pytest.param(FORGOT, marks=pytest.mark.ci)],
)
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    data = tmp_path_factory.mktemp("matrix")
    model_files(data / "models", "tiny")
    executor = FakeExecutor()
    async with LoopbackDiscord() as discord, AsyncExitStack() as stack:
        settings = Settings(
            discord_token=SecretStr(discord.token),
            discord_api_url=discord.api_url,
            data_dir=data,
            model="tiny",
            default_steps=1,
            variations=2,
            show_reroll=False,  # a quarter of a second each
            max_waiting=100,
            grace_seconds=0,
        )
        monkeypatch = stack.enter_context(pytest.MonkeyPatch.context())
        monkeypatch.setattr(direct_messages, "ONCE_SECONDS", -1.0)  # the owner is told the same in many cases
        monkeypatch.setattr(limits, "_kind", lambda _method, _route: ("all", 10_000, 1.0))  # so many acts at once
        stage = Stage(discord, executor)
        process = await stack.enter_async_context(AsyncExitStack())
        await process.enter_async_context(running(discord, settings, executor))
        await stage.prepare()
        if request.param == RESTARTED:
            await process.aclose()
            stage.executor = FakeExecutor()
            await process.enter_async_context(running(discord, settings, stage.executor))
        if request.param == FORGOT:
            await asyncio.to_thread(_forget_all_jobs, data / "easel.db")  # the bot may be writing on this very loop
        yield stage
        assert discord.errors == []
        assert discord.schemas.deviations == []


def _forget_all_jobs(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("DELETE FROM jobs")


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_it_ends_as_promised(stage: Stage, case: Case, request: pytest.FixtureRequest) -> None:
    expected = case.expected(request.node.callspec.params["stage"])

    scene = await stage.act(case)

    if expected is Outcome.NOTHING:
        await nothing(stage, scene)
    else:
        await stage.discord.wait_until(lambda: scene.came_to(expected))
        assert scene.press is None or scene.press.ack_seconds < 3


async def nothing(stage: Stage, scene: Scene) -> None:
    """What comes after a bot's reaction has its effect; the reaction itself has none."""
    requests = len(stage.executor.requests)
    later = await stage.discord.slash("queue", {}, stage.owner, scene.channel)
    await stage.discord.wait_until(lambda: bool(later.private_texts and later.private_texts[0]))

    assert len(stage.executor.requests) == requests
    assert not scene.source.deleted
    assert scene.news(scene.channel) == []
    assert scene.news(stage.discord.gallery) == []


async def test_the_matrix_knows_every_reaction() -> None:
    assert {thing.replace("\ufe0f", "") for thing in USUAL[False]} == set(MEANINGS)


async def test_the_matrix_knows_every_button() -> None:
    known = {thing[:1] if thing[1:].isdigit() else thing for thing in USUAL[True]}

    assert known == {look.emoji or (look.label or "").removesuffix("{}") for look in LOOKS.values()}
