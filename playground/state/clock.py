"""The playground's time and the ids made from it."""

import itertools
from datetime import UTC, datetime, timedelta

EPOCH_MS = 1420070400000
FOUNDED_MS = 1704067200000  # 2024-01-01, when the playground's own people joined


class Clock:
    """The server's time; tests may move it on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Returns the server's time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the server's time on."""
        self._ahead += timedelta(seconds=seconds)

    def age(self, moment: datetime) -> float:
        """Returns the seconds since a moment."""
        return (self.now() - moment).total_seconds()


def founding_id(number: int) -> int:
    """Returns an id that is the same at every start, for what has always been there."""
    return ((FOUNDED_MS - EPOCH_MS) << 22) + number


class Snowflakes:
    """Ids as Discord makes them: a time and a counter; each is greater than the one before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._last = 0

    def __call__(self) -> int:
        """Returns the next id."""
        milliseconds = int(self._clock.now().timestamp() * 1000) - EPOCH_MS
        self._last = max((milliseconds << 22) | (next(self._numbers) & 0x3FFFFF), self._last + 1)
        return self._last
