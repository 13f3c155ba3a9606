"""What buttons need when they are pressed, in the database."""

import json
from datetime import timedelta

from sqlalchemy import delete, select

from bot.domain import Draft, new_job_id, now
from bot.persistence.database import Database
from bot.persistence.tables import DraftRow

LIFE = timedelta(days=30)
MOST = 100  # of one person; a draft may hold a whole prompt


class SqlDrafts:
    """Keeps drafts; those too old to be pressed, and a person's oldest beyond MOST, go when a new one comes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, draft: Draft) -> str:
        """Keeps a draft; returns its id."""
        row = DraftRow(id=new_job_id(), user_id=draft.person, content=json.dumps(dict(draft.content)), created_at=now())
        async with self._database.writing() as session:
            await session.execute(delete(DraftRow).where(DraftRow.created_at < now() - LIFE))
            newest = select(DraftRow.id).where(DraftRow.user_id == draft.person).order_by(DraftRow.created_at.desc())
            await session.execute(delete(DraftRow).where(DraftRow.id.in_(newest.offset(MOST - 1))))
            session.add(row)
        return row.id

    async def find(self, draft_id: str) -> Draft | None:
        """Finds a draft."""
        async with self._database.reading() as session:
            row = await session.get(DraftRow, draft_id)
            return None if row is None else Draft(row.user_id, json.loads(row.content))

    async def take(self, draft_id: str) -> bool:
        """Removes a draft that may be used once; False if that was done before."""
        async with self._database.writing() as session:
            gone = delete(DraftRow).where(DraftRow.id == draft_id).returning(DraftRow.id)
            return (await session.execute(gone)).first() is not None
