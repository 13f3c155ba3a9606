"""Looking after the database and the picture store: upgrading safely, and checking that all is there."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import select, text

from bot.errors import EaselError
from bot.persistence.database import Database, backup, newest_revision, sqlite_path, upgrade
from bot.persistence.inputs import digests_of, inputs_of
from bot.persistence.pictures import FilePictureStore
from bot.persistence.tables import ImageRow, InputRow

log = logging.getLogger(__name__)

_MOST_NAMED = 5


async def upgrade_safely(url: str) -> Path | None:
    """Brings the schema up to date; an SQLite database with something in it is copied before.

    Returns:
        The copy, where one was made.

    Raises:
        SettingsError: The database cannot be reached, or belongs to a newer Easel.
    """
    database = Database(url)
    try:
        revision = await database.revision()
    finally:
        await database.close()
    path = sqlite_path(url)
    copy = None
    if path is not None and revision not in {None, newest_revision()}:
        copy = path.with_name(f"{path.stem}-before-{newest_revision()}{path.suffix}")
        await backup(url, copy)
        log.info("the database was copied to %s before its schema is upgraded", copy)
    await upgrade(url)
    return copy


async def remove_copies(url: str, before: datetime) -> list[Path]:
    """Deletes the copies that upgrades left beside an SQLite database, where they were made before a time.

    Returns:
        The copies that were deleted.
    """
    path = sqlite_path(url)
    if path is None:
        return []
    return await asyncio.to_thread(_remove_older, path.parent, f"{path.stem}-before-*{path.suffix}", before)


def _remove_older(folder: Path, pattern: str, before: datetime) -> list[Path]:
    old = [path for path in folder.glob(pattern) if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return old


async def check(url: str, pictures: FilePictureStore, *, thorough: bool = True) -> list[str]:
    """Looks for damage: in the database's file, its schema, and between it and the picture store.

    The bot may be running meanwhile: what it adds is not taken for foreign or missing.

    Args:
        url: The database's address.
        pictures: The picture store.
        thorough: Read every picture and every index; else only what the bot can afford to look at at every start.

    Returns:
        What is wrong, in plain sentences; empty if all is well.

    Raises:
        SettingsError: The database cannot be reached.
        StorageError: It does not answer.
    """
    database = Database(url)
    try:
        revision = await database.revision()
        if revision != newest_revision():
            return [f"The schema is at {revision}, this Easel works with {newest_revision()}: run `easel db upgrade`."]
        problems = [] if database.is_postgresql else await _file_problems(database, thorough=thorough)
        there, damaged = await pictures.survey(thorough=thorough)
        async with database.reading() as session:
            expected = await digests_of(session, select(ImageRow.digest).where(ImageRow.removed_at.is_(None)))
            expected |= await digests_of(session, select(InputRow.digest))
            needed = await inputs_of(session)
    finally:
        await database.close()
    missing = await pictures.lacking(expected - there - damaged)
    return [
        *problems,
        *_named("Pictures missing from the store", sorted(missing)),
        *_named("Damaged pictures in the store", sorted(damaged & (expected | needed))),
        *_named("Files in the store that belong to no job", sorted((there | damaged) - expected - needed)),
    ]


async def report(url: str, pictures: FilePictureStore) -> None:
    """Looks for damage as far as that is quick, and says in the log what is wrong; meant for every start."""
    started = time.monotonic()
    try:
        problems = await check(url, pictures, thorough=False)
    except EaselError as error:
        problems = [str(error)]
    for problem in problems:
        log.warning("%s `easel db check` looks closer; docs/operations.md says what to do.", problem)
    log.info("database and picture store looked at in %.1f s: %d problems", time.monotonic() - started, len(problems))


async def _file_problems(database: Database, *, thorough: bool) -> list[str]:
    look = "integrity_check" if thorough else "quick_check"
    async with database.reading() as session:
        found = list(await session.scalars(text(f"PRAGMA {look}")))
        loose = (await session.execute(text("PRAGMA foreign_key_check"))).all()
    problems = [f"The database's file is damaged: {line}." for line in found if line != "ok"]
    return [*problems, *_named("Rows that point at nothing", [str(row[0]) for row in loose])]


def _named(what: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{what}: {len(names)} ({', '.join(names[:_MOST_NAMED])}{more})."]
