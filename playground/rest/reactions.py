"""The routes for reactions."""

import re

from playground.events.actions import Actions
from playground.events.broadcast import Broadcast
from playground.payloads.resolved import Impossible
from playground.rest.pipeline import Route
from playground.state.messages import Message
from playground.state.people import Person
from playground.state.wire import Answer, Call, Refusal
from playground.state.world import World

_WORDS = re.compile(r"[A-Za-z]")


class ReactionRoutes:
    """Reactions the bot adds, takes away and lists."""

    def __init__(self, world: World, broadcast: Broadcast, actions: Actions) -> None:
        self._world = world
        self._broadcast = broadcast
        self._actions = actions

    def routes(self) -> list[Route]:
        """Lists the routes."""
        everything = "/channels/{channel_id}/messages/{message_id}/reactions"
        one = everything + "/{emoji_name}"
        return [
            Route("PUT", one + "/@me", self._add),
            Route("DELETE", one + "/@me", self._remove_own),
            Route("DELETE", one + "/{user_id}", self._remove),
            Route("GET", one, self._who),
            Route("DELETE", one, self._clear_one),
            Route("DELETE", everything, self._clear),
        ]

    async def _add(self, call: Call) -> Answer:
        emoji = call.text("emoji_name")
        if _WORDS.search(emoji) or not emoji:
            raise Refusal(400, 10014, "Unknown Emoji")
        message = self._message(call)
        permissions = self._world.bot.permissions
        if message.channel.guild_id is not None and not permissions.read_message_history:
            raise Refusal(403, 50013, "Missing Permissions")
        self._react(self._world.bot, message, emoji, add=True)
        return 204, None

    async def _remove_own(self, call: Call) -> Answer:
        self._react(self._world.bot, self._message(call), call.text("emoji_name"), add=False)
        return 204, None

    async def _remove(self, call: Call) -> Answer:
        message = self._moderated(call)
        person = self._world.user(call.number("user_id"))
        if person is None:
            raise Refusal(404, 10013, "Unknown User")
        self._react(person, message, call.text("emoji_name"), add=False)
        return 204, None

    async def _who(self, call: Call) -> Answer:
        people = self._message(call).reactions.get(call.text("emoji_name"), [])
        after, limit = int(call.request.query.get("after", "0")), int(call.request.query.get("limit", "25"))
        ordered = sorted((each for each in people if each.id > after), key=lambda each: each.id)
        return 200, [person.json() for person in ordered[:limit]]

    async def _clear_one(self, call: Call) -> Answer:
        message = self._moderated(call)
        if message.reactions.pop(call.text("emoji_name"), None) is not None:
            self._broadcast.reactions_cleared(message, call.text("emoji_name"))
        return 204, None

    async def _clear(self, call: Call) -> Answer:
        message = self._moderated(call)
        message.reactions.clear()
        self._broadcast.reactions_cleared(message, None)
        return 204, None

    def _react(self, person: Person, message: Message, emoji: str, *, add: bool) -> None:
        try:
            self._actions.react(person, message, emoji, add=add)
        except Impossible as error:
            raise Refusal(403, 50013, "Missing Permissions") from error

    def _moderated(self, call: Call) -> Message:
        """Returns the message if the bot may take away what others added to it."""
        message = self._message(call)
        if message.channel.guild_id is None:
            raise Refusal(403, 50003, "Cannot execute action on a DM channel")
        if not self._world.bot.permissions.manage_messages:
            raise Refusal(403, 50013, "Missing Permissions")
        return message

    def _message(self, call: Call) -> Message:
        message = self._world.message(self._world.channel(call.number("channel_id")), call.number("message_id"))
        if message.ephemeral:
            raise Refusal(404, 10008, "Unknown Message")
        return message
