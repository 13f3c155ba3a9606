"""What people do: use commands and components, fill in modals, react, write and delete."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playground.events.broadcast import Broadcast
from playground.events.portrait import Portrait, may_delete
from playground.payloads.components import BUTTON, LINK_STYLE, SELECTS
from playground.payloads.compose import fill
from playground.payloads.modals import selected, submitted
from playground.payloads.options import filled_in, half_filled_in
from playground.payloads.resolved import Impossible, Resolved
from playground.state.commands import MESSAGE_MENU, SLASH, USER_MENU, allowed
from playground.state.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL_SUBMIT, Interaction
from playground.state.limits import ACK_SECONDS, TOKEN_SECONDS
from playground.state.messages import Channel, Message, walk
from playground.state.people import Person
from playground.state.wire import UploadedFile
from playground.state.world import World

NO_ANSWER = "The bot did not answer within 3 seconds."
MOST_REACTIONS = 20


@dataclass(frozen=True)
class Place:
    """Who does something where, with which files."""

    person: Person
    channel: Channel
    files: list[UploadedFile] = field(default_factory=list)


class Actions:
    """Does for a person what Discord's own client does, and refuses what that one would refuse.

    All of them raise Impossible where it refuses, with a sentence for people.
    """

    def __init__(self, world: World, broadcast: Broadcast, for_bot: Portrait) -> None:
        self._world = world
        self._broadcast = broadcast
        self._for_bot = for_bot

    def commands_of(self, person: Person) -> list[dict[str, Any]]:
        """Lists the commands a person may use, each with the channels where."""
        channels = self._world.channels_of(person)
        places = [
            (command, [str(each.id) for each in channels if allowed(command, person, each)])
            for command in self._world.commands.everything()
        ]
        return [{**command, "channels": where} for command, where in places if where]

    def command(self, place: Place, command_id: int, path: Sequence[str], values: dict[str, Any]) -> Interaction:
        """Uses a slash command."""
        command = self._allowed(place, command_id, SLASH)
        resolved = self._resolved(place)
        options = filled_in(command, path, values, resolved)
        data = {"id": command["id"], "name": command["name"], "type": SLASH, "options": options}
        return self._begin(COMMAND, place, resolved.added_to(self._scoped(command, data)))

    def autocomplete(
        self, place: Place, command_id: int, path: Sequence[str], values: dict[str, Any], focused: str
    ) -> Interaction:
        """Types into an option; the bot's choices come to lie in what is returned."""
        command = self._allowed(place, command_id, SLASH)
        options = half_filled_in(command, path, values, focused)
        data = {"id": command["id"], "name": command["name"], "type": SLASH, "options": options}
        return self._begin(AUTOCOMPLETE, place, self._scoped(command, data))

    def menu(self, place: Place, command_id: int, target: int) -> Interaction:
        """Uses a context-menu command on a message or a person."""
        command = self._world.commands.find(command_id)
        kind = MESSAGE_MENU if command is not None and command["type"] == MESSAGE_MENU else USER_MENU
        command = self._allowed(place, command_id, kind)
        resolved = self._resolved(place)
        if kind == MESSAGE_MENU:
            message = self.message(place.person, place.channel, target)
            resolved.message(target, self._for_bot.message(message, self._world.bot))
        else:
            resolved.user(target)
        data = {"id": command["id"], "name": command["name"], "type": kind, "target_id": str(target)}
        return self._begin(COMMAND, place, resolved.added_to(self._scoped(command, data)))

    def component(self, place: Place, message_id: int, custom_id: str, values: list[Any]) -> Interaction:
        """Presses a button or chooses in a select."""
        message = self.message(place.person, place.channel, message_id)
        component = _component(message, custom_id)
        data = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
        resolved = self._resolved(place)
        if component["type"] in SELECTS:
            data["values"] = selected(component, values, resolved)
        return self._begin(COMPONENT, place, resolved.added_to(data), source=message)

    def modal(self, place: Place, opener_id: int, values: dict[str, Any]) -> Interaction:
        """Sends in a modal that the bot opened for this person."""
        found = [each for each in self._world.interactions.values() if each.id == opener_id]
        opener = found[0] if found else None
        if opener is None or opener.modal is None or opener.user is not place.person:
            raise Impossible("This form is not open.")
        if self._world.clock.age(opener.at) > TOKEN_SECONDS:
            raise Impossible("This form was open for more than 15 minutes; open it anew.")
        there = Place(place.person, opener.channel, place.files)
        data = submitted(opener.modal, values, self._resolved(there))
        return self._begin(MODAL_SUBMIT, there, data, source=opener.source, opener=opener)

    def write(self, place: Place, content: str) -> Message:
        """Writes a message."""
        allowed_here = place.person.permissions
        if place.channel.guild_id is not None and not allowed_here.send_messages:
            raise Impossible("You may not write here.")
        message = self._world.new_message(place.channel, place.person)
        fill(self._world, message, {"content": content}, place.files)
        place.channel.add(message)
        self._broadcast.message_created(message)
        return message

    def delete(self, person: Person, channel: Channel, message_id: int) -> None:
        """Deletes a message for everybody, or dismisses one that only this person sees."""
        message = self.message(person, channel, message_id)
        if not message.ephemeral and not may_delete(message, person):
            raise Impossible("You may not delete this message.")
        message.deleted = True
        self._world.cdn.forget(message.attachments)
        self._broadcast.message_deleted(message)

    def react(self, person: Person, message: Message, emoji: str, *, add: bool) -> None:
        """Adds a reaction or takes one's own away."""
        if message.ephemeral:
            raise Impossible("Messages that only you see take no reactions.")
        people = message.reactions.get(emoji, [])
        if add == (person in people):
            return
        if add:
            if not people and (len(message.reactions) >= MOST_REACTIONS or not person.permissions.add_reactions):
                raise Impossible("You may not add another reaction here.")
            message.reactions.setdefault(emoji, []).append(person)
        else:
            people.remove(person)
            if not people:
                del message.reactions[emoji]
        self._broadcast.reacted(message, person, emoji, added=add)

    def message(self, person: Person, channel: Channel, message_id: int) -> Message:
        """Returns a message that a person sees."""
        message = channel.messages.get(message_id)
        if message is None or message.deleted or not message.seen_by(person):
            raise Impossible("This message is gone.")
        return message

    def _allowed(self, place: Place, command_id: int, kind: int) -> dict[str, Any]:
        command = self._world.commands.find(command_id)
        if command is None or command["type"] != kind:
            raise Impossible("This command is outdated; the bot has registered its commands anew.")
        if not allowed(command, place.person, place.channel):
            raise Impossible(f"You may not use {command['name']} here.")
        return command

    def _resolved(self, place: Place) -> Resolved:
        return Resolved(self._world, place.channel, place.files)

    def _scoped(self, command: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        return data | ({"guild_id": command["guild_id"]} if "guild_id" in command else {})

    def _begin(
        self,
        kind: int,
        place: Place,
        data: dict[str, Any],
        *,
        source: Message | None = None,
        opener: Interaction | None = None,
    ) -> Interaction:
        number, now = self._world.snowflake(), self._world.clock.now()
        loop = asyncio.get_running_loop()
        interaction = Interaction(
            number, f"token-{number}", kind, place.person, place.channel, data, now, loop.time(), source, opener
        )
        self._world.remember(interaction)
        self._broadcast.interaction(interaction)
        loop.call_later(ACK_SECONDS, self._miss, interaction)
        return interaction

    def _miss(self, interaction: Interaction) -> None:
        if interaction.acked is None and interaction.kind != AUTOCOMPLETE:
            news = {"type": "interaction_failed", "interaction_id": str(interaction.id), "text": NO_ANSWER}
            self._broadcast.to_person(interaction.user, news)


def _component(message: Message, custom_id: str) -> dict[str, Any]:
    for component in walk(message.components):
        if component.get("custom_id") == custom_id:
            if component.get("disabled"):
                raise Impossible("This is switched off.", custom_id)
            if component["type"] == BUTTON and component.get("style") == LINK_STYLE:
                raise Impossible("This is a link.", custom_id)
            return component
    raise Impossible("This message has no such button or select any more.", custom_id)
