"""Which pictures people brought: those that kept jobs begin from."""

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.persistence.tables import JobRow
from generation import recipe

_BEGUN = JobRow.request.contains('"init": {')


async def inputs_of(session: AsyncSession, *conditions: ColumnElement[bool]) -> set[str]:
    """Returns the SHA-256 of every picture that jobs begin from: of all jobs, or of those that meet conditions."""
    requests = await session.scalars(select(JobRow.request).where(_BEGUN, *conditions))
    return {digest for request in requests for digest in recipe.from_json(request).inputs}
