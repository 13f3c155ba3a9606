"""The gateway: websockets of bots, their sessions, and the events of each session in order."""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from playground.events.compression import compressor

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, RECONNECT = 0, 1, 2, 3, 4, 6, 7
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11
UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, WRONG_TOKEN, TWICE_AUTHENTICATED = 4001, 4002, 4003, 4004, 4005
UNKNOWN_ERROR, TIMED_OUT = 4000, 4009
HEARTBEAT_MS = 41250
KEPT_EVENTS = 5000

Event = tuple[str, dict[str, Any]]


class Connection:
    """One open websocket; what is sent leaves in order, however slow the other side reads."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.transport = request.transport
        self.session: Session | None = None
        self._compress = compressor(request.query.get("compress"))
        self._queue: asyncio.Queue[dict[str, Any] | int] = asyncio.Queue()

    def send(self, payload: dict[str, Any]) -> None:
        """Sends a payload after all those before it."""
        self._queue.put_nowait(payload)

    def close(self, code: int) -> None:
        """Closes the socket after everything before was sent."""
        self._queue.put_nowait(code)

    async def write(self) -> None:
        """Sends what comes until the connection ends."""
        with suppress(ConnectionError):
            while True:
                item = await self._queue.get()
                if isinstance(item, int):
                    await self.socket.close(code=item)
                    return
                text = json.dumps(item)
                if self._compress is None:
                    await self.socket.send_str(text)
                else:
                    await self.socket.send_bytes(self._compress(text.encode()))


@dataclass(eq=False)
class Session:
    """What one bot (or shard) has been sent, and where it listens now."""

    id: str
    intents: int
    connection: Connection | None = None
    sequence: int = 0
    events: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))

    def dispatch(self, name: str, data: dict[str, Any]) -> None:
        """Sends an event; one that finds nobody connected is kept for RESUME."""
        self.sequence += 1
        self.events.append({"op": DISPATCH, "t": name, "s": self.sequence, "d": data})
        if self.connection is not None:
            self.connection.send(self.events[-1])

    def can_replay_after(self, sequence: int) -> bool:
        """Whether all events after one are still there."""
        return self.sequence - len(self.events) <= sequence <= self.sequence


class Gateway:
    """Sessions and their events.

    Args:
        token: The only token that may identify.
        greet: Returns READY and the events that follow it, for a session's id and shard.
        check: Is given every event's name and data.

    Attributes:
        identified: Set once a bot has logged in.
        resumes: How often a session was taken up again.
        on_presence: Called when a bot comes online or goes away.
    """

    def __init__(
        self, token: str, greet: Callable[[str, list[int]], list[Event]], check: Callable[[str, Any], None]
    ) -> None:
        self._token = token
        self._greet = greet
        self._check = check
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()
        self.identified = asyncio.Event()
        self.resumes = 0
        self.errors: list[str] = []
        self.on_presence: Callable[[], None] = lambda: None

    @property
    def online(self) -> bool:
        """Whether a bot is connected and logged in."""
        return any(connection.session is not None for connection in self._connections)

    @property
    def intents(self) -> int:
        """The intents of all sessions together."""
        intents = 0
        for session in self._sessions.values():
            intents |= session.intents
        return intents

    def dispatch(self, name: str, data: dict[str, Any], intent: int = 0) -> None:
        """Sends an event to every session that asked for its kind.

        Args:
            name: The event's name.
            data: Its data.
            intent: The intent it needs, 0 for none.
        """
        for session in self._sessions.values():
            if not intent or session.intents & intent:
                self._check(name, data)
                session.dispatch(name, data)

    def drop(self, *, at_once: bool = True) -> None:
        """Ends all connections as a fault of the network would (or with a close code); sessions may be resumed."""
        for connection in self._connections:
            if at_once and connection.transport is not None:
                connection.transport.abort()
            else:
                connection.close(UNKNOWN_ERROR)
            self._let_go(connection)

    def ask_to_reconnect(self) -> None:
        """Tells all bots to connect anew and resume, as Discord does before it restarts a server."""
        for connection in self._connections:
            connection.send({"op": RECONNECT, "d": None, "s": None, "t": None})

    def invalidate(self, *, resumable: bool) -> None:
        """Tells all bots that their session is invalid; the one that cannot be resumed is forgotten."""
        for connection in self._connections:
            connection.send({"op": INVALID_SESSION, "d": resumable, "s": None, "t": None})
            if not resumable and connection.session is not None:
                self._sessions.pop(connection.session.id, None)
            self._let_go(connection)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serves one websocket."""
        try:
            connection = Connection(
                web.WebSocketResponse(max_msg_size=2**20, receive_timeout=2 * HEARTBEAT_MS / 1000), request
            )
        except ValueError as error:
            self.errors.append(str(error))
            return web.Response(status=400, text=str(error))
        socket = connection.socket
        await socket.prepare(request)
        self._connections.add(connection)
        writing = asyncio.create_task(connection.write())
        connection.send({"op": HELLO, "d": {"heartbeat_interval": HEARTBEAT_MS}, "s": None, "t": None})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, message.data)
        except TimeoutError:
            await socket.close(code=TIMED_OUT)
        finally:
            writing.cancel()
            self._connections.discard(connection)
            self._let_go(connection)
        return socket

    async def close(self) -> None:
        """Closes all connections for good."""
        for connection in list(self._connections):
            await connection.socket.close(code=1000)

    def _receive(self, connection: Connection, text: str) -> None:
        try:
            payload = json.loads(text)
            operation, data = payload["op"], payload["d"]
        except (ValueError, KeyError, TypeError):
            connection.close(DECODE_ERROR)
            return
        match operation:
            case 1:
                connection.send({"op": HEARTBEAT_ACK, "d": None, "s": None, "t": None})
            case 2:
                self._identify(connection, data)
            case 6:
                self._resume(connection, data)
            case 3 | 4 if connection.session is None:
                connection.close(NOT_AUTHENTICATED)
            case 3 | 4:
                return
            case _:
                self.errors.append(f"unknown gateway operation {operation}")
                connection.close(UNKNOWN_OPCODE)

    def _identify(self, connection: Connection, data: dict[str, Any]) -> None:
        if data["token"] != self._token:
            connection.close(WRONG_TOKEN)
            return
        if connection.session is not None:
            connection.close(TWICE_AUTHENTICATED)
            return
        self._forget_the_gone()
        session = Session(secrets.token_hex(16), data["intents"], connection)
        self._sessions[session.id] = connection.session = session
        for name, event in self._greet(session.id, data.get("shard") or [0, 1]):
            self._check(name, event)
            session.dispatch(name, event)
        self.identified.set()
        self.on_presence()

    def _resume(self, connection: Connection, data: dict[str, Any]) -> None:
        session = self._sessions.get(data["session_id"])
        if data["token"] != self._token:
            connection.close(WRONG_TOKEN)
            return
        if session is None or not session.can_replay_after(data["seq"]):
            connection.send({"op": INVALID_SESSION, "d": False, "s": None, "t": None})
            return
        self.resumes += 1
        session.connection, connection.session = connection, session
        for event in session.events:
            if event["s"] > data["seq"]:
                connection.send(event)
        session.dispatch("RESUMED", {})
        self.on_presence()

    def _let_go(self, connection: Connection) -> None:
        session, connection.session = connection.session, None
        if session is not None and session.connection is connection:
            session.connection = None
            self.on_presence()

    def _forget_the_gone(self) -> None:
        """A new login ends the sessions that nobody listens to."""
        self._sessions = {key: each for key, each in self._sessions.items() if each.connection is not None}
