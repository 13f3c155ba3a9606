"""Fakes that behave: an executor that paints flat colours at a word of the test's."""

import asyncio
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from PIL import Image

from generation import (
    Artifact,
    CancelToken,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationRequest,
    GenerationResult,
    Progress,
    Stage,
)
from generation.scheduling.simulation import BatchTable


class FakeExecutor:
    """Paints a flat colour per seed, one UNet call at a time, each waiting for the test where it is told to."""

    def __init__(self) -> None:
        self.requests: list[GenerationRequest] = []
        self.inputs: list[dict[str, bytes]] = []
        self.calls = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.failures: dict[str, Exception] = {}
        self.seconds_per_call = 0.0
        self.device_seconds = 1.5
        self.device_seconds_per_call = 0.0  # that it tells of while it paints
        self.notes: tuple[str, ...] = ()
        self.preview: bytes | None = None
        self.padding = 0  # bytes behind each picture
        self.drawing: bytes | None = None  # a PNG that every picture is, instead of a flat colour
        self.closed = False

    def hold(self) -> None:
        """Lets every painting stop before its next call until `release`."""
        self.gate.clear()

    def release(self) -> None:
        """Lets paintings go on."""
        self.gate.set()

    async def start(self) -> None:
        """Needs no warm-up; a bot that is started again finds it open."""
        self.closed = False

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
        inputs: Mapping[str, bytes] = MappingProxyType({}),
    ) -> GenerationResult:
        """Paints, or fails as the test said for this prompt."""
        self.requests.append(request)
        self.inputs.append(dict(inputs))
        for done in range(request.calls):
            if on_progress is not None:
                spent = done * self.device_seconds_per_call
                on_progress(Progress(Stage.PAINTING, done, request.calls, self.preview, spent))
            await self._turn(cancel)
            self.calls += 1
        if request.prompt in self.failures:
            raise self.failures[request.prompt]
        pictures = tuple(self._picture(request.picture(i)) for i in range(request.count))
        return GenerationResult(pictures, 1.5, self.notes, self.device_seconds)

    def sharing(self, model: str) -> BatchTable:
        """Knows nothing of the device."""
        return BatchTable()

    async def close(self) -> None:
        """Ends what is under way."""
        self.closed = True
        self.gate.set()

    def _picture(self, request: GenerationRequest) -> Artifact:
        if self.drawing is None:
            return picture(request, padding=self.padding)
        return Artifact(self.drawing, "image/png", request)

    async def _turn(self, cancel: CancelToken | None) -> None:
        while not self.gate.is_set():
            if cancel is not None and cancel.cancelled:
                break
            await asyncio.sleep(0.005)
        await asyncio.sleep(self.seconds_per_call)
        if cancel is not None and cancel.cancelled:
            raise GenerationCancelledError("Cancelled.")
        if self.closed:
            raise ExecutorClosedError("Easel is shutting down.")


def picture(request: GenerationRequest, size: int = 16, padding: int = 0) -> Artifact:
    """Returns a small PNG of one colour, different for every seed."""
    colour = (request.seed % 256, request.seed // 256 % 256, 128)
    return Artifact(png(size, size, colour) + bytes(padding), "image/png", request)


def png(width: int, height: int, colour: tuple[int, int, int] = (128, 128, 128)) -> bytes:
    """Returns a PNG of one colour."""
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "PNG")
    return data.getvalue()


def quarters(width: int, height: int) -> bytes:
    """Returns a PNG of four colours: red and green above, blue and white below."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 150, 40), (width // 2, 0, width, height // 2))
    image.paste((30, 50, 190), (0, height // 2, width // 2, height))
    image.paste((240, 240, 240), (width // 2, height // 2, width, height))
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def jpeg(colour: tuple[int, int, int] = (128, 128, 128)) -> bytes:
    """Returns a small JPEG of one colour, such as a preview."""
    data = io.BytesIO()
    Image.new("RGB", (32, 32), colour).save(data, "JPEG")
    return data.getvalue()


def model_files(folder: Path, *names: str) -> None:
    """Writes files that the catalogue takes for SDXL checkpoints: the right header, one byte per tensor."""
    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        "model.diffusion_model.input_blocks.0.0.weight": np.zeros((1, 4, 1, 1), np.float16),
        "conditioner.embedders.1.model.ln_final.weight": np.zeros(1, np.float16),
        "first_stage_model.decoder.conv_in.weight": np.zeros(1, np.float16),
    }
    for name in names:
        save_file(tensors, folder / f"{name}.safetensors")
