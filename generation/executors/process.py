"""The engine in a process of its own, so that neither it nor the bot waits for the other's Python.

Python serves one thread at a time. In a process of its own the device's thread never waits for the bot, and what ends
it (a card that fails, the system's want of memory, a crash in a driver) leaves the bot online: it starts the engine
again and has painted again what was under way (docs/decisions/0015).
"""

import asyncio
import itertools
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from typing import Self

import msgspec

from generation.errors import (
    EngineLostError,
    EngineVersionError,
    ExecutorClosedError,
    GenerationCancelledError,
    ProtocolError,
)
from generation.executors.base import NO_INPUTS, UNMEASURED, Inputs, OnProgress, let_go
from generation.executors.environment import engine_environment
from generation.executors.messages import (
    DEVICE_LOST,
    PROTOCOL,
    Answer,
    BatchTableUpdate,
    Begin,
    Cancel,
    Close,
    Command,
    Failed,
    Generated,
    Logged,
    ProgressUpdate,
    Refused,
    Setup,
    WarmUp,
    packed,
    read_answer,
)
from generation.request.cancellation import CancelToken
from generation.request.request import GenerationRequest
from generation.request.result import GenerationResult, Progress, Stage
from generation.scheduling.batch_table import BatchTable
from generation.settings import GenerationSettings

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "generation.worker")  # -P: not what happens to lie in this folder
MAX_ATTEMPTS = 3  # processes that may end while they are at a request, before it is given up
CLOSING_SECONDS = 10.0  # for ending in good order; then it is killed
PNG = b"\x89PNG\r\n\x1a\n"  # what its files begin with
BUFFER = 1 << 20  # bytes of answers that are taken in at once

STARTED_AGAIN = "The engine had to be started again meanwhile."
GIVEN_UP = (
    "The engine broke down {attempts} times while it was at this, so I gave it up. Try another size or model; "
    "whoever runs me finds the reason in my log."
)
KILLED = (
    "The system ended the engine while it worked on this, most likely because memory ran out, so I gave it up. "
    "Try a smaller size, a lower count or a shorter prompt; whoever runs me finds more in my log."
)
OTHER_VERSION = (
    "The engine belongs to another version of Easel than I do (it speaks version {theirs} of our protocol, I speak "
    "{ours}), so it cannot paint for me. Whoever runs me has to install one version for both and start me again."
)


