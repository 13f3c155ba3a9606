"""`easel recipe`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal import out, say_json, shown
from generation.metadata import read_file

app = typer.Typer(add_completion=False)


@app.command()
def recipe(
    file: Annotated[Path, typer.Argument(help="A picture that Easel, A1111, ComfyUI or their kin made.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the settings a picture was made with, and what of them this Easel cannot use."""
    reading = read_file(file)
    if as_json:
        found = {"tool": reading.tool, "model_hash": reading.model_hash, **reading.values, "unknown": reading.unknown}
        say_json(found, default=dataclasses.asdict)  # a request's parts
        return
    out.print(f"written by {reading.tool}")
    for name, value in reading.values.items():
        out.print(shown(f"{name}: {value}"))
    for each in reading.unknown:
        out.print(shown(f"not used: {each}", style="yellow"))
