"""Stars on messages, and the copies of starred messages in galleries."""

from sqlalchemy import delete, func, select

from bot.domain import Copy, Post, now
from bot.persistence.database import Database
from bot.persistence.tables import GalleryRow, StarRow


class SqlStars:
    """Keeps stars and copies; every change is one committed transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, message_id: int, post: Post, person: int) -> int:
        """Notes a person's star, once; returns how many there are now."""
        row = StarRow(
            message_id=message_id,
            user_id=person,
            job_id=post.job.id,
            position=None if post.number is None else post.number - 1,
            starred_at=now(),
        )
        async with self._database.writing() as session:
            await session.merge(row)
        return await self._count(message_id)

    async def take(self, message_id: int, person: int) -> int:
        """Takes a person's star away; returns how many there are now."""
        gone = delete(StarRow).where(StarRow.message_id == message_id, StarRow.user_id == person)
        async with self._database.writing() as session:
            await session.execute(gone)
        return await self._count(message_id)

    async def copy_of(self, message_id: int) -> Copy | None:
        """Finds the gallery's copy of a message."""
        async with self._database.reading() as session:
            row = await session.get(GalleryRow, message_id)
            return None if row is None else Copy(row.channel_id, row.copy_id)

    async def copied(self, message_id: int, job_id: str, copy: Copy) -> None:
        """Notes the gallery's copy of a message."""
        row = GalleryRow(message_id=message_id, job_id=job_id, channel_id=copy.channel_id, copy_id=copy.message_id)
        async with self._database.writing() as session:
            await session.merge(row)

    async def forget(self, message_id: int) -> None:
        """Forgets a message's copy and its stars."""
        async with self._database.writing() as session:
            await session.execute(delete(GalleryRow).where(GalleryRow.message_id == message_id))
            await session.execute(delete(StarRow).where(StarRow.message_id == message_id))

    async def _count(self, message_id: int) -> int:
        counted = select(func.count()).select_from(StarRow).where(StarRow.message_id == message_id)
        async with self._database.reading() as session:
            return await session.scalar(counted) or 0
