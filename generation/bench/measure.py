"""The engine's half of the bench: what is measured, how often, and in which order."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import diffusers
import numpy as np
import torch

from generation.bench.clock import seconds
from generation.bench.compare import compare_with_diffusers
from generation.bench.loop import MODES, ceiling, engine_of, faster_by, overhead, paint, request, speed, unet_call
from generation.bench.models import RANDOM_SDXL, RANDOM_TINY, open_model
from generation.images.pixels import Pixels
from generation.models.catalog import Catalog
from generation.scheduling.batch_table import BatchTable, write_table
from generation.sdxl.acceleration.accelerate import accelerate
from generation.sdxl.engine.png import encode
from generation.sdxl.model.device import choose_placement, device_name, is_memory_error
from generation.settings import GenerationSettings

Say = Callable[[str], None]
Figures = dict[str, Any]

SDXL_SIDES, BATCHES = (512, 768, 1024), (1, 2, 4, 8)
OVERHEAD_SIDE, OVERHEAD_STEPS = 512, 12


class Bench:
    """Measures the engine with one model on this machine's device.

    Args:
        settings: Device, precision and folders.
        model: A model's name, "random-sdxl" or "random-tiny"; None for the operator's choice.
        quick: Whether to look at the few figures that count, in seconds rather than minutes.
        say: Told what is being measured.

    Attributes:
        name: The model's name.
        side: Its native size in pixels.
        servable: Whether the bot can be run with it.

    Raises:
        ModelError: There is no such model, or no such device.
    """

    def __init__(self, settings: GenerationSettings, model: str | None, *, quick: bool, say: Say) -> None:
        self._settings = settings
        self._quick = quick
        self._say = say
        self._placement = choose_placement(settings.device, settings.dtype)
        if self._on_cpu:
            torch.set_num_threads(1)  # the other core is the bot's
        self.model = open_model(model or settings.model, settings.models_path, self._placement)
        self.servable = model not in {RANDOM_SDXL, RANDOM_TINY}
        self.name = model or ""
        self.side = 1024 if model == RANDOM_SDXL else 256
        if self.servable:
            entry = Catalog(settings.models_path, model or settings.model).default()
            self.name, self.side = entry.name, entry.native_size

    @property
    def _on_cpu(self) -> bool:
        return self._placement.device.type == "cpu"

    def versions(self) -> Figures:
        """Says what was measured with."""
        return {
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "cuda": torch.version.cuda if self._placement.device.type == "cuda" else None,
            "dtype": str(self._placement.dtype).removeprefix("torch."),
            "device": device_name(self._placement.device),
        }

    def engine(self) -> Figures:
        """Measures the loop beside bare UNet calls, and what the device does by size and batch."""
        self._say("the step loop beside bare UNet calls")
        judged = open_model(RANDOM_TINY, Path(), self._placement) if self._on_cpu else self.model
        found: Figures = {"overhead": overhead(judged, OVERHEAD_SIDE, OVERHEAD_STEPS, 1 if self._quick else 4)}
        self._say("what the device can do at most")
        most = ceiling(self._placement.device, self._placement.dtype)
        sides = (self.side,) if self._quick or self.side < SDXL_SIDES[0] else SDXL_SIDES
        batches = BATCHES[:1] if self._quick else BATCHES
        found |= {
            "ceiling_tflops": most / 1e12,
            "speeds": [asdict(each) for each in self._speeds(sides, batches, most)],
        }
        return found

    def encoding(self) -> Figures:
        """Measures how long one 1024x1024 picture takes to become a PNG, on a processor beside the device."""
        self._say("encoding PNGs")
        row = np.linspace(0, 255, 1024)[:, None]
        grain = np.random.default_rng(0).normal(0, 3, (1024, 1024, 3))
        rgb = ((row[:, None] + row[None]) / 2 + grain).clip(0, 255).astype(np.uint8).tobytes()
        pixels, asked = Pixels(1024, 1024, rgb), request(1024, 30)
        cpu = torch.device("cpu")
        return {
            "png_ms": 1000 * min(seconds(lambda: encode(pixels, asked), cpu) for _ in range(3 if self._quick else 9))
        }

    def compare(self) -> Figures:
        """Measures our loop against a plain StableDiffusionXLPipeline."""
        self._say("the same work through a StableDiffusionXLPipeline")
        self.model.faster = accelerate(self.model, self._settings)  # as the bot calls it; the pipeline does not
        compared = compare_with_diffusers(self.model, self.side, 1 if self._quick else 5)
        self.model.faster = None
        return asdict(compared)

    def bare_rate(self, steps: int, slots: int) -> Callable[[int], float]:
        """Returns what paints so many pictures with the bare loop and says how many it painted a second."""
        self.model.faster = accelerate(self.model, self._settings)  # as the bot calls it
        engine = engine_of(self.model)

        def rate(pictures: int) -> float:
            requests = [request(self.side, steps, seed) for seed in range(pictures)]
            begun = perf_counter()
            return len(list(paint(engine, requests, slots))) / (perf_counter() - begun)

        return rate

    def calibrate(self) -> tuple[Path, BatchTable]:
        """Measures how long calls of several pictures take, and keeps the table for the engine."""
        sides = SDXL_SIDES if self.side >= SDXL_SIDES[0] else (self.side // 2, self.side, 2 * self.side)
        table = BatchTable({side * side: self._calls(side) for side in sides})
        return write_table(self._settings.data_dir, self.model.key, table), table

    def _calls(self, side: int) -> dict[int, float]:
        measured: dict[int, float] = {}
        for pictures in BATCHES:
            self._say(f"UNet calls of {pictures} pictures at {side}x{side}")
            try:
                call = unet_call(self.model, side, pictures)
                call()
                measured[pictures] = min(seconds(call, self._placement.device) for _ in range(3 if self._quick else 8))
            except RuntimeError as error:
                if not (measured and is_memory_error(error)):
                    raise
                break  # so many do not fit; nobody will ask for more
        return measured

    def _speeds(self, sides: Sequence[int], batches: Sequence[int], most: float) -> list[Any]:
        found = []
        for mode in MODES if self._placement.device.type == "cuda" else MODES[:1]:  # on a CPU compiling takes minutes
            if mode == "compiled" and self._quick:
                continue
            self.model.faster = faster_by(mode, self.model)
            for side in sides:
                for pictures in batches:
                    self._say(f"{pictures} at {side}x{side}, {mode}")
                    found.append(speed(self.model, side, pictures, mode, most))
        self.model.faster = None
        return found
