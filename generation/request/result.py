"""What comes out of the engine, and what it says on the way."""

import math
from dataclasses import dataclass
from enum import StrEnum

from generation.request.request import GenerationRequest


class Stage(StrEnum):
    """What is happening to a request in the engine."""

    LOADING = "loading the model"
    PAINTING = "painting"
    FINISHING = "finishing"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request has come.

    Attributes:
        stage: What is happening now.
        done: UNet calls its pictures have had so far; where a prompt and its negative prompt take separate calls, two
            count as one.
        total: UNet calls they need in all, counted in the same way.
        preview: The newest rough picture of what is coming, a small JPEG; None while there is none.
        device_seconds: What the device has spent on it so far; on a card without the newest call.
    """

    stage: Stage
    done: int
    total: int
    preview: bytes | None = None
    device_seconds: float = 0.0

    def __post_init__(self) -> None:
        if min(self.done, self.total) < 0 or not _is_measurement(self.device_seconds):
            raise ValueError("progress cannot be negative")

    @property
    def fraction(self) -> float:
        """The share of the work that is done, 0 to 1."""
        return self.done / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Artifact:
    """One finished file.

    Attributes:
        data: The file's bytes; a PNG carries its recipe.
        media_type: Such as "image/png".
        request: The request that paints this very picture alone.
    """

    data: bytes
    media_type: str
    request: GenerationRequest


@dataclass(frozen=True, slots=True)
class GenerationResult:
    """All pictures of a request, in order.

    Attributes:
        artifacts: One finished picture for each of the request's count.
        seconds: Time from admission to the engine until the last picture was decoded.
        notes: What a person should know of how it was made, such as savings of memory.
        device_seconds: The request's share of the device's time; at most `seconds`, less where others painted too.
        calls: Its share of the UNet calls: one that it shared counts by its rows. 0 if that is not known.
    """

    artifacts: tuple[Artifact, ...]
    seconds: float
    notes: tuple[str, ...] = ()
    device_seconds: float = 0.0
    calls: float = 0.0

    def __post_init__(self) -> None:
        for measured in (self.seconds, self.device_seconds, self.calls):
            if not _is_measurement(measured):
                raise ValueError(f"{measured} is no measurement")


def _is_measurement(value: float) -> bool:
    return math.isfinite(value) and value >= 0
