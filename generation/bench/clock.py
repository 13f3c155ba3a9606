"""Time as it is measured here."""

import statistics
import time
from collections.abc import Callable

import torch


def now(device: torch.device) -> float:
    """Returns the seconds that this thread has worked on the CPU, or that have passed once a card has done its work.

    On the CPU with one thread, time that other programs take from this one is left out, so that ratios hold on a
    machine with other work too.
    """
    if device.type == "cpu" and torch.get_num_threads() == 1:
        return time.thread_time()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Times one piece of work."""
    start = now(device)
    work()
    return now(device) - start


def alternate(rounds: int, works: tuple[Callable[[], object], ...], device: torch.device) -> list[float]:
    """Times several pieces of work in turn, so that what disturbs one disturbs all; returns their medians."""
    times = [[seconds(work, device) for work in works] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]
