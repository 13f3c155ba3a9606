"""`easel doctor`: what it looks at."""

import asyncio
import importlib.metadata
import platform
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import discord
import typer
from rich.table import Column, Table

from bot.bootstrap import HOW_TO_GET_ONE, point_at
from bot.cli.terminal import FAILED, out, shown
from bot.errors import EaselError
from bot.persistence.database import Database, newest_revision
from bot.private_files import POSIX, readable_by_others
from bot.settings import Settings
from bot.ui.discord.permissions import invite_link
from generation import Catalog, GenerationError, ModelEntry

SECONDS = 20
LEAST_FREE = 2**30  # bytes
PICTURE_BYTES = 1.6 * 2**20  # a usual PNG of that size

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do if it is not well."""

    what: str
    finding: str
    ok: bool = True
    advice: str = ""


@app.command()
def doctor() -> None:
    """Check everything the bot needs; say what to do where something is missing."""
    table = Table.grid("", "", Column(overflow="fold"), padding=(0, 2))
    findings = asyncio.run(examine(Settings()))
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[red]not ok[/]"
        table.add_row(mark, finding.what, shown("\n".join(filter(None, (finding.finding, finding.advice)))))
    out.print(table)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(FAILED)


async def examine(settings: Settings) -> list[Finding]:
    """Looks at everything the bot needs."""
    return [
        Finding("Python", platform.python_version()),
        Finding("torch", importlib.metadata.version("torch")),
        await asyncio.to_thread(_device),
        await asyncio.to_thread(_models, settings),
        await asyncio.to_thread(_disk, settings.pictures_path),
        await _database(settings),
        *await asyncio.to_thread(_permissions, settings),
        *await _discord(settings),
        Finding("intents", "none privileged are needed"),
    ]


def _device() -> Finding:
    try:
        from generation.worker.local import describe_local_device  # noqa: PLC0415 - loads torch

        return Finding("device", describe_local_device())
    except (ImportError, OSError, RuntimeError) as error:
        return Finding("device", f"torch cannot be used: {error}", ok=False, advice="install Easel anew")


def _models(settings: Settings) -> Finding:
    catalog = Catalog(settings.models_path, settings.model)
    try:
        model: ModelEntry = catalog.default()
    except GenerationError as error:
        return Finding("models", "none can be used", ok=False, advice=str(error))
    return Finding("models", f"{len(catalog.usable())} usable; the default is {model.name}")


def _disk(folder: Path) -> Finding:
    """Looks at the disk that the pictures go to; the folder itself may not be there yet."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    finding = f"{free / 2**30:.1f} GiB free for pictures, some {int(free / PICTURE_BYTES):,} of 1024x1024"
    if free >= LEAST_FREE:
        return Finding("disk", finding)
    return Finding("disk", finding, ok=False, advice="free some, or set EASEL_DATA_DIR to a folder on another disk")


def _permissions(settings: Settings) -> list[Finding]:
    """Says whether other accounts may read what is private; nothing where that cannot be told by modes."""
    if not POSIX:
        return []
    loose = readable_by_others(settings)
    if not loose:
        return [Finding("permissions", "data, backups and .env are for this account alone")]
    finding = f"other accounts on this machine may read {', '.join(map(str, loose))}"
    return [Finding("permissions", finding, ok=False, advice=f"chmod go= {shlex.join(map(str, loose))}")]


async def _database(settings: Settings) -> Finding:
    try:
        database = Database(settings.database)
        try:
            revision = await database.revision()
        finally:
            await database.close()
    except EaselError as error:
        return Finding("database", "cannot be used", ok=False, advice=str(error))
    if revision is None:
        return Finding("database", "new; it is made at the first start")
    if revision != newest_revision():
        return Finding("database", f"at {revision}; it is upgraded to {newest_revision()} at the next start")
    return Finding("database", f"at {revision}, the newest")


async def _discord(settings: Settings) -> list[Finding]:
    if settings.discord_token is None:
        return [Finding("token", "not set: `easel run` starts the playground", advice=HOW_TO_GET_ONE)]
    point_at(settings.discord_api_url)
    try:
        async with asyncio.timeout(SECONDS), discord.Client(intents=discord.Intents.none()) as client:
            await client.login(settings.discord_token.get_secret_value())
            application = await client.application_info()
    except discord.LoginFailure:
        return [Finding("token", "refused by Discord", ok=False, advice="copy the bot's token anew")]
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        advice = f"check the network and DISCORD_API_URL ({type(error).__name__})"
        return [Finding("token", "set; Discord cannot be reached", ok=False, advice=advice)]
    return [
        Finding("token", f"good; it belongs to {application.name}"),
        Finding("invite", invite_link(application.id)),
    ]
