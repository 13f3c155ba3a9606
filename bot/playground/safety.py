"""Who may come in: only this machine's own browser, with the key of this run."""

import hmac
import re
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

REAL_TOKEN = re.compile(r"[\w-]{23,30}\.[\w-]{6,7}\.[\w-]{27,}")
COOKIE = "playground"
LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Lets people in by the key, and nobody whose browser was sent here by another site.

    Args:
        key: The key in the printed address.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    @web.middleware
    async def check_host(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses names of other machines that were made to point here (DNS rebinding), and other sites' pages."""
        if not is_loopback(f"//{request.host}"):
            return _refused("This server only answers to 127.0.0.1 and localhost.")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return _refused("This server does not talk to other sites' pages.")
        return await handler(request)

    def keyed(self, handler: Handler) -> Handler:
        """Wraps a handler that needs the key, in the address or in the cookie."""

        async def serve(request: web.Request) -> web.StreamResponse:
            given = request.query.get("key") or request.cookies.get(COOKIE, "")
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                return _refused("The key is missing or wrong: open the address that `easel run` printed.")
            return await handler(request)

        return serve

    def give_cookie(self, response: web.StreamResponse) -> None:
        """Lets the browser in from now on."""
        response.set_cookie(COOKIE, self._key, httponly=True, samesite="Strict")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:
        return False


def _refused(text: str) -> web.Response:
    return web.Response(status=403, text=text)
