"""The playground as tests use it: people by name, commands by name, and waiting until something has happened."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from playground import Playground
from playground.events.actions import Place
from playground.events.portrait import Portrait
from playground.state.clock import Clock
from playground.state.commands import CommandBook
from playground.state.interactions import Interaction
from playground.state.messages import Channel, Message
from playground.state.people import Person
from playground.state.wire import UploadedFile
from tests.loopback.schemas import Schemas

PATIENCE = 60.0  # seconds that something may take on a busy machine

Values = dict[str, Any]


class LoopbackDiscord(Playground):
    """A playground whose traffic is compared with Discord's own descriptions.

    Attributes:
        schemas: How often that was done, and what deviated.
    """

    def __init__(self) -> None:
        self.schemas = Schemas()
        super().__init__(token="loopback-token", observer=self.schemas)
        self._changed = asyncio.Event()
        self.world.on_change = self._changed.set

    @property
    def token(self) -> str:
        return self.world.token

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def bot(self) -> Person:
        return self.world.bot

    @property
    def people(self) -> dict[str, Person]:
        return self.world.people

    @property
    def general(self) -> Channel:
        return self.world.general

    @property
    def nsfw(self) -> Channel:
        return self.world.nsfw

    @property
    def gallery(self) -> Channel:
        return self.world.gallery

    @property
    def commands(self) -> CommandBook:
        return self.world.commands

    def person(self, name: str) -> Person:
        return self.world.person(name)

    def direct_messages(self, person_id: int) -> Channel:
        return self.world.direct_messages(person_id)

    def forget_errors(self) -> None:
        """Forgets what the bot asked for in vain, where a test wanted it to."""
        self._pipeline.errors.clear()
        self.gateway.errors.clear()

    async def wait_until(self, happened: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Waits until something has happened; TimeoutError if it does not."""
        async with asyncio.timeout(seconds):
            while not happened():
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.05)

    async def ready(self, *commands: str, seconds: float = PATIENCE) -> None:
        """Waits until the bot is online and has registered its commands."""
        await asyncio.wait_for(self.gateway.identified.wait(), seconds)
        await self.wait_until(lambda: set(commands) <= self.commands.names(), seconds)

    async def slash(
        self,
        name: str,
        options: Values | None = None,
        user: Person | None = None,
        channel: Channel | None = None,
        files: Sequence[UploadedFile] = (),
    ) -> Interaction:
        """Sends a command as a person would; the bot's answers come to lie in what is returned."""
        command, *path = name.split()
        return self.actions.command(self._place(user, channel, files), self._id(command), path, options or {})

    async def menu(
        self, name: str, target: int, user: Person | None = None, channel: Channel | None = None
    ) -> Interaction:
        """Uses a context-menu command on a message or a person."""
        return self.actions.menu(self._place(user, channel), self._id(name), target)

    async def autocomplete(self, name: str, focused: str, typed: str, user: Person | None = None) -> list[str]:
        """Types into an option; returns the choices that are offered."""
        command, *path = name.split()
        place = self._place(user)
        interaction = self.actions.autocomplete(place, self._id(command), path, {focused: typed}, focused)
        await asyncio.wait_for(interaction.answered.wait(), 5)
        return [choice["value"] for choice in interaction.choices or ()]

    async def press(self, message: Message, label: str, user: Person | None = None) -> Interaction:
        """Presses a message's button, by its label or its emoji."""
        button = next(each for each in message.buttons() if label in names(each))
        return self.actions.component(self._place(user, message.channel), message.id, button["custom_id"], [])

    async def choose(
        self, message: Message, custom_id: str, values: list[str], user: Person | None = None
    ) -> Interaction:
        """Chooses in a message's select."""
        return self.actions.component(self._place(user, message.channel), message.id, custom_id, values)

    async def submit(self, opener: Interaction, values: Values, files: Sequence[UploadedFile] = ()) -> Interaction:
        """Sends in the modal that the bot opened."""
        return self.actions.modal(self._place(opener.user, opener.channel, files), opener.id, values)

    def react(self, message: Message, emoji: str, user: Person | None = None, *, add: bool = True) -> None:
        """Adds a person's reaction to a message, or takes it away."""
        self.actions.react(user or self.people["member"], message, emoji, add=add)

    def delete(self, message: Message, user: Person) -> None:
        """Deletes a message for everybody, as a person may by Discord's own menu."""
        self.actions.delete(user, message.channel, message.id)

    def restrict(self, command: str, entries: list[dict[str, Any]]) -> None:
        """Says who may use a command, as a server's admins do under Integrations."""
        settings = self.commands.restrict(self._id(command), entries)
        self.gateway.dispatch("APPLICATION_COMMAND_PERMISSIONS_UPDATE", settings)

    def letters(self, name: str) -> list[Message]:
        """Lists what the bot wrote to a person in direct messages."""
        channel = self.direct_messages(self.people[name].id)
        return [each for each in channel.messages.values() if each.author is self.bot and not each.deleted]

    def write(
        self,
        content: str,
        user: Person | None = None,
        channel: Channel | None = None,
        files: Sequence[UploadedFile] = (),
    ) -> Message:
        """Writes a message as a person."""
        return self.actions.write(self._place(user, channel, files), content)

    def delete_channel(self, channel: Channel) -> None:
        """Deletes a channel with everything in it."""
        del self.world.channels[channel.id]
        for message in channel.messages.values():
            message.deleted = True
        self.gateway.dispatch("CHANNEL_DELETE", channel.json())

    def shown(self, message: Message, user: Person | None = None) -> dict[str, Any]:
        """Returns a message as the page shows it to a person."""
        return Portrait(self.world, absolute=False).page_message(message, user or self.people["member"])

    def _place(self, user: Person | None, channel: Channel | None = None, files: Sequence[UploadedFile] = ()) -> Place:
        return Place(user or self.people["member"], channel or self.general, list(files))

    def _id(self, name: str) -> int:
        return next(int(each["id"]) for each in self.commands.everything() if each["name"] == name)


def names(button: dict[str, Any]) -> list[str]:
    """Lists what a button may be called by: its label, its emoji."""
    return [name for name in (button.get("label"), (button.get("emoji") or {}).get("name")) if name]