class ProcessExecutor:
    """Paints in a process of its own; see Executor.

    Args:
        settings: Device, precision, slots and default model.
        threads: How many threads torch computes with on a CPU; None for its own choice.
        command: What starts the process.
    """

    def __init__(
        self, settings: GenerationSettings, threads: int | None = None, command: Sequence[str] = COMMAND
    ) -> None:
        self._setup = Setup(PROTOCOL, _of_the_engine(settings), log.getEffectiveLevel(), threads)
        self._command = command
        self._numbers = itertools.count(1)
        self._tables: dict[str, BatchTable] = {}
        self._process: EngineProcess | None = None
        self._starting = asyncio.Lock()
        self._again = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Starts the process, which loads torch and the default model by itself."""
        (await self._running()).send(WarmUp())

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        inputs: Inputs = NO_INPUTS,
    ) -> GenerationResult:
        """Paints one request; see Executor. What a process left unfinished is painted again by the next one.

        One that the system killed for this very request, which was alone in it or is being painted again, would be
        killed for it once more: the request is given up at once.

        Raises:
            EngineLostError: So many processes ended while they were at it, or the system killed one for it.
            EngineVersionError: The engine's process is of another version.
        """
        cancel = cancel or CancelToken()
        for attempt in range(MAX_ATTEMPTS):
            async with self._alone(cancel) if attempt else nullcontext():
                outcome = await self._paint(request, on_progress, cancel, inputs)
            if isinstance(outcome, GenerationResult):
                return replace(outcome, notes=(*outcome.notes, STARTED_AGAIN)) if attempt else outcome
            if cancel.cancelled:
                raise GenerationCancelledError("Cancelled.")
            if outcome is Ending.KILLED_FOR_ONE or (outcome is Ending.KILLED and attempt):
                raise EngineLostError(KILLED)
            if on_progress is not None:
                on_progress(Progress(Stage.LOADING, 0, request.calls))
        raise EngineLostError(GIVEN_UP.format(attempts=MAX_ATTEMPTS))

    def sharing(self, model: str) -> BatchTable:
        """Tells how many pictures share a UNet call; by rule of thumb until the model was painted with."""
        return self._tables.get(model, UNMEASURED)

    async def close(self) -> None:
        """Ends everything under way, and the process."""
        self._closed = True
        async with self._starting:
            if self._process is not None:
                await self._process.close()

    async def _running(self) -> "EngineProcess":
        async with self._starting:
            if self._closed:
                raise ExecutorClosedError("Easel is shutting down.")
            if self._process is None or self._process.ended:
                self._process = await EngineProcess.open(self._command, self._setup, self._tables)
            return self._process

    @asynccontextmanager
    async def _alone(self, cancel: CancelToken) -> AsyncIterator[None]:
        """Lets what was under way when a process ended go on one by one, so that what ended it is found."""
        loop = asyncio.get_running_loop()
        turn = asyncio.ensure_future(self._again.acquire())

        def stop() -> None:
            loop.call_soon_threadsafe(turn.cancel)

        with cancel.telling(stop):
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():
                    self._again.release()  # it had come to its turn in the same moment
                if cancel.cancelled:
                    raise GenerationCancelledError("Cancelled.") from None
                raise
        try:
            yield
        finally:
            self._again.release()

    async def _paint(
        self, request: GenerationRequest, on_progress: OnProgress | None, cancel: CancelToken, inputs: Inputs
    ) -> "Outcome":
        """Paints a request, or says how the process ended that was at it."""
        process, number = await self._running(), next(self._numbers)
        order = Begin(number, request, on_progress is not None, dict(inputs))
        painted = process.begin(order, on_progress)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(process.send, Cancel(number))

        with cancel.telling(stop):
            try:
                return await asyncio.shield(painted)
            except asyncio.CancelledError:
                cancel.cancel()
                await let_go(painted)
                raise


class Ending(Enum):
    """How a process ended that had not been told to."""

    BY_ITSELF = auto()
    KILLED = auto()  # by the system or a person, not by this program
    KILLED_FOR_ONE = auto()  # while it was at one request alone


Outcome = GenerationResult | Ending


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request under way in the engine's process: how many pictures it has, who waits for it, and who looks."""

    count: int
    painted: "asyncio.Future[Outcome]"
    on_progress: OnProgress | None


