"""How much of a model may lie on a device, chosen from what is free there. Pure."""

from collections.abc import Sequence
from enum import StrEnum

WORKING = 2 * 2**30  # bytes that painting at 1024x1024 takes beside the weights


class Rung(StrEnum):
    """How much of a model lies on the device at a time."""

    RESIDENT = "all of it"
    OFFLOADED = "the stage in use"
    STREAMED = "the layers in use"


def choose_rung(free: int | None, stages: Sequence[int]) -> Rung:
    """Chooses the fastest way that fits: SDXL in 16 bit whole from 9.1 GB free, by stages from 7.3, else by layers.

    Args:
        free: Bytes free on the device before the model comes; None where main memory is all there is.
        stages: Bytes of the stages that are used one after the other.
    """
    if free is None or free >= sum(stages) + WORKING:
        return Rung.RESIDENT
    return Rung.OFFLOADED if free >= max(stages) + WORKING else Rung.STREAMED
