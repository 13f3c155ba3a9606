"""What may happen again only after a while."""

import time
from collections.abc import Callable, Hashable

from cachetools import TTLCache

_MOST = 10_000  # keys; the oldest pass again sooner
Clock = Callable[[], float]


class Cooldown:
    """Lets each key pass once in so many seconds.

    Args:
        seconds: How long a key is held back after it has passed.
        clock: Seconds that only go up.
    """

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._passed: TTLCache[Hashable, None] = TTLCache(_MOST, seconds, timer=clock)

    def passes(self, key: Hashable) -> bool:
        """Whether a key may pass now; if so, it is held back from now on."""
        if key in self._passed:
            return False
        self._passed[key] = None
        return True
