"""Jobs and their pictures in the database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Executable, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.domain import Job, JobState, Origin, Picture, now
from bot.persistence.database import Database
from bot.persistence.tables import ImageRow, JobRow, UserRow
from generation import recipe

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.RENDERED)


class SqlLedger:
    """Keeps jobs; every method is one committed transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: Job) -> None:
        """Keeps a new job, and its person if they are new."""
        origin = job.origin
        row = JobRow(
            id=job.id,
            user_id=origin.user_id,
            channel_id=origin.channel_id,
            guild_id=origin.guild_id,
            application_id=origin.application_id,
            token=origin.token,
            message_id=origin.message_id,
            file_limit=origin.file_limit,
            state=job.state,
            request=recipe.to_json(job.request),
            asked_at=origin.asked_at,
            created_at=job.created_at,
        )
        async with self._database.writing() as session:
            await session.execute(self._new_person(origin.user_id))
            session.add(row)

    async def begin(self, job_id: str) -> None:
        """Notes that a job is being painted."""
        await self._change(job_id, state=JobState.RUNNING, started_at=now())

    async def rendered(self, job_id: str, pictures: Sequence[Picture], seconds: float, notes: Sequence[str]) -> None:
        """Notes a job's pictures, whose files lie in the store already."""
        async with self._database.writing() as session:
            row = await session.get_one(JobRow, job_id)
            row.state, row.rendered_at, row.seconds, row.notes = JobState.RENDERED, now(), seconds, "\n".join(notes)
            row.images = [
                ImageRow(
                    position=position,
                    digest=picture.digest,
                    media_type=picture.media_type,
                    size=picture.size,
                    seed=picture.seed,
                )
                for position, picture in enumerate(pictures)
            ]

    async def posted(self, job_id: str, message_id: int) -> None:
        """Notes the message that shows the pictures."""
        await self._change(job_id, state=JobState.POSTED, message_id=message_id, ended_at=now())

    async def failed(self, job_id: str, reason: str) -> None:
        """Notes that a job cannot be painted."""
        await self._change(job_id, state=JobState.FAILED, reason=reason, ended_at=now())

    async def cancelled(self, job_id: str) -> None:
        """Notes that a person withdrew a job."""
        await self._change(job_id, state=JobState.CANCELLED, ended_at=now())

    async def find(self, job_id: str) -> Job | None:
        """Finds a job."""
        async with self._database.reading() as session:
            row = await session.get(JobRow, job_id)
            return None if row is None else _job(row)

    async def unfinished(self) -> list[Job]:
        """Lists the jobs that are queued, running or rendered but not posted, oldest first."""
        chosen = select(JobRow).where(JobRow.state.in_(_UNFINISHED)).order_by(JobRow.created_at)
        async with self._database.reading() as session:
            return [_job(row) for row in await session.scalars(chosen)]

    def _new_person(self, user_id: int) -> Executable:
        """Enters a person unless they are known; safe when two of their commands arrive at once."""
        insert = postgresql.insert if self._database.is_postgresql else sqlite.insert
        return insert(UserRow).values(id=user_id, first_seen=now()).on_conflict_do_nothing()

    async def _change(self, job_id: str, **values: Any) -> None:
        async with self._database.writing() as session:
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))


def _job(row: JobRow) -> Job:
    return Job(
        id=row.id,
        request=recipe.from_json(row.request),
        origin=Origin(
            user_id=row.user_id,
            channel_id=row.channel_id,
            guild_id=row.guild_id,
            application_id=row.application_id,
            token=row.token,
            message_id=row.message_id,
            asked_at=row.asked_at,
            file_limit=row.file_limit,
        ),
        state=JobState(row.state),
        created_at=row.created_at,
        pictures=tuple(
            Picture(digest=image.digest, media_type=image.media_type, size=image.size, seed=image.seed)
            for image in row.images
        ),
        seconds=row.seconds,
        notes=tuple(row.notes.splitlines()),
    )
