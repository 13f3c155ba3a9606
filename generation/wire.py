"""What the bot's process and the engine's say to each other, and how it goes through a pipe.

Only frozen values, bytes and errors cross, as at every wall; each message is its length and then its pickle. Both
ends are this program on this machine, started one by the other.
"""

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import BinaryIO

from generation.request import GenerationRequest
from generation.result import GenerationResult, Progress
from generation.sdxl.table import CallTable
from generation.settings import GenerationSettings

HEAD = struct.Struct("!Q")  # a message's length in bytes

DEVICE_LOST = 70  # the exit code of an engine whose card does nothing more until another process uses it


@dataclass(frozen=True, slots=True)
class Setup:
    """The first word to the engine.

    Attributes:
        settings: Device, precision, folders and so on.
        log_level: The lowest level of Easel's own log records, as a number of `logging`; libraries' start at INFO.
        threads: How many threads torch computes with on a CPU; None for its own choice.
    """

    settings: GenerationSettings
    log_level: int
    threads: int | None


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Get ready before anybody asks."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Paint a request.

    Attributes:
        number: What the request is called from here on.
        request: What to paint.
        watched: Whether its progress is wanted.
        inputs: The files of `request.inputs` by their SHA-256.
    """

    number: int
    request: GenerationRequest
    watched: bool
    inputs: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop painting a request."""

    number: int


@dataclass(frozen=True, slots=True)
class Close:
    """End everything under way, and then the process."""


@dataclass(frozen=True, slots=True)
class News:
    """How far a request has come."""

    number: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Painted:
    """A request is done."""

    number: int
    result: GenerationResult


@dataclass(frozen=True, slots=True)
class Failed:
    """A request cannot be painted."""

    number: int
    error: Exception


@dataclass(frozen=True, slots=True)
class Sharing:
    """How many pictures share a UNet call of a model."""

    model: str
    table: CallTable


@dataclass(frozen=True, slots=True)
class Logged:
    """A log record, its text complete.

    Attributes:
        attributes: Of the record, those that every record has; what a library adds may mean nothing elsewhere.
    """

    attributes: dict[str, str | int | float]


Order = Setup | WarmUp | Begin | Cancel | Close
Answer = News | Painted | Failed | Sharing | Logged


def packed(message: Order | Answer) -> bytes:
    """Returns a message as it goes through the pipe."""
    body = pickle.dumps(message, protocol=5)
    return HEAD.pack(len(body)) + body


def read_order(pipe: BinaryIO) -> Order | None:
    """Waits for the next order; None once there will be no more."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        return None
    order: Order = pickle.loads(body)  # noqa: S301 - from the process that started this one
    return order


async def read_answer(pipe: asyncio.StreamReader) -> Answer | None:
    """Waits for the next answer; None once there will be no more."""
    try:
        (length,) = HEAD.unpack(await pipe.readexactly(HEAD.size))
        body = await pipe.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    answer: Answer = pickle.loads(body)  # noqa: S301 - from the process that this one started
    return answer
