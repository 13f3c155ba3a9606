"""An engine's process without torch, whose prompts say what goes wrong. `python -m tests.process.worker`."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from generation import (
    Artifact,
    CancelToken,
    GenerationError,
    GenerationRequest,
    GenerationResult,
    GenerationSettings,
    InvalidRequestError,
    Progress,
    Stage,
)
from generation.executors.messages import HEAD, Generated, packed
from generation.scheduling.simulation import BatchTable
from generation.worker import main as worker
from generation.worker.main import run
from tests.fakes import FakeExecutor


class Scripted(FakeExecutor):
    """Paints flat colours, and does what the prompt says before."""

    def __init__(self, settings: GenerationSettings) -> None:
        super().__init__()
        self.seconds_per_call = 0.01
        self._settings = settings
        self._tables: dict[str, BatchTable] = {}

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
        inputs: Mapping[str, bytes] = MappingProxyType({}),
    ) -> GenerationResult:
        """Paints; the notes say what it was told, and in which process."""
        if request.prompt == "late" and on_progress is not None:
            asyncio.get_running_loop().call_later(0.05, on_progress, Progress(Stage.PAINTING, 1, 3))
            raise ValueError("too early")
        self._obey(request)
        painted = await super().generate(request, on_progress, cancel, inputs)
        names = " ".join(sorted(os.environ))
        told = (repr(self._settings), f"{len(inputs)} inputs", str(os.getpid()), os.environ["GLIBC_TUNABLES"], names)
        return replace(painted, notes=told)

    def _obey(self, request: GenerationRequest) -> None:
        deeds: dict[str, Callable[[], object]] = {
            "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
            "end": lambda: os._exit(3),
            "stumble": lambda: stumble(self._settings.data_dir / "stumbled"),
            "babble": lambda: babble(self._settings.data_dir / "babbled"),
            "boast": lambda: boast(self._settings.data_dir / "boasted"),
            "skimp": lambda: skimp(self._settings.data_dir / "skimped", request, b""),
            "forge": lambda: skimp(self._settings.data_dir / "forged", request, b"%!PS-Adobe-3.0 EPSF-3.0"),
            "burst": lambda: burst(self._settings.data_dir / "burst"),
            "invent": lambda: fail(UnknownElsewhereError("a wire is loose")),
            "refuse": lambda: fail(InvalidRequestError("steps", "steps is too much of a good thing.")),
            "break": lambda: fail(ValueError("a kernel is broken")),
            "print": lambda: print("a library says hello", flush=True),  # noqa: T201
            "ask": lambda: os.read(0, 1),
            "log": lambda: logging.getLogger("some.library").warning("this is %s", "odd", extra=ODD),
            "log badly": lambda: logging.getLogger("some.library").warning("%d of them", "odd"),
            "measure": lambda: self._tables.update({request.model: BatchTable({64: {1: 0.5}})}),
            "hang": lambda: time.sleep(600),
        }
        deeds.get(request.prompt, lambda: None)()

    def sharing(self, model: str) -> BatchTable:
        """Tells what was measured."""
        return self._tables.get(model, super().sharing(model))


def fail(error: Exception) -> NoReturn:
    """Fails."""
    raise error


class UnknownElsewhereError(GenerationError):
    """Is defined where only this process finds it."""


ODD = {"with": UnknownElsewhereError()}


def babble(mark: Path) -> None:
    """Says what the bot cannot understand, the first time."""
    if not mark.exists():
        mark.touch()
        vars(worker)["packed"] = lambda _answer: HEAD.pack(5) + b"noise"


def boast(mark: Path) -> None:
    """Says of a request nobody made that it is done, the first time."""
    if not mark.exists():
        mark.touch()
        vars(worker)["packed"] = lambda _answer: packed(Generated(10**6, GenerationResult((), 0.0)))


def skimp(mark: Path, request: GenerationRequest, file: bytes) -> None:
    """Says that a request is done, without a picture or with a file that is none, the first time."""
    if not mark.exists():
        mark.touch()
        pictures = (Artifact(file, "image/png", request),) if file else ()
        vars(worker)["Generated"] = lambda number, _result: Generated(number, GenerationResult(pictures, 0.0))


def burst(mark: Path) -> None:
    """Is killed like a process that takes too much memory, the first time."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def stumble(mark: Path) -> None:
    """Ends the process, the first time."""
    if not mark.exists():
        mark.touch()
        os._exit(3)


if __name__ == "__main__":
    run(Scripted)
