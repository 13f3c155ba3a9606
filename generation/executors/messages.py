"""The messages between the bot's process and the engine's, and how they go through a pipe.

Each message is its length in bytes and then msgpack of one of the few types below; nothing else can come out of the
pipe, whatever the other end sends. The same bytes are meant to cross machines, so the first message names the version
of the protocol, and a message longer than its limit is refused before it is read.
"""

import asyncio
import logging
import struct
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, BinaryIO, TypeVar

import msgspec

from generation.errors import (
    DeviceMemoryError,
    EngineFailureError,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationError,
    InvalidRequestError,
    ModelError,
    ProtocolError,
)
from generation.request.request import GenerationRequest
from generation.request.result import GenerationResult, Progress
from generation.scheduling.batch_table import BatchTable
from generation.settings import GenerationSettings

PROTOCOL = 2  # raise it with every change of a message, or of a value inside one
HEAD = struct.Struct("!Q")  # a message's length in bytes
MAX_COMMAND = 1 << 27  # bytes: two input files of 25 MB, and the rest
MAX_ANSWER = 1 << 30  # bytes: ten pictures of 4096x4096 without compression take half of it

DEVICE_LOST = 70  # the exit code of an engine whose card does nothing more until another process uses it

# The errors that cross, by name. One of a library crosses as EngineFailureError, with its traceback as a note.
ERRORS: Mapping[str, type[Exception]] = {
    each.__name__: each
    for each in (
        GenerationError,
        InvalidRequestError,
        ModelError,
        DeviceMemoryError,
        GenerationCancelledError,
        ExecutorClosedError,
        EngineFailureError,
    )
}


class Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """What all messages have in common: they are frozen, and their type's name goes with them."""


class Setup(Message, frozen=True):
    """The first message to the engine. Its name and `protocol` stay what they are in every version.

    Attributes:
        protocol: The version of the protocol that the bot speaks.
        settings: Device, precision, folders and so on.
        log_level: The lowest level of Easel's own log records, as a number of `logging`; libraries' start at INFO.
        threads: How many threads torch computes with on a CPU; None for its own choice.
    """

    protocol: int
    settings: GenerationSettings
    log_level: int
    threads: int | None


class WarmUp(Message, frozen=True):
    """Get ready before anybody asks."""


class Begin(Message, frozen=True):
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


class Cancel(Message, frozen=True):
    """Stop painting a request."""

    number: int


class Close(Message, frozen=True):
    """End everything under way, and then the process."""


class Refused(Message, frozen=True):
    """The engine's only answer to a bot of another version. It stays what it is in every version.

    Attributes:
        protocol: The version of the protocol that the engine speaks.
    """

    protocol: int


class ProgressUpdate(Message, frozen=True):
    """How far a request has come."""

    number: int
    progress: Progress


class Generated(Message, frozen=True):
    """A request is done."""

    number: int
    result: GenerationResult


class Failed(Message, frozen=True):
    """A request cannot be painted.

    Attributes:
        number: Which request.
        kind: The error's name in ERRORS.
        text: What it says.
        field: For an InvalidRequestError, the field that is wrong.
        notes: What was added to it, such as a traceback.
    """

    number: int
    kind: str
    text: str
    field: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ERRORS:
            raise ValueError(f"there is no error named {self.kind[:100]!r}")

    @property
    def error(self) -> Exception:
        """The error itself."""
        kind = ERRORS[self.kind]
        error = kind(self.field, self.text) if kind is InvalidRequestError else kind(self.text)
        for note in self.notes:
            error.add_note(note)
        return error


class BatchTableUpdate(Message, frozen=True):
    """How many pictures share a UNet call of a model."""

    model: str
    table: BatchTable


class Logged(Message, frozen=True):
    """A log record, its text complete; the names are those of `logging.LogRecord`."""

    name: str
    levelno: int
    levelname: str
    msg: str
    created: float
    msecs: float
    threadName: str | None  # noqa: N815 - logging's own name
    pathname: str
    lineno: int
    funcName: str | None  # noqa: N815 - likewise


Command = Setup | WarmUp | Begin | Cancel | Close
Answer = Refused | ProgressUpdate | Generated | Failed | BatchTableUpdate | Logged
Some = TypeVar("Some")


class _Opening(msgspec.Struct, frozen=True, tag="Setup"):
    """As much of a Setup as every version understands."""

    protocol: int


