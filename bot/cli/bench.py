"""`easel bench`."""

from pathlib import Path
from typing import Annotated

import typer

from bot.bench.run import BenchOptions
from bot.bench.run import bench as measure
from bot.private_files import keep_private
from bot.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def bench(
    model: Annotated[
        str | None, typer.Option(help="A model's name, or random-sdxl: random weights of true size.")
    ] = None,
    compare: Annotated[str | None, typer.Option(help="`diffusers`: the same work through its pipeline too.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="A file for the figures.")] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Only what counts, within two minutes.")] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Measure how many pictures should share a UNet call, and keep it.")
    ] = False,
) -> None:
    """Measure how fast this machine paints, and how little the bot takes of that."""
    settings = Settings()
    keep_private(settings)
    measure(settings, BenchOptions(model, quick=quick, compare=compare, calibrate=calibrate, json_file=json_file))
