"""`easel models add`: a checkpoint comes into the models folder, with a bar while it does."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from bot.cli.terminal import say
from bot.private_files import keep_private
from bot.settings import Settings
from generation.models.download import Added, add
from generation.models.upscalers import NAMES as UPSCALERS
from generation.models.upscalers import add_upscaler

SOURCE = escape("A .safetensors file, org/name[/FILE][@revision] on a hub, or realesrgan-x4plus[-anime].")

app = typer.Typer(add_completion=False)


@app.command()
def add_model(
    source: Annotated[str, typer.Argument(help=SOURCE)],
) -> None:
    """Add a model: check that it can be painted with, copy or download it, note its SHA-256."""
    settings = Settings()
    if settings.models_path.is_relative_to(settings.data_dir):  # another folder may be shared with other programs
        keep_private(settings)
    if source in UPSCALERS:
        say(f"{add_upscaler(source, settings.models_path).name} is there.")
        return
    added = _add(settings, source)
    for file, digest in added.hashes.items():
        say(f"{file}  SHA-256 {digest}")
    say(f"{added.entry.name} is there ({added.entry.kind}, {added.entry.native_size} px).")


def _add(settings: Settings, source: str) -> Added:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None, visible=False)  # the hub's downloads show their own bars

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        return add(source, settings.models_path, show)