class EngineProcess:
    """One process of the engine's, from its start to its end. Made by `open`."""

    def __init__(self, process: asyncio.subprocess.Process, tables: dict[str, BatchTable]) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError("the engine is spoken with through pipes")
        self._process = process
        self._commands, self._answers = process.stdin, process.stdout
        self._tables = tables
        self._jobs: dict[int, InFlight] = {}
        self._closing = False
        self.ended = False
        self._task = asyncio.create_task(self._serve(), name="engine process")
        self._task.add_done_callback(_report)

    @classmethod
    async def open(cls, command: Sequence[str], setup: Setup, tables: dict[str, BatchTable]) -> Self:
        """Starts a process.

        Args:
            command: What starts it.
            setup: The first it is told.
            tables: Where it is kept how many pictures share a UNet call of a model.
        """
        pipe = asyncio.subprocess.PIPE
        started = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, limit=BUFFER, env=_environment()
        )
        process = cls(started, tables)
        process.send(setup)
        return process

    def send(self, order: Command) -> None:
        """Gives an order; one that has ended takes none."""
        if not (self.ended or self._commands.is_closing()):
            self._commands.write(packed(order))

    def begin(self, order: Begin, on_progress: OnProgress | None) -> "asyncio.Future[Outcome]":
        """Has a request painted; what comes of it is how the process ended, if it ends before."""
        painted: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        if self.ended:
            painted.set_result(Ending.BY_ITSELF)
        else:
            self.send(order)
            self._jobs[order.number] = InFlight(order.request.count, painted, on_progress)
        return painted

    async def close(self) -> None:
        """Ends it: in good order, or after a while by force."""
        self._closing = True
        self.send(Close())
        done, _ = await asyncio.wait([self._task], timeout=CLOSING_SECONDS)
        if not done:
            log.warning("the engine does not end by itself; it is killed")
            self._kill()
            await asyncio.wait([self._task])

    async def _serve(self) -> None:
        try:
            while (answer := await read_answer(self._answers)) is not None:
                self._take(answer)
        finally:
            await self._end()

    async def _end(self) -> None:
        self.ended = True
        self._commands.close()
        speaks = not self._answers.at_eof()
        if speaks:  # but is not understood, or nobody listens any more
            self._kill()
        code = await self._process.wait()
        if not self._closing:
            how = "the engine's process was ended, as nobody listens to it" if speaks else _how_it_ended(code)
            log.error("%s; %d jobs were under way", how, len(self._jobs))
        ending = Ending.BY_ITSELF
        if not (speaks or self._closing) and was_killed(code):
            ending = Ending.KILLED_FOR_ONE if len(self._jobs) == 1 else Ending.KILLED
        for job in self._jobs.values():
            _settle(job.painted, ending)
        self._jobs.clear()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    def _take(self, answer: Answer) -> None:
        match answer:
            case ProgressUpdate(number, progress):
                self._show(number, progress)
            case Generated(number, result):
                self._check_pictures(number, result)
                _settle(self._job_of(number).painted, result)
            case Failed(number):
                _fail(self._job_of(number).painted, answer.error)
            case Refused(theirs):
                for job in self._jobs.values():
                    _fail(job.painted, EngineVersionError(OTHER_VERSION.format(theirs=theirs, ours=PROTOCOL)))
                self._jobs.clear()
            case BatchTableUpdate(model, table):
                self._tables[model] = table
            case Logged():
                record = logging.makeLogRecord(msgspec.structs.asdict(answer))
                logging.getLogger(record.name).handle(record)

    def _check_pictures(self, number: int, result: GenerationResult) -> None:
        """Refuses a result that could be kept but never posted; its job is still under way then."""
        pictures, job = result.artifacts, self._jobs.get(number)
        if job is not None and len(pictures) != job.count:
            raise ProtocolError(f"a request of {job.count} pictures cannot be done with {len(pictures)}")
        if not all(each.media_type == "image/png" and each.data.startswith(PNG) for each in pictures):
            raise ProtocolError("a picture is no PNG file")

    def _job_of(self, number: int) -> InFlight:
        if number not in self._jobs:
            raise ProtocolError(f"there is no request {number} under way")
        return self._jobs.pop(number)

    def _show(self, number: int, progress: Progress) -> None:
        job = self._jobs.get(number)  # news of what failed meanwhile comes too late
        if job is not None and job.on_progress is not None:
            asyncio.get_running_loop().call_soon(job.on_progress, progress)


def _report(task: "asyncio.Task[None]") -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("the engine could not be listened to any more", exc_info=error)


def _settle(painted: "asyncio.Future[Outcome]", outcome: Outcome) -> None:
    if not painted.done():
        painted.set_result(outcome)


def _fail(painted: "asyncio.Future[Outcome]", error: Exception) -> None:
    if not painted.done():
        painted.set_exception(error)


def _of_the_engine(settings: GenerationSettings) -> GenerationSettings:
    """Returns only what the engine needs to know; a token is none of it."""
    return GenerationSettings.model_construct(
        **{name: getattr(settings, name) for name in GenerationSettings.model_fields}
    )


def _environment() -> dict[str, str]:
    """Lets the process find the very modules that this one finds, and gives it nothing that it does not need."""
    modules = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
    return engine_environment(os.environ) | {"PYTHONPATH": modules}


def was_killed(code: int) -> bool:
    """Whether an exit code is that of a process that the system, or a person, killed. No system but Unix tells."""
    return code < 0 and -code == getattr(signal, "SIGKILL", None)


def _how_it_ended(code: int) -> str:
    if code == DEVICE_LOST:
        return "the device failed, and the engine's process ended for it"
    if code >= 0:
        return f"the engine's process ended by itself with code {code}"
    names = {number.value: number.name for number in signal.Signals}  # systems know others, some without a name
    name = names.get(-code, f"signal {-code}")
    if name == "SIGKILL":
        return "the engine's process was killed, by the system if memory ran out"
    return f"the engine's process ended by itself with {name}"
