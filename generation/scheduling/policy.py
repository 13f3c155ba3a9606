"""Which pictures share the next UNet call: pure decisions, no tensors.

The least product of remaining and whole work goes first (the RS rule of Wierman, Harchol-Balter & Osogami 2005,
"Nearly insensitive bounds on SMART scheduling"): what counts is how many times as long as alone a picture takes, so a
quick draft does not even wait for the last steps of a long job. Three bounds keep that fair. The queue admits in its
fair order, and the picture admitted first gets at least one part in PATIENCE + 1 of the device's time, so nobody
takes longer than PATIENCE + 1 times the work up to its own. Pictures whose weights are not on the device wait until
those that are there have had QUANTUM calls, so weights do not come and go with every call, and nobody waits for them
longer than that. And pictures share a call only where a table measured on this device says that it pays, and where
their work is of an order: what a draft would lose by a long job in its few calls is more than that job would gain
(docs/decisions/0010).
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from generation.scheduling.batch_table import BatchTable

PATIENCE = 7
QUANTUM = 16
FAR = 6  # times a picture's whole work, from which another has too much of it to join its calls


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture that waits for its next UNet call.

    Attributes:
        key: Equal for pictures whose tensors can lie in one call.
        weights: What has to lie on the device for it: checkpoint and LoRA set.
        ready: Whether that lies there now.
        remaining: UNet calls it still needs.
        total: UNet calls it needs from its beginning.
        rows: Rows of a call it takes: two with guidance, one without.
        pixels: Its area.
        alone: Whether it may not share a call, for want of memory.
    """

    key: Hashable
    weights: Hashable
    remaining: int
    total: int
    pixels: int
    rows: int = 2
    ready: bool = True
    alone: bool = False

    @property
    def cost(self) -> int:
        """The work of its next call, in pixels of a row."""
        return self.rows * self.pixels

    @property
    def rank(self) -> int:
        """The product of its remaining and its whole work; the least leads."""
        return self.remaining * self.total * self.cost**2


@dataclass(frozen=True, slots=True)
class Turn:
    """What the calls so far were spent on.

    Attributes:
        held: Calls since weights were last brought to the device.
        passed: Work that went past the picture admitted first since its own last call.
    """

    held: int = 0
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """The pictures of the next call, the leading one first, and the turn to go on with once the call is made."""

    indices: tuple[int, ...]
    turn: Turn


def choose(candidates: Sequence[Candidate], turn: Turn, tables: Callable[[int], BatchTable]) -> Choice:
    """Chooses the pictures of the next call.

    Args:
        candidates: Everything that waits, in the order of admission.
        turn: What the calls so far were spent on.
        tables: For the index of a candidate, how many pictures of a size share a call with its weights.

    Returns:
        Indices into `candidates`; none only if there are no candidates.
    """
    if not candidates:
        return Choice((), turn)
    pool = _pool(candidates, turn)
    oldest = pool[0]
    ranked = sorted(pool, key=lambda index: candidates[index].rank)
    impatient = turn.passed >= PATIENCE * candidates[oldest].cost
    lead = oldest if impatient else ranked[0]
    chosen = _with_mates(candidates, lead, ranked, tables(lead))
    cost = sum(candidates[index].cost for index in chosen)
    held = turn.held + 1 if candidates[lead].ready else 1
    return Choice(chosen, Turn(held, 0 if oldest in chosen else turn.passed + cost))


def _pool(candidates: Sequence[Candidate], turn: Turn) -> list[int]:
    """Says who may have the next call at all: those whose weights are there, or those the next weights are for."""
    near = [index for index, candidate in enumerate(candidates) if candidate.ready]
    far = [index for index, candidate in enumerate(candidates) if not candidate.ready]
    if near and (not far or turn.held < QUANTUM):
        return near
    return [index for index in far if candidates[index].weights == candidates[far[0]].weights]


def _with_mates(
    candidates: Sequence[Candidate], lead: int, ranked: Sequence[int], table: BatchTable
) -> tuple[int, ...]:
    leader = candidates[lead]
    if leader.alone:
        return (lead,)
    mates = [index for index in ranked if index != lead and _can_share(candidates[index], leader)]
    return (lead, *mates[: table.pictures(leader.pixels, len(mates) + 1) - 1])


def _can_share(mate: Candidate, leader: Candidate) -> bool:
    of_an_order = mate.total * mate.cost <= FAR * leader.total * leader.cost
    return (mate.key, mate.weights) == (leader.key, leader.weights) and of_an_order and not mate.alone
