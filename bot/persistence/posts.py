"""Which messages show pictures of which jobs, their stars, and the copies of starred ones in galleries."""

from sqlalchemy import delete, func, select, update

from bot.domain import UNFINISHED, Copy, Job, JobState, Post, now
from bot.persistence.database import Database
from bot.persistence.jobs import job_of
from bot.persistence.tables import GalleryRow, JobRow, PostRow, StarRow


class SqlPosts:
    """Keeps the messages that show single pictures; a job's own message stands in its own row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, message_id: int, job_id: str, number: int, person: int) -> None:
        """Notes a message that shows one picture of a job; doing it twice changes nothing."""
        row = PostRow(message_id=message_id, job_id=job_id, position=number - 1, user_id=person)
        async with self._database.writing() as session:
            await session.merge(row)

    async def find(self, message_id: int) -> Post | None:
        """Finds what a message shows."""
        own = select(JobRow).where(JobRow.message_id == message_id)
        single = select(JobRow, PostRow).join(PostRow).where(PostRow.message_id == message_id)
        async with self._database.reading() as session:
            job = await session.scalar(own)
            if job is not None:
                return Post(job=job_of(job), number=None, person=job.user_id)
            found = (await session.execute(single)).first()
            if found is None:
                return None
            job, post = found
            return Post(job=job_of(job), number=post.position + 1, person=post.user_id)

    async def deleted(self, message_id: int) -> None:
        """Notes that a message was deleted: it shows nothing any more, and a job that it showed is withdrawn.

        A job that is not posted yet keeps its state: its result is posted as a message of its own.
        """
        posted = (JobRow.message_id == message_id) & (JobRow.state == JobState.POSTED)
        async with self._database.writing() as session:
            await session.execute(delete(PostRow).where(PostRow.message_id == message_id))
            await session.execute(update(JobRow).where(posted).values(state=JobState.WITHDRAWN))

    async def asked_by(self, reaction: str, person: int) -> Job | None:
        """Finds the unfinished job that a person's reaction asked for."""
        asked = select(JobRow).where(
            JobRow.reaction == reaction, JobRow.user_id == person, JobRow.state.in_(UNFINISHED)
        )
        async with self._database.reading() as session:
            row = await session.scalar(asked.limit(1))
            return None if row is None else job_of(row)


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
