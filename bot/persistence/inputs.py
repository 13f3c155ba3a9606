"""Who brought which pictures."""

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain import UNFINISHED, Waiting, now
from bot.persistence.brought import inputs_of
from bot.persistence.database import Database
from bot.persistence.tables import InputRow, JobRow


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
