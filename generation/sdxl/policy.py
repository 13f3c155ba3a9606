"""Which pictures share the next UNet call: pure decisions, no tensors."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

PIXELS_PER_CALL = 1024 * 1024  # beyond this a larger batch gains little and delays everybody in it
MAX_PICTURES_PER_CALL = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture that waits for its next UNet call.

    Attributes:
        key: Equal for pictures that can share a call.
        remaining: UNet calls it still needs.
        waited: Calls that went to others since it was admitted.
        pixels: Its area.
        alone: Whether it may not share a call, for want of memory.
    """

    key: Hashable
    remaining: int
    waited: int
    pixels: int
    alone: bool = False


def choose(candidates: Sequence[Candidate]) -> list[int]:
    """Chooses the pictures of the next call.

    The least remaining work goes first, so that a quick draft does not wait behind a long job. Every call a
    picture has waited counts as one call less to do, so that nobody waits for ever.

    Returns:
        Indices into `candidates`, the leading picture first; empty only if there are none.
    """
    ranked = sorted(range(len(candidates)), key=lambda i: candidates[i].remaining - candidates[i].waited)
    if not ranked:
        return []
    lead = candidates[ranked[0]]
    if lead.alone:
        return ranked[:1]
    fitting = [i for i in ranked if candidates[i].key == lead.key and not candidates[i].alone]
    return fitting[: pictures_per_call(lead.pixels)]


def pictures_per_call(pixels: int) -> int:
    """Says how many pictures of an area share a call: one at 1024x1024, four at 512x512, at most eight."""
    return max(1, min(MAX_PICTURES_PER_CALL, PIXELS_PER_CALL // pixels))
