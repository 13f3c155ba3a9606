"""Who may come in: only this machine's own browser, with a key that works once."""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

REAL_TOKEN = re.compile(r"[\w-]{23,30}\.[\w-]{6,7}\.[\w-]{27,}")
LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}
USED = (
    "This address does not work, or was used already: each one opens the page in one browser. `easel run` prints a new "
    "address in its terminal whenever the last one was used; open that. If you have just opened a new one, reload this "
    "page."
)
REFUSED = (
    "The key is missing: open the newest address that `easel run` printed in its terminal. If you have just opened it, "
    "reload this page."
)

_UNKEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """Lets a browser in that brings a key, once for each key, and knows it by a cookie from then on.

    The key stands in an address, so other accounts may read it in the browser's command line; by then it is used up.
    The cookie's name and value are random and shown nowhere.

    Args:
        on_used: Called after the printed key was used; `printed` is a new one by then.
    """

    def __init__(self, on_used: Callable[[], None] = lambda: None) -> None:
        self.on_used = on_used
        self._keys: set[str] = set()
        self.printed = self.new_key()
        self._cookie = f"playground-{secrets.token_hex(8)}"
        self._sessions: set[str] = set()

    def new_key(self) -> str:
        """Makes a key that lets one browser in."""
        key = secrets.token_urlsafe(18)
        self._keys.add(key)
        return key

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
        """Wraps a handler that only serves browsers which were let in."""

        async def serve(request: web.Request) -> web.StreamResponse:
            return await handler(request) if self._knows(request) else _refused(REFUSED)

        return serve

    def exchanging(self, handler: Handler) -> Handler:
        """Wraps the page's handler, which also takes a key: it is used up, and the browser sent on with its cookie."""
        known = self.keyed(handler)

        async def serve(request: web.Request) -> web.StreamResponse:
            given = request.query.get("key")
            if given is None:
                return await known(request)
            key = _found(given, self._keys)
            if key is None and not self._knows(request):
                return _refused(USED)
            response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/", **_UNKEPT})
            if key is not None:
                self._use(key, response)
            return response

        return serve

    def _use(self, key: str, response: web.StreamResponse) -> None:
        self._keys.remove(key)
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        response.set_cookie(self._cookie, session, httponly=True, samesite="Strict")
        if key == self.printed:
            self.printed = self.new_key()
            self.on_used()

    def _knows(self, request: web.Request) -> bool:
        return _found(request.cookies.get(self._cookie, ""), self._sessions) is not None


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        return urlsplit(url).hostname in LOOPBACK_NAMES
    except ValueError:
        return False


def _found(given: str, secret: Iterable[str]) -> str | None:
    """Finds a secret without telling by the time it takes how much of it was right."""
    return next((each for each in secret if hmac.compare_digest(each.encode(), given.encode())), None)


def _refused(text: str) -> web.Response:
    return web.Response(status=HTTPStatus.FORBIDDEN, text=text, headers=_UNKEPT)
