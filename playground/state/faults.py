"""Troubles on demand: what Discord and the network do on a bad day."""

import asyncio
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import NoReturn

from aiohttp import web

from playground.state.wire import json_answer


class Fault(Enum):
    """What goes wrong with a request."""

    RATE_LIMITED = auto()
    SERVER_ERROR = auto()
    BAD_GATEWAY = auto()
    TOO_LARGE = auto()
    FORBIDDEN = auto()
    EXPIRED_TOKEN = auto()
    DROPPED = auto()  # before anything is done
    ANSWER_LOST = auto()  # after everything is done
    SLOW = auto()


@dataclass
class _Rule:
    method: str
    path: re.Pattern[str]
    fault: Fault
    left: int


_ANSWERS = {
    Fault.SERVER_ERROR: (500, 0, "500: Internal Server Error"),
    Fault.TOO_LARGE: (413, 40005, "Request entity too large"),
    Fault.FORBIDDEN: (403, 50013, "Missing Permissions"),
    Fault.EXPIRED_TOKEN: (401, 50027, "Invalid Webhook Token"),
}


class Faults:
    """Rules for the requests to come."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self.slow_seconds = 1.0

    def add(self, method: str, path: str, fault: Fault, times: int = 1) -> None:
        """Lets the next requests of a method, whose path matches a pattern, go wrong."""
        self._rules.append(_Rule(method, re.compile(path), fault, times))

    def clear(self) -> None:
        """Lets nothing go wrong any more."""
        self._rules.clear()

    def take(self, request: web.Request) -> Fault | None:
        """Uses up the rule for a request, if there is one."""
        for rule in self._rules:
            if rule.left and rule.method == request.method and rule.path.search(request.path):
                rule.left -= 1
                return rule.fault
        return None

    async def before(self, fault: Fault | None, request: web.Request) -> web.Response | None:
        """Answers in place of the server, drops the connection, or lets the request through."""
        if fault in _ANSWERS:
            status, code, message = _ANSWERS[fault]
            return json_answer({"message": message, "code": code}, status)
        match fault:
            case Fault.DROPPED:
                _drop(request)
            case Fault.SLOW:
                await asyncio.sleep(self.slow_seconds)
            case Fault.RATE_LIMITED:
                body = {"message": "You are being rate limited.", "retry_after": 0.2, "global": False, "code": 0}
                return json_answer(body, 429, {"Via": "1.1 playground", "Retry-After": "1"})
            case Fault.BAD_GATEWAY:
                return web.Response(text="<html>502 Bad Gateway</html>", content_type="text/html", status=502)
        return None

    def after(self, fault: Fault | None, request: web.Request) -> None:
        """Loses the answer to a request that was carried out."""
        if fault is Fault.ANSWER_LOST:
            _drop(request)


def _drop(request: web.Request) -> NoReturn:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("dropped on purpose")
