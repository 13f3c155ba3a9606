"""The engine's asyncio face: the single device thread, and what waits for it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil

from generation.errors import ExecutorClosedError, GenerationError
from generation.executors.base import NO_INPUTS, UNMEASURED, Inputs, OnProgress, let_go
from generation.images.inpaint_canvas import Canvas, finish, prepare
from generation.images.pixels import Pixels
from generation.limits import check_limits, loras_of
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import Catalog, ModelEntry
from generation.models.hashes import HashBook
from generation.request.cancellation import CancelToken
from generation.request.options import Lora
from generation.request.request import GenerationRequest
from generation.request.result import Artifact, GenerationResult, Progress, Stage
from generation.scheduling.batch_table import BatchTable, read_table
from generation.sdxl.acceleration.accelerate import accelerate
from generation.sdxl.engine.engine import Engine
from generation.sdxl.engine.model_cache import ModelCache
from generation.sdxl.engine.png import encode
from generation.sdxl.engine.preview_stream import EVERY_SECONDS, PreviewStream
from generation.sdxl.engine.work import Painting, Work
from generation.sdxl.latents.preview_decoder import choose_glance
from generation.sdxl.model.auxiliary import AuxiliaryModels
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import choose_placement, describe_device, is_device_lost, tune
from generation.sdxl.model.fused_modules import fuse_modules
from generation.sdxl.model.lora import LoadedLora, LoraFiles
from generation.sdxl.model.model import Model
from generation.settings import GenerationSettings

log = logging.getLogger(__name__)


class LocalExecutor:
    """One thread that owns the device, and workers that encode what it painted.

    Args:
        settings: Device, precision, slots and default model.
        catalog: Where model names are looked up; nobody else may use this one.
        on_lost: Told, on the device's thread, when the device does nothing more in this process.
        news_seconds: How long a request's progress within a stage is kept until there is more of it to tell.
        preview_seconds: Seconds between two previews of a request.
    """

    def __init__(
        self,
        settings: GenerationSettings,
        catalog: Catalog,
        on_lost: Callable[[BaseException], None] = lambda _error: None,
        progress_seconds: float = 0.1,
        preview_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._settings = settings
        self._progress_seconds = progress_seconds
        self._preview_seconds = preview_seconds
        self._on_lost = on_lost
        self._catalog = catalog
        self._slots = asyncio.Semaphore(settings.slots)
        self._device = ThreadPoolExecutor(max_workers=1, thread_name_prefix="device")
        self._encoders = ThreadPoolExecutor(max_workers=2, thread_name_prefix="encoder")
        self._compiler = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compiler")
        self._hashes = HashBook(settings.data_dir / "hashes.json")
        self._files: dict[str, Path] = {}  # of the models that were loaded and are one file
        self._tables: dict[str, BatchTable] = {}
        self._closing = threading.Event()
        self._warm = threading.Event()  # torch is imported, and the first model loaded or refused
        self._loras: LoraFiles | None = None
        self._finding = threading.Lock()  # the catalogue is asked on the device's thread and on the loader's
        self._engine: Engine | None = None
        self._ticking = False

    async def start(self) -> None:
        """Loads torch and the default model in the background."""
        self._device.submit(self._warm_up).add_done_callback(
            partial(_log_failure, "the engine could not be made ready")
        )

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        inputs: Inputs = NO_INPUTS,
    ) -> GenerationResult:
        """Paints one request; see Executor."""
        check_limits(request)
        cancel = cancel or CancelToken()
        loop = asyncio.get_running_loop()
        async with self._slots:
            newest = _Newest(loop, on_progress, self._progress_seconds)
            work = self._work(request, newest, cancel, watched=on_progress is not None)
            work.canvas, work.loras = await self._prepare(request, inputs)
            painting = await self._paint(work)
            newest.deliver()
        encoding = [
            loop.run_in_executor(self._encoders, self._encode, pixels, request.picture(index), work.canvas)
            for index, pixels in enumerate(painting.pictures)
        ]
        artifacts = tuple(await asyncio.gather(*encoding))
        notes = painting.notes if work.canvas is None else (*work.canvas.notes, *painting.notes)
        return GenerationResult(artifacts, painting.seconds, notes, painting.device_seconds, painting.calls)

    def sharing(self, model: str) -> BatchTable:
        """Tells how many pictures share a UNet call; by rule of thumb until the model was loaded."""
        return self._tables.get(model, UNMEASURED)

    async def close(self) -> None:
        """Ends everything under way and joins the threads."""
        self._closing.set()
        await asyncio.to_thread(self._device.shutdown)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)
        await asyncio.to_thread(self._encoders.shutdown)
        await asyncio.to_thread(self._compiler.shutdown, cancel_futures=True)

    async def _prepare(
        self, request: GenerationRequest, inputs: Inputs
    ) -> tuple[Canvas | None, tuple[LoadedLora, ...]]:
        """Reads the request's pictures and LoRAs: off the event loop, and while the device paints for others."""
        wanted = loras_of(request)
        if not request.inputs and not wanted:
            return None, ()
        loop = asyncio.get_running_loop()
        try:
            reading = (
                loop.run_in_executor(self._encoders, self._lay_out, request, inputs),
                loop.run_in_executor(self._encoders, self._load_loras, wanted),
            )
        except RuntimeError as error:
            raise ExecutorClosedError("Easel is shutting down.") from error
        return await asyncio.gather(*reading)

    def _lay_out(self, request: GenerationRequest, inputs: Inputs) -> Canvas | None:
        return prepare(request, inputs)

    def _load_loras(self, wanted: tuple[Lora, ...]) -> tuple[LoadedLora, ...]:
        if self._loras is None:
            self._loras = LoraFiles(AuxiliaryFiles(self._settings.models_path))
        return tuple(self._loras.load(each) for each in wanted)

    def _encode(self, pixels: Pixels, picture: GenerationRequest, canvas: Canvas | None) -> Artifact:
        file = self._files.get(picture.model)
        return encode(finish(canvas, pixels), picture, self._hashes.short_hash(file) if file is not None else None)

    def _work(self, request: GenerationRequest, newest: "_Newest", cancel: CancelToken, *, watched: bool) -> Work:
        drawn = watched and self._settings.previews
        sketches = PreviewStream(request.count, self._draw_later, self._preview_seconds) if drawn else None
        return Work(request, cancel, newest, sketches)

    def _draw_later(self, draw: Callable[[], None]) -> None:
        self._encoders.submit(draw).add_done_callback(partial(_log_failure, "a preview could not be drawn"))

    async def _paint(self, work: Work) -> Painting:
        if not self._warm.is_set():
            work.tell(Stage.LOADING)
        try:
            self._device.submit(self._begin, work).add_done_callback(lambda begun: _pass_failure(begun, work))
        except RuntimeError as error:
            raise ExecutorClosedError("Easel is shutting down.") from error
        painted = asyncio.wrap_future(work.future)
        try:
            return await asyncio.shield(painted)
        except asyncio.CancelledError:
            work.cancel.cancel()
            await let_go(painted)
            raise

    # From here on: the device's thread.

    def _warm_up(self) -> None:
        try:
            with self._finding:
                name = self._catalog.default().name
            self._open().warm_up(name)
        finally:
            self._warm.set()

    def _open(self) -> Engine:
        """Opens the engine's room: importing torch and diffusers takes seconds, so only this thread does it."""
        if self._engine is None:
            placement = choose_placement(self._settings.device, self._settings.dtype)
            tune(placement.device, fp16_accumulation=self._settings.fp16_accumulation)
            log.info("painting on %s in %s", placement.device, placement.dtype)
            extras = AuxiliaryFiles(self._settings.models_path, self._settings.vae)
            additions = AuxiliaryModels(extras)

            def load_named(name: str) -> Model:
                entry = self._find(name)
                if isinstance(entry.source, Path) and entry.source.is_file():
                    self._files[name] = entry.source
                model = load(entry, placement.in_main_memory())
                fuse_modules(model.unet)
                fuse_modules(model.vae)
                model.settle(placement)
                model.faster = accelerate(model, self._settings, self._compiler)
                model.attach(additions)
                model.calls = self._tables[name] = read_table(self._settings.data_dir, model.key)
                if self._settings.previews:
                    model.glance = choose_glance(model, extras)
                return model

            budget = self._settings.model_memory * 2**30 or psutil.virtual_memory().available / 2
            self._engine = Engine(ModelCache(load_named, budget, self._size))
        return self._engine

    def _find(self, name: str) -> ModelEntry:
        with self._finding:
            return self._catalog.find(name)

    def _size(self, name: str) -> int:
        try:
            return self._find(name).size
        except GenerationError:
            return 0  # loading it will say what is wrong

    def _begin(self, work: Work) -> None:
        self._open().submit(work)
        self._schedule()

    def _schedule(self) -> None:
        """Queues the next turn behind whatever else wants the thread, so that new work is seen between two turns."""
        if self._closing.is_set():
            self._open().fail_all(ExecutorClosedError("Easel is shutting down."))
        elif not self._ticking and not self._open().idle:
            self._ticking = True
            self._device.submit(self._open().tick).add_done_callback(self._after)

    def _after(self, turn: Future[None]) -> None:
        self._ticking = False
        self._warm.set()
        error = turn.exception()
        if error is not None:
            self._blame(error)
        self._schedule()

    def _blame(self, error: BaseException) -> None:
        if not isinstance(error, GenerationError):
            log.error("a turn of the engine failed", exc_info=error)
        if is_device_lost(error):
            self._on_lost(error)
        self._open().fail(error)


