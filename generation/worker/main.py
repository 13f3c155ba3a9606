"""The engine's process: reads orders, has an executor paint, and answers. `generation.executors.process` starts it."""

import asyncio
import faulthandler
import logging
import os
import signal
import threading
import traceback
from collections.abc import Callable
from functools import partial
from logging.handlers import QueueHandler
from pathlib import Path
from typing import BinaryIO

from generation.errors import EngineFailureError, GenerationError, ProtocolError
from generation.executors.base import Executor
from generation.executors.messages import (
    DEVICE_LOST,
    Answer,
    BatchTableUpdate,
    Begin,
    Cancel,
    Close,
    Command,
    Generated,
    ProgressUpdate,
    Refused,
    Setup,
    WarmUp,
    failed,
    logged,
    packed,
    read_command,
    read_setup,
)
from generation.models.catalog import Catalog
from generation.request.cancellation import CancelToken
from generation.request.result import GenerationResult, Progress
from generation.scheduling.batch_table import BatchTable
from generation.settings import GenerationSettings

log = logging.getLogger(__name__)

PROGRESS_SECONDS = 0.25  # messages are edited every three seconds at most, but countdowns go by it too

Make = Callable[[GenerationSettings], Executor]


class MessageWriter:
    """Says answers, whole ones, from any thread."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def say(self, answer: Answer) -> None:
        """Says one; where nobody listens any more, the process ends."""
        message = packed(answer)
        try:
            with self._lock:
                self._pipe.write(message)
                self._pipe.flush()
        except OSError:
            os._exit(1)  # the bot is gone: nobody waits for these pictures, and the device is to be free


class Forwarding(QueueHandler):
    """Lets log records be logged by the bot's process, with all others."""

    def __init__(self, writer: MessageWriter) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # there is no queue: `enqueue` says them
        self._writer = writer
        self.setFormatter(logging.Formatter("%(message)s"))  # the rest is the bot's to add

    def enqueue(self, record: logging.LogRecord) -> None:
        """Says one."""
        self._writer.say(logged(record))


class Worker:
    """Does what it is ordered to.

    Args:
        executor: What paints.
        mouth: Says what becomes of it.
    """

    def __init__(self, executor: Executor, writer: MessageWriter) -> None:
        self._executor = executor
        self._writer = writer
        self._tokens: dict[int, CancelToken] = {}
        self._paintings: set[asyncio.Task[GenerationResult]] = set()
        self._tables: dict[str, BatchTable] = {}
        self._warming: asyncio.Future[None] | None = None
        self._closing = asyncio.Event()

    async def serve(self, pipe: BinaryIO) -> None:
        """Works until it is told to close."""
        loop = asyncio.get_running_loop()

        def take(order: Command) -> None:
            loop.call_soon_threadsafe(self._take, order)

        threading.Thread(target=_listen, args=(pipe, take), name="orders", daemon=True).start()
        await self._closing.wait()
        await self._executor.close()
        await asyncio.gather(*self._paintings, return_exceptions=True)

    def _take(self, order: Command) -> None:
        match order:
            case Begin():
                token = self._tokens[order.number] = CancelToken()
                painting = asyncio.ensure_future(self._paint(order, token))
                self._paintings.add(painting)
                painting.add_done_callback(partial(self._answer, order))
            case Cancel(number) if number in self._tokens:
                self._tokens[number].cancel()
            case WarmUp():
                self._warming = asyncio.ensure_future(self._executor.start())
            case Close():
                self._closing.set()

    async def _paint(self, order: Begin, token: CancelToken) -> GenerationResult:
        def tell(progress: Progress) -> None:
            self._tell_of_sharing(order.request.model)
            self._writer.say(ProgressUpdate(order.number, progress))

        return await self._executor.generate(order.request, tell if order.watched else None, token, order.inputs)

    def _answer(self, order: Begin, painting: "asyncio.Task[GenerationResult]") -> None:
        self._paintings.discard(painting)
        del self._tokens[order.number]
        self._tell_of_sharing(order.request.model)
        try:
            self._writer.say(_answer_of(order.number, painting))
        except ProtocolError as error:
            self._writer.say(failed(order.number, _as_told(error)))

    def _tell_of_sharing(self, model: str) -> None:
        """Says how many pictures share a call of a model, where that is news."""
        table = self._executor.sharing(model)
        if self._tables.get(model) is not table:
            self._tables[model] = table
            self._writer.say(BatchTableUpdate(model, table))


def _answer_of(number: int, painting: "asyncio.Task[GenerationResult]") -> Answer:
    error = painting.exception()
    if error is None:
        return Generated(number, painting.result())
    return failed(number, error if isinstance(error, GenerationError) else _as_told(error))


def _listen(pipe: BinaryIO, take: Callable[[Command], object]) -> None:
    """Hands orders on; when the bot is gone without a word, so is this process, whatever it was at."""
    try:
        while (order := read_command(pipe)) is not None:
            take(order)
            if isinstance(order, Close):
                return
    except ProtocolError as error:
        log.error("the bot's orders cannot be understood, so the engine ends: %s", error)
    os._exit(1)


def _as_told(error: BaseException) -> EngineFailureError:
    """Makes an error of any library one that the bot's process can read."""
    told = EngineFailureError(f"{type(error).__name__}: {error}")
    told.add_note("".join(traceback.format_exception(error)))
    return told


def run(make: Make) -> None:
    """Works until it is told to close, or the bot is gone.

    Args:
        make: Makes what paints.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they are sent to the bot too, which decides when to end
    faulthandler.enable()
    orders, writer = _pipes()
    setup = read_setup(orders)
    if isinstance(setup, Refused):
        writer.say(setup)
    if not isinstance(setup, Setup):
        return
    logging.basicConfig(level=max(setup.log_level, logging.INFO), handlers=[Forwarding(writer)])
    logging.getLogger(__package__).setLevel(setup.log_level)
    if setup.threads is not None:
        os.putenv("OMP_NUM_THREADS", str(setup.threads))  # before torch is loaded

    async def work() -> None:
        await Worker(make(setup.settings), writer).serve(orders)

    asyncio.run(work())


def _pipes() -> tuple[BinaryIO, MessageWriter]:
    """Keeps the pipes to itself: what a library prints is no answer, and what it or a child of it reads is no order."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return orders, MessageWriter(answers)


def _give_up(error: BaseException) -> None:
    """Ends a process whose card does nothing more; the next one can use it."""
    log.error("the device does nothing more in this process", exc_info=error)
    os._exit(DEVICE_LOST)


def local(settings: GenerationSettings) -> Executor:
    """Returns what paints on this machine's device; loads torch, which must know its number of threads by then."""
    from generation.worker.local import LocalExecutor  # noqa: PLC0415

    catalog = Catalog(settings.models_path, settings.model)
    return LocalExecutor(settings, catalog, on_lost=_give_up, progress_seconds=PROGRESS_SECONDS)
