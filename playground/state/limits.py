"""Rate limits as Discord has them: buckets by route and place, told by headers, refused with 429."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

UPLOAD_LIMIT = 10 * 2**20
REQUEST_LIMIT = 25 * 2**20
FILES_LIMIT = 10
ACK_SECONDS, TOKEN_SECONDS = 3.0, 15 * 60.0
GLOBAL_PER_SECOND = 50


@dataclass
class Bucket:
    """So many requests in so many seconds."""

    name: str
    limit: int
    seconds: float
    times: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> float:
        """Counts a request; returns 0, or the seconds to wait when there have been too many."""
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        if len(self.times) >= self.limit:
            return self.times[0] + self.seconds - now
        self.times.append(now)
        return 0.0

    def headers(self, now: float) -> dict[str, str]:
        """Returns what an answer says about the bucket."""
        reset = self.times[0] + self.seconds - now if self.times else self.seconds
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.limit - len(self.times)),
            "X-RateLimit-Reset": f"{time.time() + reset:.3f}",
            "X-RateLimit-Reset-After": f"{reset:.3f}",
            "X-RateLimit-Bucket": self.name,
        }


@dataclass(frozen=True)
class Limited:
    """A request that came too soon."""

    retry_after: float
    everywhere: bool
    headers: dict[str, str]

    def body(self) -> dict[str, object]:
        """Returns what the 429 says."""
        return {
            "message": "You are being rate limited.", "retry_after": round(self.retry_after, 3),
            "global": self.everywhere, "code": 0,
        }  # fmt: skip

    def all_headers(self) -> dict[str, str]:
        """Returns the headers; without Via discord.py would take it for a ban."""
        scope = {"X-RateLimit-Scope": "global", "X-RateLimit-Global": "true"} if self.everywhere else {}
        retry = {"Retry-After": str(math.ceil(self.retry_after)), "Via": "1.1 playground"}
        return {**self.headers, "X-RateLimit-Scope": "user", **scope, **retry}


class RateLimits:
    """All buckets.

    Args:
        now: A monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._everything = Bucket("global", GLOBAL_PER_SECOND, 1.0)
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def take(self, method: str, template: str, place: str) -> Limited | dict[str, str]:
        """Counts a request; returns the answer's headers, or why it came too soon.

        Args:
            method: GET, POST and so on.
            template: The route.
            place: Its channel, server, or webhook with token: each has a bucket of its own.
        """
        now = self._now()
        if not template.startswith(("/interactions/", "/webhooks/")):
            wait = self._everything.take(now)
            if wait:
                return Limited(wait, everywhere=True, headers={})
        if template.startswith("/interactions/"):
            return {}
        bucket = self._bucket(method, template, place, now)
        wait = bucket.take(now)
        if wait:
            return Limited(wait, everywhere=False, headers=bucket.headers(now))
        return bucket.headers(now)

    def _bucket(self, method: str, template: str, place: str, now: float) -> Bucket:
        name, limit, seconds = _kind(method, template)
        key = (name, place)
        if key not in self._buckets:
            self._forget_idle(now)
            self._buckets[key] = Bucket(name, limit, seconds)
        return self._buckets[key]

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) < 1000:
            return
        self._buckets = {
            key: bucket for key, bucket in self._buckets.items()
            if bucket.times and bucket.times[-1] > now - bucket.seconds
        }  # fmt: skip


def _kind(method: str, template: str) -> tuple[str, int, float]:
    """Names the bucket of a route; the numbers are those that bots meet in practice."""
    if "/reactions" in template:
        return ("reactions", 1, 0.25) if method in {"PUT", "DELETE"} else ("reactors", 5, 5.0)
    if template.startswith("/webhooks/"):
        return "webhook", 5, 2.0
    if template.startswith("/channels/") and "/messages" in template:
        return f"messages-{method.lower()}", 5, 5.0
    if template.endswith("/commands"):
        return "commands", 5, 20.0
    return f"{method.lower()}{template.replace('/', '-')}", 50, 1.0
