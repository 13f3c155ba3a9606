"""What was learned of the device's speed, in the database."""

from sqlalchemy import select

from bot.domain import Speed
from bot.persistence.database import Database
from bot.persistence.tables import SpeedRow


class SqlSpeedBook:
    """Keeps speeds, one row per model and size."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> list[Speed]:
        """Lists everything that was learned."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(SpeedRow))
            return [Speed(row.model, row.pixels, row.seconds_per_unit, row.jobs) for row in rows]

    async def keep(self, speed: Speed) -> None:
        """Keeps what is known now of a model at a size."""
        row = SpeedRow(model=speed.model, pixels=speed.pixels, seconds_per_unit=speed.seconds_per_unit, jobs=speed.jobs)
        async with self._database.writing() as session:
            await session.merge(row)
