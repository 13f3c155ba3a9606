"""The routes for messages in channels and in direct messages."""

from itertools import islice

from playground.events.broadcast import Broadcast
from playground.events.portrait import Portrait
from playground.payloads.compose import fill
from playground.rest.pipeline import Route
from playground.state.messages import REPLY, Channel, Message
from playground.state.wire import Answer, Call, Refusal
from playground.state.world import World

NONCE_SECONDS = 5 * 60
THREAD_NAME_LIMIT = 100


class MessageRoutes:
    """Messages the bot sends of its own accord, edits, deletes and reads."""

    def __init__(self, world: World, broadcast: Broadcast, portrait: Portrait) -> None:
        self._world = world
        self._broadcast = broadcast
        self._portrait = portrait

    def routes(self) -> list[Route]:
        """Lists the routes."""
        messages = "/channels/{channel_id}/messages"
        return [
            Route("POST", messages, self._send),
            Route("GET", messages, self._list),
            Route("GET", messages + "/{message_id}", self._get),
            Route("PATCH", messages + "/{message_id}", self._edit),
            Route("DELETE", messages + "/{message_id}", self._delete),
            Route("POST", messages + "/{message_id}/threads", self._open_thread),
            Route("GET", "/channels/{channel_id}", self._channel),
            Route("GET", "/channels/{channel_id}/thread-members/{user_id}", self._thread_member),
            Route("POST", "/channels/{channel_id}/typing", self._typing),
            Route("POST", "/users/@me/channels", self._open_direct_message),
            Route("GET", "/users/{user_id}", self._user),
        ]

    async def _send(self, call: Call) -> Answer:
        channel = self._seen_channel(call)
        nonce = call.payload.get("nonce")
        if nonce is not None and call.payload.get("enforce_nonce"):
            earlier = self._sent_before(channel, nonce)
            if earlier is not None:
                return 200, self._portrait.message(earlier, self._world.bot)
        self._may_send(channel, files=bool(call.body.files))
        message = self._world.new_message(channel, self._world.bot)
        message.nonce = nonce
        reference = call.payload.get("message_reference")
        if reference:
            message.kind, message.reply_to = REPLY, self._world.message(channel, int(reference["message_id"])).id
        fill(self._world, message, call.payload, call.body.files)
        channel.add(message)
        self._broadcast.message_created(message)
        return 200, self._portrait.message(message, self._world.bot)

    def _sent_before(self, channel: Channel, nonce: str | int) -> Message | None:
        for message in channel.messages.values():
            recent = self._world.clock.age(message.at) < NONCE_SECONDS
            if recent and message.author is self._world.bot and message.nonce == nonce:
                return message
        return None

    async def _list(self, call: Call) -> Answer:
        channel = self._seen_channel(call)
        query = call.request.query
        limit = int(query.get("limit", "50"))
        if not 1 <= limit <= 100:
            raise Refusal(400, 50035, "Invalid Form Body: limit must be 1 to 100")
        before, after = int(query.get("before", str(1 << 63))), int(query.get("after", "0"))
        found = [each for each in channel.messages.values() if after < each.id < before and self._listed(each)]
        newest = islice(reversed(found), limit) if "after" not in query else reversed(found[:limit])
        return 200, [self._portrait.message(each, self._world.bot) for each in newest]

    def _listed(self, message: Message) -> bool:
        return not message.deleted and not message.ephemeral

    async def _get(self, call: Call) -> Answer:
        return 200, self._portrait.message(self._message(call), self._world.bot)

    async def _edit(self, call: Call) -> Answer:
        message = self._message(call)
        if message.author is not self._world.bot:
            raise Refusal(403, 50005, "Cannot edit a message authored by another user")
        fill(self._world, message, call.payload, call.body.files)
        message.edited_at = self._world.clock.now()
        self._broadcast.message_updated(message)
        return 200, self._portrait.message(message, self._world.bot)

    async def _delete(self, call: Call) -> Answer:
        message = self._message(call)
        in_server = message.channel.guild_id is not None
        if message.author is not self._world.bot and not (in_server and self._world.bot.permissions.manage_messages):
            raise Refusal(403, 50013 if in_server else 50003, "Missing Permissions")
        message.deleted = True
        self._world.cdn.forget(message.attachments)
        self._broadcast.message_deleted(message)
        return 204, None

    async def _open_thread(self, call: Call) -> Answer:
        message, name = self._message(call), str(call.payload["name"])
        if not self._world.bot.permissions.create_public_threads:
            raise Refusal(403, 50013, "Missing Permissions")
        if not 1 <= len(name) <= THREAD_NAME_LIMIT:
            raise Refusal(400, 50035, f"Invalid Form Body: name must be 1 to {THREAD_NAME_LIMIT} in length")
        thread = self._world.open_thread(message, name)
        self._broadcast.thread_opened(thread, message)
        return 201, thread.json()

    async def _channel(self, call: Call) -> Answer:
        return 200, self._seen_channel(call).json()

    async def _thread_member(self, call: Call) -> Answer:
        thread, person = self._seen_channel(call), call.number("user_id")
        if thread.parent is None or thread.opened is None or person not in (thread.readers or ()):
            raise Refusal(404, 10007, "Unknown Member")
        joined = thread.opened.isoformat()
        return 200, {"id": str(thread.id), "user_id": str(person), "join_timestamp": joined, "flags": 0}

    async def _typing(self, call: Call) -> Answer:
        channel = self._seen_channel(call)
        self._may_send(channel, files=False)
        self._broadcast.typing(channel.id, self._world.bot)
        return 204, None

    async def _open_direct_message(self, call: Call) -> Answer:
        return 200, self._world.direct_messages(int(call.payload["recipient_id"])).json()

    async def _user(self, call: Call) -> Answer:
        person = self._world.user(call.number("user_id"))
        if person is None:
            raise Refusal(404, 10013, "Unknown User")
        return 200, person.json()

    def _seen_channel(self, call: Call) -> Channel:
        channel = self._world.channel(call.number("channel_id"))
        if channel.guild_id is not None and not self._world.bot.permissions.view_channel:
            raise Refusal(403, 50001, "Missing Access")
        return channel

    def _message(self, call: Call) -> Message:
        message = self._world.message(self._seen_channel(call), call.number("message_id"))
        if message.ephemeral:
            raise Refusal(404, 10008, "Unknown Message")
        return message

    def _may_send(self, channel: Channel, *, files: bool) -> None:
        if channel.recipient is not None:
            if not channel.recipient.takes_messages:
                raise Refusal(403, 50007, "Cannot send messages to this user")
            return
        permissions = self._world.bot.permissions
        sends = permissions.send_messages if channel.parent is None else permissions.send_messages_in_threads
        if not sends or (files and not permissions.attach_files):
            raise Refusal(403, 50013, "Missing Permissions")
