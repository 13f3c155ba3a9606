"""Looking after the database and the picture store: upgrading safely, and checking that all is there."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select, text

from bot.persistence.database import Database, backup, newest_revision, sqlite_path, upgrade
from bot.persistence.pictures import PictureFolder
from bot.persistence.tables import ImageRow, JobRow
from generation import recipe

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


async def check(url: str, pictures: PictureFolder) -> list[str]:
    """Looks for damage: in the database's file, its schema, and between it and the picture store.

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
        problems = [] if database.is_postgresql else await _file_problems(database)
        async with database.reading() as session:
            expected = set(await session.scalars(select(ImageRow.digest)))
            begun = await session.scalars(select(JobRow.request).where(JobRow.request.contains('"init": {')))
            for request in begun:
                expected |= set(recipe.from_json(request).inputs)
    finally:
        await database.close()
    there, damaged = await asyncio.to_thread(pictures.survey)
    return [
        *problems,
        *_named("Pictures missing from the store", sorted(expected - there - damaged)),
        *_named("Damaged pictures in the store", sorted(damaged & expected)),
        *_named("Files in the store that belong to no job", sorted((there | damaged) - expected)),
    ]


async def _file_problems(database: Database) -> list[str]:
    async with database.reading() as session:
        found = list(await session.scalars(text("PRAGMA integrity_check")))
        loose = (await session.execute(text("PRAGMA foreign_key_check"))).all()
    problems = [f"The database's file is damaged: {line}." for line in found if line != "ok"]
    return [*problems, *_named("Rows that point at nothing", [str(row[0]) for row in loose])]


def _named(what: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [f"{what}: {len(names)} ({', '.join(names[:_MOST_NAMED])}{more})."]
