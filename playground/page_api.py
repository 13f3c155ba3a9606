"""The page and what it talks to; PAGE_API.md says in which words."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from playground.events.actions import NO_ANSWER, Actions, Place
from playground.events.broadcast import Broadcast
from playground.events.gateway import Gateway
from playground.events.portrait import Portrait
from playground.payloads.resolved import Impossible
from playground.rest.safety import Door
from playground.state.interactions import Interaction
from playground.state.limits import ACK_SECONDS
from playground.state.messages import Channel, Message
from playground.state.people import Person
from playground.state.wire import Body, Refusal, read
from playground.state.world import World

DIST = Path(__file__).parent / "page" / "dist"
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Do = Callable[[Place, dict[str, Any]], Awaitable[dict[str, Any]]]


class Socket:
    """One open page."""

    def __init__(self, person: Person, socket: web.WebSocketResponse) -> None:
        self.person = person
        self.socket = socket
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def push(self, news: dict[str, Any]) -> None:
        """Sends a piece of news after all those before it."""
        self._queue.put_nowait(news)

    async def write(self) -> None:
        """Sends what comes until the connection ends."""
        with suppress(ConnectionError):
            while True:
                await self.socket.send_str(json.dumps(await self._queue.get()))


class PageApi:
    """Serves the page, pushes news to it, and does what its people do."""

    def __init__(self, world: World, gateway: Gateway, broadcast: Broadcast, actions: Actions) -> None:
        self._world = world
        self._gateway = gateway
        self._broadcast = broadcast
        self._actions = actions
        self._portrait = Portrait(world, absolute=False)
        self._sockets: set[Socket] = set()
        broadcast.on_channels = self._tell_channels

    def install(self, app: web.Application, door: Door) -> None:
        """Adds the routes."""

        async def index(_request: web.Request) -> web.StreamResponse:
            return _file("index.html")

        actions: dict[str, Do] = {
            "command": self._command, "autocomplete": self._autocomplete, "context": self._context,
            "component": self._component, "modal": self._modal, "message": self._message, "delete": self._delete,
            "reaction": self._reaction,
        }  # fmt: skip
        app.router.add_get("/", door.exchanging(index))
        app.router.add_get("/page/assets/{path:.+}", door.keyed(self._asset))
        app.router.add_get("/page/socket", door.keyed(self._socket))
        app.router.add_get("/page/messages", door.keyed(self._answering(self._history)))
        app.router.add_get("/page/reactors", door.keyed(self._answering(self._reactors)))
        for name, do in actions.items():
            app.router.add_post(f"/page/{name}", door.keyed(self._answering(self._doing(do))))

    async def close(self) -> None:
        """Closes all open pages."""
        for socket in list(self._sockets):
            await socket.socket.close(code=1001)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["path"])

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = Socket(self._person(request), web.WebSocketResponse(timeout=2, heartbeat=30))
        await socket.socket.prepare(request)
        socket.push(self._hello(socket.person))
        self._sockets.add(socket)
        self._broadcast.listeners.add(socket)
        writing = asyncio.create_task(socket.write())
        try:
            async for message in socket.socket:
                if message.type is WSMsgType.ERROR:
                    break
        finally:
            writing.cancel()
            self._sockets.discard(socket)
            self._broadcast.listeners.discard(socket)
        return socket.socket

    def _hello(self, person: Person) -> dict[str, Any]:
        return {
            "type": "hello", "me": person.page_json(), "bot": self._world.bot.json(), "online": self._gateway.online,
            "people": [each.page_json() for each in self._world.people.values()],
            "server": {"id": str(self._world.guild_id), "name": "Studio"},
            **self._places(person), "upload_limit": self._world.upload_limit,
        }  # fmt: skip

    def _places(self, person: Person) -> dict[str, Any]:
        """Returns a person's channels, and the commands with the channels where they may be used."""
        channels = [self._channel_json(each, person) for each in self._world.channels_of(person)]
        return {"channels": channels, "commands": self._actions.commands_of(person)}

    def _tell_channels(self) -> None:
        for socket in self._sockets:
            socket.push({"type": "channels", **self._places(socket.person)})

    def _channel_json(self, channel: Channel, person: Person) -> dict[str, Any]:
        private, granted = channel.recipient is not None, person.permissions
        may = {
            "send": private or granted.send_messages, "attach": private or granted.attach_files,
            "react": private or granted.add_reactions, "use_commands": private or granted.use_application_commands,
            "manage_messages": not private and granted.manage_messages,
        }  # fmt: skip
        name = self._world.bot.name if private else channel.name
        return {**channel.json(), "name": name, "may": may}

    def _answering(
        self, handler: Callable[[web.Request], Awaitable[dict[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                return web.json_response(await handler(request))
            except Impossible as error:
                return web.json_response({"error": str(error), "field": error.field}, status=400)
            except Refusal as refusal:
                return web.json_response({"error": str(refusal), "field": None}, status=refusal.status)
            except TimeoutError:
                return web.json_response({"error": NO_ANSWER, "field": None}, status=504)
            except (KeyError, TypeError, ValueError) as error:
                text = f"The page sent something the playground does not understand: {error!r}"
                return web.json_response({"error": text, "field": None}, status=400)

        return serve

    def _doing(self, do: Do) -> Callable[[web.Request], Awaitable[dict[str, Any]]]:
        async def serve(request: web.Request) -> dict[str, Any]:
            person, body = self._person(request), await read(request)
            return await do(self._place(person, body), body.payload)

        return serve

    def _place(self, person: Person, body: Body) -> Place:
        if "interaction" in body.payload:
            return Place(person, self._world.general, body.files)  # a modal is sent in where it was opened
        return Place(person, self._channel(person, body.payload["channel"]), body.files)

    def _person(self, request: web.Request) -> Person:
        name = request.query.get("person", "member")
        if name not in self._world.people:
            raise web.HTTPNotFound(text=f"There is no person named {name!r} here.")
        return self._world.people[name]

    def _channel(self, person: Person, channel_id: str) -> Channel:
        for channel in self._world.channels_of(person):
            if str(channel.id) == channel_id:
                return channel
        raise Impossible("You do not see this channel.")

    async def _history(self, request: web.Request) -> dict[str, Any]:
        person = self._person(request)
        channel = self._channel(person, request.query["channel"])
        limit, before = int(request.query.get("limit", "50")), int(request.query.get("before", str(1 << 63)))
        seen = [
            each for each in channel.messages.values() if not each.deleted and each.seen_by(person) and each.id < before
        ]
        newest = seen[-max(1, min(limit, 100)) :]
        return {"messages": [self._portrait.page_message(each, person) for each in newest]}

    async def _reactors(self, request: web.Request) -> dict[str, Any]:
        person = self._person(request)
        message = self._seen(person, request.query["channel"], request.query["message"])
        return {"users": [each.json() for each in message.reactions.get(request.query["emoji"], [])]}

    async def _command(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        path = sent.get("subcommand") or []
        return _begun(self._actions.command(place, int(sent["command"]), path, sent.get("options") or {}))

    async def _autocomplete(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        path, options = sent.get("subcommand") or [], sent.get("options") or {}
        interaction = self._actions.autocomplete(place, int(sent["command"]), path, options, sent["focused"])
        async with asyncio.timeout(ACK_SECONDS):
            await interaction.answered.wait()
        return {"choices": interaction.choices or []}

    async def _context(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        return _begun(self._actions.menu(place, int(sent["command"]), int(sent["target"])))

    async def _component(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        values = sent.get("values") or []
        return _begun(self._actions.component(place, int(sent["message"]), sent["custom_id"], values))

    async def _modal(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        return _begun(self._actions.modal(place, int(sent["interaction"]), sent.get("values") or {}))

    async def _message(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        message = self._actions.write(place, sent.get("content") or "")
        return {"message": self._portrait.page_message(message, place.person)}

    async def _delete(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        self._actions.delete(place.person, place.channel, int(sent["message"]))
        return {}

    async def _reaction(self, place: Place, sent: dict[str, Any]) -> dict[str, Any]:
        message = self._actions.message(place.person, place.channel, int(sent["message"]))
        self._actions.react(place.person, message, sent["emoji"], add=bool(sent["add"]))
        return {}

    def _seen(self, person: Person, channel_id: str, message_id: str) -> Message:
        return self._actions.message(person, self._channel(person, channel_id), int(message_id))


def _begun(interaction: Interaction) -> dict[str, Any]:
    return {"interaction_id": str(interaction.id)}


def _file(name: str) -> web.StreamResponse:
    path = (DIST / name).resolve()
    if not path.is_relative_to(DIST) or not path.is_file():
        return web.Response(status=404, text=f"The page has no file {name}.")
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
    return web.FileResponse(path, headers={**headers, "Cache-Control": "no-cache"})