def describe_local_device() -> str:
    """Names the device that paints here, with its memory; imports torch."""
    return describe_device()


class _Newest:
    """Carries progress from the device's thread to the event loop: the newest only, and no more often than is wanted.

    Each time the event loop wakes, the device's thread may have to wait for Python.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: OnProgress | None, every: float) -> None:
        self._loop = loop
        self._tell = tell
        self._every = every
        self._lock = threading.Lock()
        self._newest: Progress | None = None
        self._stage: Stage | None = None  # that was told of last
        self._on_its_way = False
        self._not_before = 0.0

    def __call__(self, progress: Progress) -> None:
        """Takes news on the device's thread."""
        if self._tell is None:
            return
        with self._lock:
            self._newest = progress
            too_soon = progress.stage is self._stage and time.monotonic() < self._not_before
            if self._on_its_way or too_soon:
                return
            self._on_its_way = True
        self._loop.call_soon_threadsafe(self.deliver)

    def deliver(self) -> None:
        """Tells what is new, if anything is; on the event loop."""
        with self._lock:
            progress, self._newest = self._newest, None
            self._on_its_way = False
            if progress is None or self._tell is None:
                return
            self._stage = progress.stage
            self._not_before = time.monotonic() + self._every
        self._tell(progress)


def _pass_failure(begun: Future[None], work: Work) -> None:
    error = begun.exception()
    if error is not None:
        work.fail(error)


def _log_failure(what: str, done: Future[None]) -> None:
    error = done.exception()
    if isinstance(error, GenerationError):
        log.warning("%s", error)
    elif error is not None:
        log.error(what, exc_info=error)
