"""What may happen again only after a while."""

import time
from collections.abc import Callable, Hashable

Clock = Callable[[], float]


class Cooldown:
    """Lets each key pass once in so many seconds.

    Args:
        seconds: How long a key is held back after it has passed.
        clock: Seconds that only go up.
    """

    def __init__(self, seconds: float, clock: Clock = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._passed: dict[Hashable, float] = {}

    def passes(self, key: Hashable) -> bool:
        """Whether a key may pass now; if so, it is held back from now on."""
        now = self._clock()
        self._passed = {each: at for each, at in self._passed.items() if now - at < self._seconds}
        if key in self._passed:
            return False
        self._passed[key] = now
        return True