def failed(number: int, error: Exception) -> Failed:
    """Puts an error into a message: as the nearest of its types that are known on the other side."""
    kind = next((each.__name__ for each in type(error).__mro__ if ERRORS.get(each.__name__) is each), None)
    if kind is None:
        raise AssertionError(f"{type(error).__name__} is none of the errors that cross")
    field = error.field if isinstance(error, InvalidRequestError) else ""
    return Failed(number, kind, _unicode(str(error)), field, tuple(map(_unicode, getattr(error, "__notes__", ()))))


def logged(record: logging.LogRecord) -> Logged:
    """Puts a log record whose text is complete into a message."""
    values = {name: getattr(record, name) for name in Logged.__struct_fields__}
    texts = {name: _unicode(value) for name, value in values.items() if isinstance(value, str)}
    return msgspec.convert(values | texts, Logged)


def packed(message: Command | Answer) -> bytearray:
    """Returns a message as it goes through the pipe.

    Raises:
        ProtocolError: It is too long, or holds text that is no Unicode.
    """
    frame = bytearray(HEAD.size)
    try:
        _ENCODER.encode_into(message, frame, HEAD.size)
    except UnicodeEncodeError as error:
        raise ProtocolError(f"{type(message).__name__} holds text that is no Unicode") from error
    length = len(frame) - HEAD.size
    _check_length(length, MAX_COMMAND if isinstance(message, Command) else MAX_ANSWER)
    HEAD.pack_into(frame, 0, length)
    return frame


def read_setup(pipe: BinaryIO) -> Setup | Refused | None:
    """Waits for the first order.

    Returns:
        What to answer instead, if the other side speaks another version; None if there are no orders at all.

    Raises:
        ProtocolError: It is no Setup.
    """
    body = _read(pipe)
    if body is None:
        return None
    opening = _decoded(body, _OPENINGS)
    return _decoded(body, _SETUPS) if opening.protocol == PROTOCOL else Refused(PROTOCOL)


def read_command(pipe: BinaryIO) -> Command | None:
    """Waits for the next order; None once there will be no more.

    Raises:
        ProtocolError: It is none of the orders.
    """
    body = _read(pipe)
    return None if body is None else _decoded(body, _ORDERS)


async def read_answer(pipe: asyncio.StreamReader) -> Answer | None:
    """Waits for the next answer; None once there will be no more.

    Raises:
        ProtocolError: It is none of the answers.
    """
    try:
        (length,) = HEAD.unpack(await pipe.readexactly(HEAD.size))
        _check_length(length, MAX_ANSWER)
        body = await pipe.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return _decoded(body, _ANSWERS)


def _read(pipe: BinaryIO) -> bytes | None:
    """Reads the body of one order."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (length,) = HEAD.unpack(head)
    _check_length(length, MAX_COMMAND)
    body = pipe.read(length)
    return body if len(body) == length else None


def _unicode(text: str) -> str:
    """Writes out what is no Unicode, such as a byte of a file's name."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _check_length(length: int, most: int) -> None:
    if length > most:
        raise ProtocolError(f"a message of {length:,} bytes is too long; at most {most:,} are possible")


def _decoded(body: bytes, decoder: "msgspec.msgpack.Decoder[Some]") -> Some:
    try:
        return decoder.decode(body)
    except (
        msgspec.DecodeError,
        GenerationError,
        RecursionError,
    ) as error:  # values check themselves when they are made
        raise ProtocolError(f"a message cannot be understood: {error}") from error


def _as_values(value: object) -> Any:
    if isinstance(value, GenerationSettings):
        return {name: getattr(value, name) for name in GenerationSettings.model_fields}
    if isinstance(value, PurePath):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} does not cross")


def _from_values(kind: type, values: Any) -> object:
    if kind is GenerationSettings:
        return GenerationSettings(_env_file=None, **values)  # every field is given, so the environment gives none
    raise NotImplementedError(f"{kind.__name__} does not cross")


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_as_values)
_OPENINGS = msgspec.msgpack.Decoder(_Opening)
_SETUPS = msgspec.msgpack.Decoder(Setup, dec_hook=_from_values)
_ORDERS: "msgspec.msgpack.Decoder[Command]" = msgspec.msgpack.Decoder(Command, dec_hook=_from_values)
_ANSWERS: "msgspec.msgpack.Decoder[Answer]" = msgspec.msgpack.Decoder(Answer)
