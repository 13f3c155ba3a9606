"""`easel run`."""

import typer

from bot.bootstrap import run as run_bot
from bot.private_files import keep_private
from bot.settings import Settings

app = typer.Typer(add_completion=False)


@app.command()
def run() -> None:
    """Run the bot until it is stopped."""
    settings = Settings()
    keep_private(settings)
    run_bot(settings)
