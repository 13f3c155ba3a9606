"""One request on its way through the engine, and what becomes of it."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from generation.images.inpaint_canvas import Canvas
from generation.images.pixels import Pixels
from generation.request.cancellation import CancelToken
from generation.request.options import Lora
from generation.request.request import GenerationRequest
from generation.request.result import Progress, Stage
from generation.request.tile_grid import SMALL_TILE
from generation.sdxl.engine.preview_stream import PreviewStream

if TYPE_CHECKING:
    from generation.sdxl.model.lora import LoadedLora  # the event loop makes works, and must not wait for torch


class Saving(StrEnum):
    """Ways to get by with less memory, as they are told to people."""

    ONE_AT_A_TIME = "one picture at a time"
    TILED_VAE = "decoding in tiles"
    OFFLOAD = "keeping only the part in use on the device"


@dataclass(frozen=True, slots=True)
class Painting:
    """What the engine returns for a request.

    Attributes:
        pictures: Its pictures in order.
        seconds: Time since admission.
        device_seconds: Its share of the device's time; other works share the rest.
        calls: Its share of the UNet calls.
        notes: What people should know of how it was made.
    """

    pictures: tuple[Pixels, ...]
    seconds: float
    device_seconds: float
    calls: float
    notes: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Work:
    """A request in the engine.

    Attributes:
        request: What to paint.
        cancel: Looked at before every UNet call.
        report: Told of every UNet call, on the device's thread.
        sketches: Its live previews; None where nobody looks.
        future: Receives the painting, or the reason there is none.
        savings: What was done to get by with the memory, in order.
        canvas: What the pictures begin from; None for those painted from words alone.
        loras: What is merged into the weights while it is painted.
        remarks: What people should know of how it is made.
    """

    request: GenerationRequest
    cancel: CancelToken
    report: Callable[[Progress], None]
    sketches: PreviewStream | None = None
    canvas: Canvas | None = None
    loras: "tuple[LoadedLora, ...]" = ()
    future: Future[Painting] = field(default_factory=Future)
    savings: list[Saving] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    _admitted: float = field(default_factory=time.perf_counter)
    _device_seconds: float = 0.0
    _calls: float = 0.0
    _told_of_loading: bool = False
    _done: int = 0
    _expected: int = 0
    _pictures: dict[int, Pixels] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """The checkpoints it is painted with."""
        refiner = self.request.refiner
        return (self.request.model,) if refiner is None else (self.request.model, refiner.model)

    def weights(self, model: str) -> tuple[str, tuple[Lora, ...]]:
        """What paints a stage of it: a model's name and the LoRAs in its weights; stages that differ take turns."""
        return model, tuple(lora.asked for lora in self.loras_in(model))

    def loras_in(self, model: str) -> "tuple[LoadedLora, ...]":
        """Says what is merged into a model for it: the LoRAs belong to the one it begins with."""
        return self.loras if model == self.request.model else ()

    def await_weights(self) -> None:
        """Says, once, that its weights are being loaded."""
        if not self._told_of_loading:
            self._told_of_loading = True
            self.tell(Stage.LOADING)

    def admit(self) -> None:
        """Starts its clock."""
        self._admitted = time.perf_counter()

    def tell(self, stage: Stage, calls: int = 0) -> None:
        """Reports progress, after so many further UNet calls."""
        self._done += calls
        total = max(self._done, self._expected or self.request.calls)
        preview = None if self.sketches is None else self.sketches.newest
        self.report(Progress(stage, self._done, total, preview, self._device_seconds))

    def expect(self, calls: int) -> None:
        """Learns how many UNet calls its pictures really need; a sampler that chooses its own steps may take more."""
        self._expected = calls

    def charge(self, seconds: float) -> None:
        """Adds what the device spent on it."""
        self._device_seconds += seconds

    @property
    def vae_tile(self) -> int:
        """The side in pixels that memory for the VAE is to suffice for; 0 for the usual."""
        return SMALL_TILE if Saving.TILED_VAE in self.savings else (self.request.hires and self.request.hires.tile) or 0

    def share(self, part: float) -> None:
        """Notes its part of a UNet call."""
        self._calls += part

    def remark(self, note: str) -> None:
        """Notes, once, what people should know of how it is made."""
        if note not in self.remarks:
            self.remarks.append(note)

    def deliver(self, index: int, pixels: Pixels) -> None:
        """Takes one finished picture; the last one completes the work."""
        self._pictures[index] = pixels
        if len(self._pictures) == self.request.count:
            pictures = tuple(self._pictures[number] for number in sorted(self._pictures))
            seconds = time.perf_counter() - self._admitted
            self.future.set_result(Painting(pictures, seconds, self._device_seconds, self._calls, self._notes()))

    def fail(self, error: BaseException) -> None:
        """Ends it with an error."""
        self.future.set_exception(error)

    def _notes(self) -> tuple[str, ...]:
        short = [f"Memory was short: {', '.join(self.savings)}."] if self.savings else []
        return (*self.remarks, *short)
