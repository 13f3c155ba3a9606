"""What was learned of the device's speed, in the database."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain import Speed
from bot.persistence.database import Database
from bot.persistence.tables import SpeedRow


class SqlSpeeds:
    """Keeps speeds, one row per model and size."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> list[Speed]:
        """Lists everything that was learned."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(SpeedRow))
            return [Speed(row.model, row.pixels, row.seconds_per_unit, row.jobs) for row in rows]

    async def keep(self, speeds: Sequence[Speed]) -> None:
        """Keeps what is known now of models and sizes, if anything was learned."""
        if not speeds:
            return
        insert = postgresql.insert if self._database.is_postgresql else sqlite.insert
        wanted = insert(SpeedRow)
        changes = {"seconds_per_unit": wanted.excluded.seconds_per_unit, "jobs": wanted.excluded.jobs}
        kept = wanted.on_conflict_do_update(index_elements=[SpeedRow.model, SpeedRow.pixels], set_=changes)
        async with self._database.writing() as session:
            await session.execute(kept, [asdict(speed) for speed in speeds])
