"""News: every change in the playground, told to the bot through the gateway and to people through the page."""

from collections.abc import Callable
from typing import Any, Protocol

import discord

from playground.events.gateway import Gateway
from playground.events.portrait import Portrait, emoji_json, reactions
from playground.state.interactions import Interaction
from playground.state.messages import Channel, Message
from playground.state.people import Person
from playground.state.world import World

_INTENTS = {
    "MESSAGE": (discord.Intents(guild_messages=True), discord.Intents(dm_messages=True)),
    "REACTION": (discord.Intents(guild_reactions=True), discord.Intents(dm_reactions=True)),
}
_GUILDS = discord.Intents(guilds=True).value
_CONTENT = discord.Intents(message_content=True).value


class Listener(Protocol):
    """One open page, as far as news go."""

    person: Person

    def push(self, news: dict[str, Any]) -> None:
        """Takes a piece of news."""


class Broadcast:
    """Tells everybody what they may know.

    Args:
        world: The state.
        gateway: Where the bot listens.
        for_bot: Draws messages for the bot.
        for_page: Draws messages for the page.

    Attributes:
        on_channels: Called after there is a channel more.
    """

    def __init__(self, world: World, gateway: Gateway, for_bot: Portrait, for_page: Portrait) -> None:
        self._world = world
        self._gateway = gateway
        self._for_bot = for_bot
        self._for_page = for_page
        self.listeners: set[Listener] = set()
        self.on_channels: Callable[[], None] = lambda: None
        gateway.on_presence = lambda: self._tell_all({"type": "online", "online": gateway.online})

    def message_created(self, message: Message) -> None:
        """Tells of a new message."""
        self._message("MESSAGE_CREATE", "message", message)

    def thread_opened(self, thread: Channel, message: Message) -> None:
        """Tells of a new thread under a message."""
        self._gateway.dispatch("THREAD_CREATE", {**thread.json(), "newly_created": True}, _GUILDS)
        self.message_updated(message)
        self.on_channels()

    def message_updated(self, message: Message) -> None:
        """Tells of a message that changed."""
        self._message("MESSAGE_UPDATE", "message_update", message)

    def message_deleted(self, message: Message) -> None:
        """Tells of a message that is gone."""
        place = {"channel_id": str(message.channel.id)}
        if not message.ephemeral:
            self._dispatch("MESSAGE_DELETE", "MESSAGE", message, {**place, "id": str(message.id)})
        news = {"type": "message_delete", **place, "message_id": str(message.id)}
        self._tell(message, lambda _person: news)

    def reacted(self, message: Message, person: Person, emoji: str, *, added: bool) -> None:
        """Tells of a reaction that came or went."""
        data: dict[str, Any] = {
            "user_id": str(person.id), "channel_id": str(message.channel.id), "message_id": str(message.id),
            "emoji": emoji_json(emoji), "burst": False, "type": 0,
        }  # fmt: skip
        if added:
            data["message_author_id"] = str(message.author.id)
            if message.channel.guild_id is not None:
                data["member"] = person.full_member_json()
        self._dispatch(f"MESSAGE_REACTION_{'ADD' if added else 'REMOVE'}", "REACTION", message, data)
        self._tell_reactions(message)

    def reactions_cleared(self, message: Message, emoji: str | None) -> None:
        """Tells that all reactions are gone, or all with one emoji."""
        data: dict[str, Any] = {"channel_id": str(message.channel.id), "message_id": str(message.id)}
        if emoji is None:
            self._dispatch("MESSAGE_REACTION_REMOVE_ALL", "REACTION", message, data)
        else:
            data["emoji"] = emoji_json(emoji)
            self._dispatch("MESSAGE_REACTION_REMOVE_EMOJI", "REACTION", message, data)
        self._tell_reactions(message)

    def interaction(self, interaction: Interaction) -> None:
        """Tells the bot what a person did."""
        source = interaction.source
        message = None if source is None else self._for_bot.message(source, self._world.bot)
        permissions = self._world.bot.permissions.value
        self._gateway.dispatch("INTERACTION_CREATE", interaction.event(permissions, self._world.bot.id, message))

    def to_person(self, person: Person, news: dict[str, Any]) -> None:
        """Tells one person something."""
        for listener in self.listeners:
            if listener.person is person:
                listener.push(news)

    def commands_changed(self, commands_of: Callable[[Person], list[dict[str, Any]]]) -> None:
        """Tells everybody which commands they have now."""
        for listener in self.listeners:
            listener.push({"type": "commands", "commands": commands_of(listener.person)})
        self._world.on_change()

    def typing(self, channel_id: int, person: Person) -> None:
        """Tells that somebody writes."""
        news = {"type": "typing", "channel_id": str(channel_id), "user_id": str(person.id)}
        channel = self._world.channel(channel_id)
        for listener in self.listeners:
            if channel.recipient in {None, listener.person}:
                listener.push(news)

    def _message(self, event: str, news_type: str, message: Message) -> None:
        if not message.ephemeral:
            data = {**self._for_bot.message(message, self._world.bot), **self._author(message)}
            self._dispatch(event, "MESSAGE", message, self._veiled(message, data))
        self._tell(message, lambda person: {"type": news_type, "message": self._for_page.page_message(message, person)})

    def _author(self, message: Message) -> dict[str, Any]:
        if message.channel.guild_id is None or message.cause is not None:
            return {}
        return {"member": message.author.member_json()}

    def _veiled(self, message: Message, data: dict[str, Any]) -> dict[str, Any]:
        """Takes out what a bot without the intent for message contents is not shown."""
        named = f"<@{self._world.bot.id}>" in message.content
        own = message.author is self._world.bot
        if self._gateway.intents & _CONTENT or own or named or message.channel.guild_id is None:
            return data
        return {**data, "content": "", "embeds": [], "attachments": [], "components": []}

    def _dispatch(self, event: str, kind: str, message: Message, data: dict[str, Any]) -> None:
        guild_id = message.channel.guild_id
        in_guild, in_private = _INTENTS[kind]
        if guild_id is not None:
            data = {**data, "guild_id": str(guild_id)}
        self._gateway.dispatch(event, data, (in_private if guild_id is None else in_guild).value)

    def _tell_reactions(self, message: Message) -> None:
        place = {"type": "reactions", "channel_id": str(message.channel.id), "message_id": str(message.id)}
        self._tell(message, lambda person: {**place, "reactions": reactions(message, person)})

    def _tell(self, message: Message, news: Callable[[Person], dict[str, Any]]) -> None:
        for listener in self.listeners:
            if message.seen_by(listener.person):
                listener.push(news(listener.person))
        self._world.on_change()

    def _tell_all(self, news: dict[str, Any]) -> None:
        for listener in self.listeners:
            listener.push(news)
        self._world.on_change()
