"""Long work on the device that lets others in between: a generator that yields after every slice."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
Slices = Generator[None, None, T]


def to_the_end(slices: Slices[T]) -> T:
    """Does all of it without a pause and returns what comes out."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            result: T = end.value
            return result
