"""`easel models`: what can be painted with."""

import typer
from rich.table import Table

from bot.cli.lazy import LazyGroup
from bot.cli.terminal import out, shown
from bot.settings import Settings
from generation import Catalog
from generation.models.auxiliary import AuxiliaryFiles


class Models(LazyGroup):
    """The commands below `easel models`."""

    lazy = (
        (
            "add",
            "bot.cli.adding",
            "Add a model: check that it can be painted with, copy or download it, note its SHA-256.",
        ),
    )


app = typer.Typer(cls=Models, help="See and add models.", add_completion=False)


@app.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """List the models that are there; `easel models add` adds one."""
    if context.invoked_subcommand is not None:
        return
    settings = Settings()
    entries = Catalog(settings.models_path, settings.model).entries()
    table = Table("name", "kind", "dtype", "size", "native")
    for entry in entries:
        size = f"{entry.size / 2**20:,.0f} MB" if entry.size else "not here yet"
        if entry.problem is None:
            table.add_row(shown(entry.name), shown(entry.kind), shown(entry.dtype), size, f"{entry.native_size} px")
        else:
            table.add_row(shown(entry.name), shown(entry.problem, style="red"), "", size, "")
    out.print(table)
    loras = AuxiliaryFiles(settings.models_path).loras()
    if loras:
        listed = Table("LoRA", "trigger words")
        for name, about in loras.items():
            listed.add_row(shown(name), shown(about))
        out.print(listed)
