"""The bench's figures: one nested object for programs, one table for people."""

import importlib.metadata
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
from rich.table import Table

from generation import __version__

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure should be, and how it is told.

    Attributes:
        path: Where it lies in the nested object.
        what: What it is, in words.
        unit: What it counts.
        most: What it should not exceed; None if larger is better.
        least: What it should reach; None if smaller is better, or there is no aim.
    """

    path: tuple[str, ...]
    what: str
    unit: str = ""
    most: float | None = None
    least: float | None = None

    def text(self) -> str:
        """Returns the aim as one writes it."""
        if self.most is not None:
            return f"at most {self.most:g}"
        return "" if self.least is None else f"at least {self.least:g}"

    def missed(self, value: float) -> bool:
        """Whether a value misses the aim."""
        return (self.most is not None and value > self.most) or (self.least is not None and value < self.least)


AIMS = (
    Aim(("engine", "overhead"), "step loop / its UNet calls", most=1.02),
    Aim(("engine", "ceiling_tflops"), "largest matrix products", "TFLOP/s"),
    Aim(("compare", "diffusers", "single"), "one picture, ours / diffusers", least=1),
    Aim(("compare", "diffusers", "mixed8"), "8 people's mixed jobs, ours / diffusers", least=1.3),
    Aim(("serving", "r2"), "full queue, whole bot / bare loop (R2)", least=0.97),
    Aim(("serving", "idle_ms"), "command to posted picture less the engine's time", "ms", most=150),
    Aim(("serving", "ack_ms"), "slowest first answer, full queue", "ms", most=1000),
    Aim(("start", "online_s"), "start to online", "s", most=3),
    Aim(("start", "processor_s"), "of that, processor time", "s"),
    Aim(("start", "resident_mib"), "memory when online, engine not loaded", "MiB", most=120),
    Aim(("cpu", "png_ms"), "encoding a 1024x1024 PNG", "ms"),
)


def versions() -> Figures:
    """Says which Easel and which Python were measured, on what."""
    return {
        "easel": __version__,
        "python": platform.python_version(),
        "discord.py": importlib.metadata.version("discord.py"),
        "platform": platform.platform(),
        "processors": psutil.cpu_count(),
    }


def value_at(figures: Figures, path: tuple[str, ...]) -> float | None:
    """Returns the figure at a path; None if it was not measured."""
    here: Any = figures
    for name in path:
        here = here.get(name) if isinstance(here, dict) else None
    return here if isinstance(here, int | float) else None


def tables(figures: Figures) -> Iterator[Table]:
    """Shows the figures beside their aims, and the speeds by size and batch."""
    said = figures["versions"]
    title = f"{said['device']}, {said['dtype']}, torch {said['torch']}, diffusers {said['diffusers']}"
    table = Table("what", "measured", "aim", title=f"Easel {said['easel']} with {figures['model']} on {title}")
    for aim in AIMS:
        value = value_at(figures, aim.path)
        if value is not None:
            style = "red" if aim.missed(value) else ""
            table.add_row(aim.what, f"{value:.4g} {aim.unit}".strip(), aim.text(), style=style)
    yield table
    speeds = figures.get("engine", {}).get("speeds", ())
    if speeds:
        table = Table("size", "pictures a call", "how", "steps a second", "share of the device's limit (R1)")
        for each in speeds:
            size = f"{each['side']}x{each['side']}"
            row = (size, str(each["pictures"]), each["mode"], f"{each['steps_per_second']:.2f}", f"{each['share']:.0%}")
            table.add_row(*row)
        yield table
