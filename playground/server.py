"""A small, honest Discord on 127.0.0.1 that the unmodified bot logs in to, with a page for people."""

import errno
from typing import Self

from aiohttp import web

from playground.events.actions import Actions
from playground.events.broadcast import Broadcast
from playground.events.gateway import Event, Gateway
from playground.events.portrait import Portrait
from playground.page_api import PageApi
from playground.rest.answers import AnswerRoutes
from playground.rest.commands import CommandRoutes
from playground.rest.login import LoginRoutes
from playground.rest.messages import MessageRoutes
from playground.rest.pipeline import API, Observer, Pipeline, Unobserved
from playground.rest.reactions import ReactionRoutes
from playground.rest.safety import Door
from playground.state.faults import Faults
from playground.state.limits import RateLimits
from playground.state.world import World

HOST = "127.0.0.1"
PORTS_TRIED = 20
WAITING_CONNECTIONS = 1024  # the system drops what is beyond, and each of those comes again only after a second
_BODY_LIMIT = 64 * 2**20  # above Discord's own limit, which has an answer of its own


class Playground:
    """One server with a few people and channels; one bot may log in, and people come by the page.

    Args:
        port: Where to listen; the next free one is taken if it is in use, any free one for 0.
        token: The bot's made-up token; a new one by default.
        observer: Is shown all traffic.

    Attributes:
        world: Everything there is.
        actions: What people do.
        faults: Troubles on demand.
        door: Who may open the page.
    """

    def __init__(self, port: int = 0, token: str | None = None, observer: Observer | None = None) -> None:
        self._port = port
        observer = observer or Unobserved()
        self.door = Door()
        self.world = World(token)
        self.faults = Faults()
        self.gateway = Gateway(self.world.token, self._greeting, observer.check_event)
        for_bot = Portrait(self.world, absolute=True)
        broadcast = Broadcast(self.world, self.gateway, for_bot, Portrait(self.world, absolute=False))
        self.actions = Actions(self.world, broadcast, for_bot)
        self._page = PageApi(self.world, self.gateway, broadcast, self.actions)
        self._pipeline = Pipeline(self.world, self.faults, RateLimits(), observer)
        self._routes = [
            *LoginRoutes(self.world).routes(),
            *CommandRoutes(self.world, broadcast, self.actions).routes(),
            *AnswerRoutes(self.world, broadcast, for_bot).routes(),
            *MessageRoutes(self.world, broadcast, for_bot).routes(),
            *ReactionRoutes(self.world, broadcast, self.actions).routes(),
        ]

    @property
    def errors(self) -> list[str]:
        """What the bot asked for that the playground does not know."""
        return [*self._pipeline.errors, *self.gateway.errors]

    @property
    def api_url(self) -> str:
        """What the bot's DISCORD_API_URL is set to."""
        return self.world.url + API

    @property
    def page_url(self) -> str:
        """What people open: the address that is printed, whose key works once; there is a new one after that."""
        return self._address(self.door.printed)

    def further_url(self) -> str:
        """Makes a further address for one browser."""
        return self._address(self.door.new_key())

    def _address(self, key: str) -> str:
        return f"{self.world.url}/?key={key}"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_BODY_LIMIT, middlewares=[self.door.check_host])
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/attachments/{channel}/{file}/{name}", self.world.cdn.serve)
        self._page.install(app, self.door)
        self._pipeline.install(app, self._routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await self._listen()
        self.world.url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.gateway.close()
        await self._page.close()
        await self._runner.cleanup()

    async def _listen(self) -> None:
        ports = range(self._port, min(self._port + PORTS_TRIED, 65536)) if self._port else (0,)
        for port in ports:
            try:
                await web.TCPSite(self._runner, HOST, port, backlog=WAITING_CONNECTIONS).start()
            except OSError as error:
                if error.errno != errno.EADDRINUSE or port == ports[-1]:
                    raise
            else:
                return

    def _greeting(self, session: str, shard: list[int]) -> list[Event]:
        bot = self.world.bot
        ready = {
            "v": 10, "user": {**bot.json(), "mfa_enabled": False, "verified": True, "email": None},
            "guilds": [{"id": str(self.world.guild_id), "unavailable": True}], "session_id": session,
            "resume_gateway_url": self.world.gateway_url, "shard": shard,
            "application": {"id": str(bot.id), "flags": 0, "flags_new": "0"},
        }  # fmt: skip
        return [("READY", ready), ("GUILD_CREATE", self.world.guild_json())]
