"""When works will be done: the engine's loop in simulated time, deciding by the very same policy. Pure.

The loop's turns repeat themselves until somebody is done, comes, or loses patience, so the simulation goes from one
such moment to the next instead of call by call.
"""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from generation.scheduling.batch_table import BatchTable
from generation.scheduling.policy import PATIENCE, Candidate, Turn, choose

__all__ = ["BatchTable", "Done", "Outline", "Pass", "Simulation"]

Tables = Callable[[str], BatchTable]


@dataclass(frozen=True, slots=True)
class Pass:
    """One way of a picture through its noise levels.

    Attributes:
        calls: UNet calls.
        pixels: The area of a call.
        shared: Seconds that a call takes however many pictures share it.
        own: Seconds that each picture adds to it.
    """

    calls: int
    pixels: int
    shared: float
    own: float


@dataclass(frozen=True, slots=True)
class Outline:
    """A request as far as the loop's time depends on it.

    Attributes:
        model: What paints it.
        size: Width and height; pictures of one size can share a call.
        rows: Rows of a call that a picture takes.
        count: Pictures.
        passes: What each of them goes through, at least one; an upscale's take no calls.
        finishing: Seconds that each picture takes beside its calls.
    """

    model: str
    size: tuple[int, int]
    rows: int
    count: int
    passes: tuple[Pass, ...]
    finishing: float

    @property
    def painting(self) -> tuple[Pass, ...]:
        """The passes that take UNet calls."""
        return tuple(each for each in self.passes if each.calls)

    @property
    def seconds(self) -> float:
        """What it takes by itself, sharing no call."""
        return self.count * (sum(each.calls * (each.shared + each.own) for each in self.passes) + self.finishing)


@dataclass(frozen=True, slots=True)
class Done:
    """A work that is done, and at which second."""

    name: str
    seconds: float


class _Picture:
    """One picture on its way, with calls left."""

    def __init__(self, name: str, outline: Outline, done: int) -> None:
        self.name = name
        self.finishing = outline.finishing
        self._outline = outline
        self._passes = deque(outline.painting)
        while done >= self._passes[0].calls:
            done -= self._passes.popleft().calls
        self._begin(done)

    def advance(self, calls: int) -> bool:
        """Takes its share of so many calls; says whether it is painted."""
        self.left -= calls
        if self.left > 0:
            self.candidate = self._stand()
            return False
        self._passes.popleft()
        if not self._passes:
            return True
        self._begin(0)
        return False

    def _begin(self, done: int) -> None:
        present = self._passes[0]
        self.shared, self.own = present.shared, present.own
        self.left = present.calls - done
        self.candidate = self._stand()

    def _stand(self) -> Candidate:
        outline, present = self._outline, self._passes[0]
        key = (outline.model, outline.size, present.pixels)
        return Candidate(key, outline.model, self.left, present.calls, present.pixels, outline.rows)


class Simulation:
    """The step loop over works that are only outlines.

    All checkpoints count as loaded: how long loading takes is not known before.

    Args:
        tables: For a model, how many pictures share a call.

    Attributes:
        seconds: The present time.
        events: What it took to come there, as a measure of how long the simulation takes.
    """

    def __init__(self, tables: Tables) -> None:
        self.seconds = 0.0
        self.events = 0
        self._tables = tables
        self._pictures: list[_Picture] = []
        self._painted: deque[tuple[str, float]] = deque()  # whose picture, and the seconds of its finishing
        self._left: Counter[str] = Counter()
        self._done: deque[Done] = deque()
        self._turn = Turn()
        self._midway = False

    def admit(self, name: str, outline: Outline, done: int = 0) -> None:
        """Takes a work in.

        Args:
            name: What it is called when it is done.
            outline: What it is.
            done: UNet calls its pictures have had in all.
        """
        painting = outline.painting
        if not painting:
            self._painted += [(name, outline.finishing)] * outline.count
            self._left[name] = outline.count
            return
        each = sum(present.calls for present in painting)
        together = self._tables(outline.model).pictures(painting[0].pixels, outline.count)
        had = spread(done, each, outline.count, together)
        pictures = [_Picture(name, outline, calls) for calls in had if calls < each]
        self._pictures += pictures
        if not pictures:
            self._painted.append((name, outline.finishing))
        self._left[name] = max(len(pictures), 1)
        self._midway = self._midway or bool(done)

    def advance(self, until: float = math.inf) -> Done | None:
        """Goes on to the next work that is done; None at the second `until`, or if there is nothing to do."""
        while not self._done:
            if not (self._pictures or self._painted) or self.seconds >= until:
                return None
            self.events += 1
            if self._pictures:
                self._leap(until)
            if self._painted:
                self._finish(*self._painted.popleft())
        return self._done.popleft()

    def _leap(self, until: float) -> None:
        """Makes equal calls until something is different; pictures that are painted are finished one after a call."""
        candidates = [picture.candidate for picture in self._pictures]
        limit = PATIENCE * candidates[0].cost
        if self._midway:  # how long the first has waited is not known; half of what it puts up with is likely
            self._turn = Turn(passed=limit // 2)
        impatient = self._turn.passed >= limit
        choice = choose(candidates, self._turn, lambda lead: self._tables(str(candidates[lead].weights)))
        chosen = [self._pictures[index] for index in choice.indices]
        seconds = chosen[0].shared + sum(picture.own for picture in chosen)
        if self._midway:  # half a call is still being made
            self.seconds, self._midway = self.seconds + seconds / 2, False
        calls = 1 if impatient or self._painted else min(picture.left for picture in chosen)
        if until < math.inf:
            calls = min(calls, max(math.ceil((until - self.seconds) / seconds), 1))
        passed = choice.turn.passed
        if passed:
            cost = sum(picture.candidate.cost for picture in chosen)
            calls = min(calls, 1 + max(math.ceil((limit - passed) / cost), 0))
            passed += (calls - 1) * cost
        self._turn = Turn(choice.turn.held, passed)
        self.seconds += calls * seconds
        for picture in chosen:
            if picture.advance(calls):
                self._pictures.remove(picture)
                self._painted.append((picture.name, picture.finishing))

    def _finish(self, name: str, finishing: float) -> None:
        self.seconds += finishing
        self._left[name] -= 1
        if not self._left[name]:
            self._done.append(Done(name, self.seconds))


def spread(done: int, each: int, count: int, together: int) -> list[int]:
    """Tells how many of a work's UNet calls each of its pictures had: those that share calls go in step, in turn.

    Args:
        done: Calls of all of them.
        each: Calls that one picture needs.
        count: Pictures.
        together: How many share a call.
    """
    had = []
    for first in range(0, count, together):
        group = min(together, count - first)
        had += [min(done // group, each)] * group
        done = max(done - group * each, 0)
    return had
