"""`easel samplers`."""

import typer
from rich.table import Table

from bot.cli.terminal import out
from generation import SAMPLERS

app = typer.Typer(add_completion=False)


@app.command()
def samplers() -> None:
    """List the samplers: order, UNet calls per step, whether they add noise, what they are good for."""
    table = Table("name", "order", "calls per step", "stochastic", "good for")
    for sampler in SAMPLERS.values():
        calls = "adaptive" if sampler.adaptive else str(sampler.calls_per_step)
        table.add_row(sampler.name, str(sampler.order), calls, "yes" if sampler.stochastic else "", sampler.good_for)
    out.print(table)
