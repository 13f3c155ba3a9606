"""The gateway: one websocket per session, events in order, resumable."""

import asyncio
import json
import zlib
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

_SYNC_FLUSH_END = zlib.Z_SYNC_FLUSH
HEARTBEAT_MS = 41250


class Connection:
    """One open websocket."""

    def __init__(self, socket: web.WebSocketResponse, *, compressed: bool) -> None:
        self.socket = socket
        self._deflate = zlib.compressobj() if compressed else None

    async def send(self, payload: dict[str, Any]) -> None:
        """Sends one payload, as a piece of one long zlib stream where that was asked for."""
        text = json.dumps(payload)
        if self._deflate is None:
            await self.socket.send_str(text)
        else:
            data = self._deflate.compress(text.encode()) + self._deflate.flush(_SYNC_FLUSH_END)
            await self.socket.send_bytes(data)


class Gateway:
    """Sessions and their events. It knows one bot; a second IDENTIFY begins a new session.

    Args:
        token: The only token that may identify.
        greet: Returns READY's data for a session id, and the events that follow it.
        check: Is given every event's name and data.
    """

    def __init__(
        self, token: str, greet: Callable[[str], list[tuple[str, dict[str, Any]]]], check: Callable[[str, Any], None]
    ) -> None:
        self._token = token
        self._greet = greet
        self._check = check
        self._connection: Connection | None = None
        self._events: list[dict[str, Any]] = []
        self._session = 0
        self.identified = asyncio.Event()
        self.intents = 0
        self.resumes = 0

    async def send_event(self, name: str, data: dict[str, Any]) -> None:
        """Sends an event; one that finds nobody connected is kept for RESUME."""
        self._check(name, data)
        self._events.append({"op": 0, "t": name, "s": len(self._events) + 1, "d": data})
        if self._connection is not None and not self._connection.socket.closed:
            await self._connection.send(self._events[-1])

    async def drop(self) -> None:
        """Closes the connection as a network fault would; the session may be resumed."""
        if self._connection is not None:
            await self._connection.socket.close(code=4000)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serves one websocket."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(socket, compressed=request.query.get("compress") == "zlib-stream")
        await connection.send({"op": 10, "d": {"heartbeat_interval": HEARTBEAT_MS}, "s": None, "t": None})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._receive(connection, json.loads(message.data))
        return socket

    async def close(self) -> None:
        """Closes the connection for good."""
        if self._connection is not None:
            await self._connection.socket.close(code=1000)

    async def _receive(self, connection: Connection, payload: dict[str, Any]) -> None:
        match payload["op"]:
            case 1:
                await connection.send({"op": 11, "d": None, "s": None, "t": None})
            case 2:
                await self._identify(connection, payload["d"])
            case 6:
                await self._resume(connection, payload["d"])

    async def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        if data["token"] != self._token:
            await connection.socket.close(code=4004)
            return
        self._session += 1
        self._events.clear()
        self._connection = connection
        self.intents = data["intents"]
        for name, event in self._greet(f"session-{self._session}"):
            await self.send_event(name, event)
        self.identified.set()

    async def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        if data["session_id"] != f"session-{self._session}":
            await connection.send({"op": 9, "d": False, "s": None, "t": None})
            return
        self._connection = connection
        self.resumes += 1
        for event in self._events[data["seq"] :]:
            await connection.send(event)
        await connection.send({"op": 0, "t": "RESUMED", "s": len(self._events), "d": {}})
