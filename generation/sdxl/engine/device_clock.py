"""The host beside a graphics card: how far it runs ahead, what the card's time was spent on, and what comes back.

A card works through what it was told in order, while the host goes on. Nothing here makes either wait for the other
longer than it must: the host stays one piece of work ahead, so that the card is never idle and a cancelled job is seen
within one UNet call; times are read off the card's own clock; pictures come back beside the next call.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from generation.sdxl.engine.work import Work

Event: Any = torch.cuda.Event  # torch has not annotated it

AHEAD = 1  # pieces of work that a card has been told of beside the one it is at


class DeviceClock:
    """Charges works for the device's time and keeps the host from running far ahead. Belongs to the device's thread."""

    def __init__(self) -> None:
        self._told: deque[tuple[Any, Any, Sequence[Work]]] = deque()

    @contextmanager
    def spent_on(self, works: Sequence[Work], device: torch.device) -> Iterator[None]:
        """Charges what is done inside to works in equal shares; one that is named twice pays twice.

        On a card they are charged once it is there. What raises is not charged.
        """
        if device.type != "cuda":
            start = time.perf_counter()
            yield
            _charge(works, time.perf_counter() - start)
            return
        begun, ended = (Event(enable_timing=True, blocking=True) for _ in range(2))
        begun.record()
        yield
        ended.record()
        self._told.append((begun, ended, works))
        self.settle()

    def settle(self) -> None:
        """Charges for what the device has done, and waits until it has little before it."""
        while self._told and (len(self._told) > AHEAD or self._told[0][1].query()):
            begun, ended, works = self._told.popleft()
            ended.synchronize()
            _charge(works, begun.elapsed_time(ended) / 1000)


class Download:
    """A tensor on its way into main memory, behind what the device was told before.

    Args:
        tensor: What is wanted; on a card it is copied into pinned memory, so that nobody waits for it.
    """

    def __init__(self, tensor: Tensor) -> None:
        self._event: Any = None
        if tensor.device.type == "cuda":
            self._here = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._here.copy_(tensor, non_blocking=True)
            self._event = Event()
            self._event.record()
        else:
            self._here = tensor.cpu()

    @property
    def done(self) -> bool:
        """Whether it is there."""
        return self._event is None or bool(self._event.query())

    def result(self) -> Tensor:
        """Returns it, waiting if need be."""
        if self._event is not None:
            self._event.synchronize()
        return self._here


def _charge(works: Sequence[Work], seconds: float) -> None:
    for work in works:
        work.charge(seconds / len(works))
