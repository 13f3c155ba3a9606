"""`easel models add`: a checkpoint comes into the models folder, with a bar while it does."""

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from bot.settings import Settings
from generation.models.download import Added, add
from generation.models.upscalers import NAMES as UPSCALERS
from generation.models.upscalers import add_upscaler

__all__ = ["UPSCALERS", "add_model", "add_upscaler"]


def add_model(settings: Settings, source: str) -> Added:
    """Adds a model from a file or a hub to the models folder.

    Raises:
        ModelError: It is no usable SDXL checkpoint, cannot be fetched, or does not fit on the disk.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None, visible=False)  # the hub's downloads show their own bars

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        return add(source, settings.models_path, show)
