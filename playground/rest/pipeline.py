"""What every request of the bot goes through: faults, token, rate limits, its handler, and the checks of tests."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web

from playground.rest.safety import REAL_TOKEN
from playground.state.faults import Faults
from playground.state.limits import Limited, RateLimits
from playground.state.wire import Answer, Body, Call, Refusal, json_answer, read
from playground.state.world import World

log = logging.getLogger(__name__)

API = "/api/v10"
_BY_TOKEN = ("/webhooks/", "/interactions/")  # their path carries what lets the bot in
_PLACES = ("channel_id", "guild_id", "webhook_id", "webhook_token")


class Observer(Protocol):
    """Is shown all traffic; tests compare it with Discord's own descriptions."""

    def check_request(self, method: str, template: str, body: Any) -> None:
        """Looks at what the bot sent to a route."""

    def check_response(self, method: str, template: str, status: int, body: Any) -> None:
        """Looks at what the server answers."""

    def check_event(self, name: str, data: Any) -> None:
        """Looks at an event sent through the gateway."""


class Unobserved:
    """Looks at nothing."""

    def check_request(self, method: str, template: str, body: Any) -> None:
        """Looks away."""

    def check_response(self, method: str, template: str, status: int, body: Any) -> None:
        """Looks away."""

    def check_event(self, name: str, data: Any) -> None:
        """Looks away."""


@dataclass(frozen=True)
class Route:
    """One route of Discord's API and what answers it."""

    method: str
    template: str
    handler: Callable[[Call], Awaitable[Answer]]


class Pipeline:
    """Serves routes, and refuses all others loudly.

    Attributes:
        errors: What the bot asked for that the playground does not know.
    """

    def __init__(self, world: World, faults: Faults, limits: RateLimits, observer: Observer) -> None:
        self._world = world
        self._faults = faults
        self._limits = limits
        self._observer = observer
        self.errors: list[str] = []

    def install(self, app: web.Application, routes: list[Route]) -> None:
        """Adds the routes, and the one for everything else under the API's address."""
        for route in routes:
            app.router.add_route(route.method, API + route.template, self._serving(route))
        app.router.add_route("*", "/api/{rest:.*}", self._unknown)

    def _serving(self, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            return await self._serve(route, request)

        return serve

    async def _serve(self, route: Route, request: web.Request) -> web.Response:
        fault = self._faults.take(request)
        headers: dict[str, str] = {}
        try:
            body = await read(request)
            self._look_at(route, body)
            answered = await self._faults.before(fault, request)
            if answered is not None:
                return answered
            self._authorise(request, route.template)
            taken = self._limits.take(route.method, route.template, _place(request))
            if isinstance(taken, Limited):
                return json_answer(taken.body(), 429, taken.all_headers())
            headers = taken
            status, answer = await route.handler(Call(request, body))
        except Refusal as refusal:
            status, answer = refusal.status, refusal.body
            log.info("refused %s %s: %s", route.method, route.template, refusal)
        self._faults.after(fault, request)
        if answer is None:
            return web.Response(status=status, headers=headers)
        self._observer.check_response(route.method, route.template, status, answer)
        return json_answer(answer, status, headers)

    def _look_at(self, route: Route, body: Body) -> None:
        if body.payload is not None:
            self._observer.check_request(route.method, route.template, body.payload)

    def _authorise(self, request: web.Request, template: str) -> None:
        given = request.headers.get("Authorization", "")
        if REAL_TOKEN.search(given):
            log.error("a real-looking bot token came in and was refused; this is a playground, not Discord")
            raise Refusal(401, 0, "401: Unauthorized")
        if not template.startswith(_BY_TOKEN) and given != f"Bot {self._world.token}":
            raise Refusal(401, 0, "401: Unauthorized")

    async def _unknown(self, request: web.Request) -> web.Response:
        text = f"{request.method} {request.path} is not a route that the playground knows"
        self.errors.append(text)
        log.error("%s", text)
        return json_answer({"code": 0, "message": f"404: {text}"}, 404)


def _place(request: web.Request) -> str:
    return "/".join(request.match_info[name] for name in _PLACES if name in request.match_info)
