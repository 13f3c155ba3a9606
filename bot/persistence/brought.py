"""Which pictures kept jobs begin from; long lists are read without holding up the event loop."""

import asyncio
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.persistence.tables import JobRow
from generation import metadata

_BEGUN = JobRow.request.contains('"init": {')
_MANY = 200  # rows between two turns of the event loop


async def inputs_of(session: AsyncSession, *conditions: ColumnElement[bool]) -> set[str]:
    """Returns the SHA-256 of every picture that jobs begin from: of all jobs, or of those that meet conditions."""
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
