"""`easel db`: what an operator does to the database."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.terminal import out, say
from bot.errors import EaselError
from bot.persistence import database, upkeep
from bot.persistence.pictures import FilePictureStore
from bot.private_files import keep_private
from bot.settings import Settings

app = typer.Typer(help="Look after the database.", no_args_is_help=True, add_completion=False)


@app.command()
def upgrade(revision: Annotated[str, typer.Argument(help="A revision.")] = "head") -> None:
    """Bring the database to the newest schema, or to a revision."""
    asyncio.run(database.upgrade(_settings().database, revision))
    say("The database is up to date." if revision == "head" else f"The database is at {revision}.")


@app.command()
def downgrade(revision: Annotated[str, typer.Argument(help="A revision; `base` empties the database.")]) -> None:
    """Take the database back to an earlier schema. What that one cannot hold is lost: back up before."""
    asyncio.run(database.downgrade(_settings().database, revision))
    say(f"The database is at {revision}.")


@app.command()
def backup(target: Annotated[Path, typer.Argument(help="The file to write.")]) -> None:
    """Copy the SQLite database, safely while the bot runs."""
    asyncio.run(database.backup(_settings().database, target))
    say(f"Copied to {target}.")


@app.command()
def check() -> None:
    """Look for damage in the database and the picture store."""
    settings = _settings()
    problems = asyncio.run(upkeep.check(settings.database, FilePictureStore(settings.pictures_path)))
    if problems:
        raise EaselError(" ".join(problems))
    out.print("The database and the picture store are whole.")


def _settings() -> Settings:
    """Reads the settings, and keeps the data folder to this account."""
    settings = Settings()
    keep_private(settings)
    return settings
