"""The REST routes the bot uses; what is not known here is refused and remembered as an error."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import BodyPartReader, web

from tests.loopback.faults import json_answer
from tests.loopback.interactions import ACK_SECONDS, TOKEN_SECONDS, Interaction
from tests.loopback.world import Attachment, Channel, Message

if TYPE_CHECKING:
    from tests.loopback.server import LoopbackDiscord

API = "/api/v10"
EPHEMERAL = 64
CONTENT_LIMIT = 2000
PONG, MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9


class Refusal(Exception):  # noqa: N818 - it is what Discord's answer says, not a fault of ours
    """An error answer of Discord's."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message}


class Body:
    """A request's JSON and its files."""

    def __init__(self, payload: Any, files: list[tuple[str, str, bytes]]) -> None:
        self.payload = payload
        self.files = files


Answer = tuple[int, Any]
Handler = Callable[[web.Request, Body], Awaitable[Answer]]


class Rest:
    """Serves Discord's API for the one bot of a loopback Discord."""

    def __init__(self, discord: "LoopbackDiscord") -> None:
        self._discord = discord

    def install(self, app: web.Application) -> None:
        """Adds the routes."""
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        routes: list[tuple[str, str, Handler]] = [
            ("GET", "/users/@me", self._me),
            ("GET", "/applications/@me", self._application),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/gateway/bot", self._gateway),
            ("GET", "/applications/{application_id}/commands", self._list_commands),
            ("PUT", "/applications/{application_id}/commands", self._put_commands),
            ("POST", "/interactions/{interaction_id}/{interaction_token}/callback", self._callback),
            ("POST", webhook, self._follow_up),
            ("GET", webhook + "/messages/@original", self._get_answer),
            ("PATCH", webhook + "/messages/@original", self._edit_answer),
            ("DELETE", webhook + "/messages/@original", self._delete_answer),
            ("GET", webhook + "/messages/{message_id}", self._get_answer),
            ("PATCH", webhook + "/messages/{message_id}", self._edit_answer),
            ("DELETE", webhook + "/messages/{message_id}", self._delete_answer),
            ("POST", "/channels/{channel_id}/messages", self._send),
            ("GET", "/channels/{channel_id}/messages/{message_id}", self._get_message),
            ("PATCH", "/channels/{channel_id}/messages/{message_id}", self._edit_message),
            ("DELETE", "/channels/{channel_id}/messages/{message_id}", self._delete_message),
            ("POST", "/users/@me/channels", self._open_direct_message),
        ]
        for method, template, handler in routes:
            app.router.add_route(method, API + template, self._serve(method, template, handler))
        app.router.add_get("/attachments/{channel}/{file}/{name}", self._file)
        app.router.add_route("*", "/{rest:.*}", self._unknown)

    def _serve(self, method: str, template: str, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        schemas, faults = self._discord.schemas, self._discord.faults

        async def serve(request: web.Request) -> web.Response:
            fault = faults.take(request)
            body = await _read(request)
            if body.payload is not None:
                schemas.check_request(method, template, body.payload)
            answered = await faults.before(fault, request)
            if answered is not None:
                return answered
            try:
                self._authorise(request, template)
                status, answer = await handler(request, body)
            except Refusal as refusal:
                status, answer = refusal.status, refusal.body
            faults.after(fault, request)
            if answer is None:
                return web.Response(status=status)
            schemas.check_response(method, template, status, answer)
            headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "49", "X-RateLimit-Reset-After": "1",
                       "X-RateLimit-Bucket": f"{method}{template}"}  # fmt: skip
            return json_answer(answer, status, headers)

        return serve

    def _authorise(self, request: web.Request, template: str) -> None:
        if template.startswith(("/webhooks/", "/interactions/")):
            return
        if request.headers.get("Authorization") != f"Bot {self._discord.token}":
            raise Refusal(401, 0, "401: Unauthorized")

    async def _me(self, _request: web.Request, _body: Body) -> Answer:
        return 200, {**self._discord.bot.json(), "mfa_enabled": False, "locale": "en-GB"}

    async def _application(self, _request: web.Request, _body: Body) -> Answer:
        return 200, {
            "id": str(self._discord.bot.id), "name": "Easel", "icon": None, "description": "", "type": None,
            "verify_key": "0", "flags": 0, "flags_new": "0", "redirect_uris": [], "interactions_endpoint_url": None,
            "role_connections_verification_url": None, "owner": self._discord.people["owner"].json(),
            "approximate_guild_count": 1, "approximate_user_install_count": 0, "summary": "", "rpc_origins": [],
            "approximate_user_authorization_count": 0, "explicit_content_filter": 0, "team": None,
            "eligible_oauth2_scopes": [], "bot_public": True, "bot_require_code_grant": False,
        }  # fmt: skip

    async def _gateway(self, _request: web.Request, _body: Body) -> Answer:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return 200, {"url": self._discord.gateway_url, "shards": 1, "session_start_limit": limit}

    async def _list_commands(self, _request: web.Request, _body: Body) -> Answer:
        return 200, list(self._discord.commands.values())

    async def _put_commands(self, _request: web.Request, body: Body) -> Answer:
        application = str(self._discord.bot.id)
        commands = [
            {"default_member_permissions": None, "type": 1, "description": "", **command}
            | {"id": str(self._discord.snowflake()), "version": str(self._discord.snowflake())}
            | {"application_id": application}
            for command in body.payload
        ]
        await self._discord.register({command["name"]: command for command in commands})
        return 200, commands

    async def _callback(self, request: web.Request, body: Body) -> Answer:
        interaction = self._interaction_by(request.match_info["interaction_token"])
        if interaction.acked is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        age = (self._discord.clock.now() - interaction.at).total_seconds()
        if age > ACK_SECONDS:
            raise Refusal(404, 10062, "Unknown interaction")
        await self._discord.acknowledge(interaction, body.payload["type"])
        data = body.payload.get("data") or {}
        await self._carry_out(interaction, body.payload["type"], data, body.files)
        await self._discord.changed()
        return (200, self._callback_json(interaction)) if "with_response" in request.query else (204, None)

    async def _carry_out(
        self, interaction: Interaction, kind: int, data: dict[str, Any], files: list[tuple[str, str, bytes]]
    ) -> None:
        if kind in {MESSAGE, DEFERRED_MESSAGE}:
            message = self._new_message(interaction.channel, data.get("flags", 0) & EPHEMERAL)
            interaction.original = message
            interaction.deferred = kind == DEFERRED_MESSAGE
            self._fill(message, data, files)
        elif kind == CHOICES:
            interaction.choices = data["choices"]
        elif kind == UPDATE and interaction.source is not None:
            self._fill(interaction.source, data, files)
        if kind in {UPDATE, DEFERRED_UPDATE}:
            interaction.original = interaction.source

    def _callback_json(self, interaction: Interaction) -> dict[str, Any]:
        about: dict[str, Any] = {
            "id": str(interaction.id), "type": interaction.kind, "response_message_loading": interaction.deferred,
        }  # fmt: skip
        if interaction.original is None:
            return {"interaction": about}
        about |= {
            "response_message_id": str(interaction.original.id),
            "response_message_ephemeral": interaction.original.ephemeral,
        }
        if interaction.response_type not in {MESSAGE, DEFERRED_MESSAGE}:
            return {"interaction": about}
        message = interaction.original.json(self._discord.url)
        return {"interaction": about, "resource": {"type": MESSAGE, "message": message}}

    async def _follow_up(self, request: web.Request, body: Body) -> Answer:
        interaction = self._alive(request)
        ephemeral = body.payload.get("flags", 0) & EPHEMERAL
        if interaction.deferred and interaction.original is not None:
            message = (
                interaction.original
            )  # the first follow-up takes the place of the thinking answer, and its openness
            interaction.deferred = False
        else:
            message = self._new_message(interaction.channel, ephemeral)
            interaction.followups.append(message)
        self._fill(message, body.payload, body.files)
        await self._discord.changed()
        return 200, message.json(self._discord.url)

    async def _get_answer(self, request: web.Request, _body: Body) -> Answer:
        return 200, self._answer(request).json(self._discord.url)

    async def _edit_answer(self, request: web.Request, body: Body) -> Answer:
        message = self._answer(request)
        interaction = self._alive(request)
        if message is interaction.original:
            interaction.deferred = False
        self._fill(message, body.payload, body.files)
        message.edited_at = self._discord.clock.now()
        await self._discord.changed()
        return 200, message.json(self._discord.url)

    async def _delete_answer(self, request: web.Request, _body: Body) -> Answer:
        message = self._answer(request)
        interaction = self._alive(request)
        if message is interaction.original:
            interaction.deferred = False
        message.deleted = True
        await self._discord.changed()
        return 204, None

    async def _send(self, request: web.Request, body: Body) -> Answer:
        channel = self._channel(request)
        nonce = body.payload.get("nonce")
        if nonce is not None and body.payload.get("enforce_nonce"):
            for message in channel.messages.values():
                if message.nonce == nonce:
                    return 200, message.json(self._discord.url)
        self._may_send(channel, files=bool(body.files))
        message = self._new_message(channel, 0)
        message.nonce = nonce
        self._fill(message, body.payload, body.files)
        await self._discord.changed()
        return 200, message.json(self._discord.url)

    async def _get_message(self, request: web.Request, _body: Body) -> Answer:
        return 200, self._message(request).json(self._discord.url)

    async def _edit_message(self, request: web.Request, body: Body) -> Answer:
        message = self._message(request)
        self._fill(message, body.payload, body.files)
        await self._discord.changed()
        return 200, message.json(self._discord.url)

    async def _delete_message(self, request: web.Request, _body: Body) -> Answer:
        self._message(request).deleted = True
        await self._discord.changed()
        return 204, None

    async def _open_direct_message(self, _request: web.Request, body: Body) -> Answer:
        return 200, self._discord.direct_messages(int(body.payload["recipient_id"])).json()

    async def _file(self, request: web.Request) -> web.Response:
        channel = self._discord.channels.get(int(request.match_info["channel"]))
        for message in channel.messages.values() if channel else ():
            for file in message.attachments:
                if file.id == int(request.match_info["file"]):
                    return web.Response(body=file.data, content_type=file.content_type)
        return web.Response(status=404)

    async def _unknown(self, request: web.Request) -> web.Response:
        self._discord.errors.append(f"unknown route: {request.method} {request.path}")
        return web.json_response(
            {"code": 0, "message": "501: the loopback Discord does not know this route"}, status=501
        )

    def _interaction_by(self, token: str) -> Interaction:
        interaction = self._discord.interactions.get(token)
        if interaction is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        return interaction

    def _alive(self, request: web.Request) -> Interaction:
        interaction = self._interaction_by(request.match_info["webhook_token"])
        if (self._discord.clock.now() - interaction.at).total_seconds() > TOKEN_SECONDS:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return interaction

    def _answer(self, request: web.Request) -> Message:
        interaction = self._alive(request)
        wanted = request.match_info.get("message_id")
        answers = [each for each in (interaction.original, *interaction.followups) if each is not None]
        for message in answers if wanted else answers[:1]:
            if not message.deleted and wanted in {None, str(message.id)}:
                return message
        raise Refusal(404, 10008, "Unknown Message")

    def _channel(self, request: web.Request) -> Channel:
        channel = self._discord.channels.get(int(request.match_info["channel_id"]))
        if channel is None:
            raise Refusal(404, 10003, "Unknown Channel")
        return channel

    def _message(self, request: web.Request) -> Message:
        message = self._channel(request).messages.get(int(request.match_info["message_id"]))
        if message is None or message.deleted:
            raise Refusal(404, 10008, "Unknown Message")
        return message

    def _may_send(self, channel: Channel, *, files: bool) -> None:
        if channel.recipient is not None:
            if not channel.recipient.takes_messages:
                raise Refusal(403, 50007, "Cannot send messages to this user")
            return
        permissions = self._discord.bot.permissions
        if not permissions.view_channel:
            raise Refusal(403, 50001, "Missing Access")
        if not permissions.send_messages or (files and not permissions.attach_files):
            raise Refusal(403, 50013, "Missing Permissions")

    def _new_message(self, channel: Channel, flags: int) -> Message:
        message = Message(self._discord.snowflake(), channel, self._discord.bot, self._discord.clock.now(), flags=flags)
        channel.messages[message.id] = message
        return message

    def _fill(self, message: Message, data: dict[str, Any], files: list[tuple[str, str, bytes]]) -> None:
        if len(data.get("content") or "") > CONTENT_LIMIT:
            raise Refusal(400, 50035, "Invalid Form Body: content must be 2000 or fewer in length.")
        if len(files) > 10 or any(len(file) > self._discord.upload_limit for _, _, file in files):
            raise Refusal(413, 40005, "Request entity too large")
        if "content" in data:
            message.content = data["content"] or ""
        if "components" in data:
            message.components = data["components"] or []
        if "embeds" in data:
            message.embeds = data["embeds"] or []
        if files:
            message.attachments = [Attachment(self._discord.snowflake(), *_named(file)) for file in files]
        message.remember()


def _named(file: tuple[str, str, bytes]) -> tuple[str, bytes, str]:
    name, kind, data = file
    return name, data, kind


async def _read(request: web.Request) -> Body:
    if not request.can_read_body:
        return Body(None, [])
    if not request.content_type.startswith("multipart/"):
        return Body(await request.json(), [])
    payload: Any = {}
    files: list[tuple[str, str, bytes]] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refusal(400, 50035, "Invalid Form Body")
        data = bytes(await part.read())
        if part.name == "payload_json":
            payload = json.loads(data)
        else:
            files.append((part.filename or "file", part.headers.get("Content-Type", "image/png"), data))
    return Body(payload, files)
