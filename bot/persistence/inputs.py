"""Who brought which pictures, and which of them jobs begin from."""

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import UNFINISHED, Waiting, now
from bot.persistence.database import Database
from bot.persistence.tables import InputRow, JobRow
from generation import metadata

_BEGUN = JobRow.request.contains('"init": {')
_MANY = 200  # rows between two turns of the event loop


class SqlInputs:
    """Notes what people bring."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, person: int, sizes: Mapping[str, int]) -> None:
        """Notes files that a person brings, by their SHA-256, with their bytes; a file brought again counts anew."""
        if not sizes:
            return
        insert = postgresql.insert if self._database.is_postgresql else sqlite.insert
        rows = [
            {"user_id": person, "digest": digest, "size": size, "taken_at": now()} for digest, size in sizes.items()
        ]
        added = insert(InputRow).values(rows)
        again = {"size": added.excluded.size, "taken_at": added.excluded.taken_at}
        async with self._database.writing() as session:
            await session.execute(added.on_conflict_do_update(index_elements=["user_id", "digest"], set_=again))

    async def waiting(self, person: int) -> Waiting:
        """Says how many files, and bytes, a person has brought for jobs that are not finished yet."""
        async with self._database.reading() as session:
            needed = await inputs_of(session, JobRow.user_id == person, JobRow.state.in_(UNFINISHED))
            mine = (InputRow.user_id == person) & InputRow.digest.in_(needed)
            found = select(func.count(), func.coalesce(func.sum(InputRow.size), 0)).where(mine)
            count, size = (await session.execute(found)).one()
        return Waiting(count, int(size))


async def inputs_of(session: AsyncSession, *conditions: ColumnElement[bool]) -> set[str]:
    """Returns the SHA-256 of every picture that jobs begin from: of all jobs, or of those that meet conditions.

    Long lists are read without holding up the event loop.
    """
    found: set[str] = set()
    rows = await session.stream_scalars(select(JobRow.request).where(_BEGUN, *conditions))
    async for part in rows.partitions(_MANY):
        found.update(digest for request in part for digest in metadata.from_json(request).inputs)
        await asyncio.sleep(0)
    return found


async def digests_of(session: AsyncSession, wanted: Select[Any]) -> set[str]:
    """Returns the digests that a statement selects."""
    found: set[str] = set()
    rows = await session.stream_scalars(wanted)
    async for part in rows.partitions(_MANY * 10):
        found.update(part)
        await asyncio.sleep(0)
    return found
