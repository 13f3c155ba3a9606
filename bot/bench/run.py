"""What `easel bench` does, one thing after the other."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bot.bench.report import Figures, tables, versions
from bot.bench.serving import Load, measure
from bot.bench.startup import measure_start
from bot.errors import EaselError
from bot.settings import Settings

if TYPE_CHECKING:
    from generation.bench.measure import Bench

QUICK, FULL = Load(commands=20, rounds=3, steps=20, side=0), Load(commands=40, rounds=5, steps=20, side=0)


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What the bench was asked for.

    Attributes:
        model: A model's name, or "random-sdxl"; None for what is painted with by default.
        quick: Only the figures that count, within two minutes on two cores.
        compare: What to compare with, "diffusers"; None for nothing. Always done when quick.
        calibrate: Measure only how many pictures should share a UNet call, and keep it.
        json_file: Where the figures go as one JSON object.
    """

    model: str | None = None
    quick: bool = False
    compare: str | None = None
    calibrate: bool = False
    json_file: Path | None = None


def bench(settings: Settings, options: BenchOptions) -> None:
    """Measures and shows.

    Raises:
        EaselError: There is nothing of that name to compare with, or the figures cannot be written.
        GenerationError: The model cannot be used.
    """
    if options.compare not in {None, "diffusers"}:
        raise EaselError(f"There is no comparison with {options.compare!r}; there is one with diffusers.")
    console = Console()
    with Console(stderr=True).status("importing torch") as status:
        if options.calibrate:
            _calibrate(settings, options, console, status.update)
            return
        figures = _measured(settings, options, status.update)
    for table in tables(figures):
        console.print(table)
    if options.json_file is not None:
        _write(options.json_file, figures)


def _measured(settings: Settings, options: BenchOptions, say: Callable[[str], None]) -> Figures:
    begun = time.perf_counter()
    say("starting the bot")
    start = measure_start()
    engine = _engine(settings, options, say)
    figures: Figures = {
        "versions": {**versions(), **engine.versions()},
        "device": engine.versions()["device"],
        "model": engine.name,
        "engine": engine.engine(),
        "cpu": engine.encoding(),
        "start": asdict(start),
    }
    if options.compare or options.quick:
        figures["compare"] = {"diffusers": engine.compare()}
    if engine.servable:
        say("the whole bot with a full queue")
        load = QUICK if options.quick else FULL
        load = Load(load.commands, load.rounds, load.steps, engine.side)
        served = settings.model_copy(update={"model": options.model or settings.model})
        with tempfile.TemporaryDirectory() as folder:
            bare = engine.bare_rate(load.steps, settings.slots)
            figures["serving"] = asdict(asyncio.run(measure(served, Path(folder), load, bare)))
    figures["seconds"] = time.perf_counter() - begun
    return figures


def _calibrate(settings: Settings, options: BenchOptions, console: Console, say: Callable[[str], None]) -> None:
    engine = _engine(settings, options, say)
    path, measured = engine.calibrate()
    table = Table("size", *(f"{count} a call" for count in (1, 2, 4, 8)), "share a call: 2, 8, 32 waiting")
    for area, times in measured.seconds.items():
        side = round(area**0.5)
        shared = ", ".join(str(measured.pictures(area, waiting)) for waiting in (2, 8, 32))
        taken = [f"{1000 * times[count]:.1f} ms" if count in times else "" for count in (1, 2, 4, 8)]
        table.add_row(f"{side}x{side}", *taken, shared)
    console.print(table)
    console.print(f"Kept in {path}; the bot reads it when it loads {engine.name}.", highlight=False, soft_wrap=True)


def _engine(settings: Settings, options: BenchOptions, say: Callable[[str], None]) -> "Bench":
    from generation.bench.measure import Bench  # noqa: PLC0415 - imports torch, seconds; and the start comes before

    return Bench(settings, options.model, quick=options.quick, say=say)


def _write(path: Path, figures: Figures) -> None:
    try:
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EaselError(f"{path} cannot be written: {error}") from error
