"""Jobs and their pictures in the database."""

import dataclasses
import json
import re
import unicodedata
from collections.abc import Collection
from typing import Any

from sqlalchemy import Executable, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from bot.domain import UNFINISHED, Action, DeliveryPreferences, Derivation, Job, JobState, Origin, Picture, Usage, now
from bot.errors import JobTakenError
from bot.persistence.database import Database
from bot.persistence.tables import HistoryRow, ImageRow, JobRow, UserRow, WorkerRow
from generation import metadata
from generation.typed_text import TypedText

_WORD = re.compile(r"[^\W_]+")


class SqlJobs:
    """Keeps jobs; every method is one committed transaction. With its end a job loses its interaction token.

    Args:
        database: Where.
        worker: The id of this process, which looks after the jobs it adds or adopts.
    """

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker

    async def add(self, *jobs: Job) -> None:
        """Keeps new jobs, all or none, and their people if they are new.

        Raises:
            JobTakenError: Another process has made a job of the same command.
        """
        try:
            async with self._database.writing() as session:
                for person in {job.origin.user_id for job in jobs}:
                    await session.execute(self._new_person(person))
                session.add_all([self._row(job) for job in jobs])
        except IntegrityError as error:
            raise JobTakenError("This command is a job already.") from error

    async def moved(self, job_ids: Collection[str], channel_id: int) -> None:
        """Notes that jobs without messages will have theirs in another channel."""
        moved = update(JobRow).where(JobRow.id.in_(job_ids), JobRow.worker_id == self._worker)
        async with self._database.writing() as session:
            await session.execute(moved.values(channel_id=channel_id))

    async def announced(self, job_id: str, message_id: int) -> None:
        """Notes the message of a job that had none."""
        await self._change(job_id, message_id=message_id)

    async def begin(self, job_id: str) -> None:
        """Notes that a job is being painted."""
        await self._change(job_id, state=JobState.RUNNING, started_at=now())

    async def rendered(self, job: Job, device_seconds: float) -> None:
        """Notes a job's pictures, whose files lie in the store already, and its share of the device."""
        async with self._database.writing() as session:
            row = await session.get_one(JobRow, job.id, with_for_update=True)
            if row.worker_id != self._worker:
                raise JobTakenError("Another process looks after this job.")
            row.state, row.rendered_at = JobState.RENDERED, now()
            row.seconds, row.device_seconds, row.notes = job.seconds, device_seconds, "\n".join(job.notes)
            row.images = [
                ImageRow(
                    position=position,
                    digest=picture.digest,
                    media_type=picture.media_type,
                    size=picture.size,
                    seed=picture.seed,
                )
                for position, picture in enumerate(job.pictures)
            ]
            if job.wishes.remembered:
                session.add(_remembered(job))

    async def posted(self, job_id: str, message_id: int) -> None:
        """Notes the message that shows the pictures."""
        await self._change(job_id, state=JobState.POSTED, message_id=message_id, ended_at=now(), token="")

    async def failed(self, job_id: str, reason: str) -> None:
        """Notes that a job cannot be painted."""
        await self._change(job_id, state=JobState.FAILED, reason=reason, ended_at=now(), token="")

    async def cancelled(self, job_id: str) -> None:
        """Notes that a person withdrew a job."""
        await self._change(job_id, state=JobState.CANCELLED, ended_at=now(), token="")

    async def request_cancel(self, job_id: str) -> None:
        """Notes that a job is no longer wanted which another process looks after."""
        wished = update(JobRow).where(JobRow.id == job_id).values(unwanted_at=now())
        async with self._database.writing() as session:
            await session.execute(wished)

    async def cancel_requested(self) -> list[Job]:
        """Lists the jobs of this process that are not painted yet and no longer wanted."""
        mine = (JobRow.worker_id == self._worker) & JobRow.state.in_((JobState.QUEUED, JobState.RUNNING))
        async with self._database.reading() as session:
            rows = await session.scalars(select(JobRow).where(mine, JobRow.unwanted_at.is_not(None)))
            return [job_of(row) for row in rows]

    async def find(self, job_id: str) -> Job | None:
        """Finds a job."""
        async with self._database.reading() as session:
            row = await session.get(JobRow, job_id)
            return None if row is None else job_of(row)

    async def usage(self, person: int) -> Usage:
        """Says what a person has had painted in all."""
        pictures = select(func.count()).select_from(ImageRow).join(JobRow).where(JobRow.user_id == person)
        jobs = select(func.count(), func.coalesce(func.sum(JobRow.device_seconds), 0.0)).where(
            JobRow.user_id == person, JobRow.rendered_at.is_not(None)
        )
        async with self._database.reading() as session:
            count, seconds = (await session.execute(jobs)).one()
            return Usage(count, await session.scalar(pictures) or 0, seconds)

    async def adopt(self, dead: Collection[str]) -> list[Job]:
        """Takes over the unfinished jobs of processes that are gone, and those nobody looks after, oldest first.

        A process that ended in good order has no entry any more, but may have left jobs.
        """
        nobody = JobRow.worker_id.is_(None) | JobRow.worker_id.not_in(select(WorkerRow.id))
        others = nobody | JobRow.worker_id.in_(dead)
        orphaned = others & (func.coalesce(JobRow.worker_id, "") != self._worker)
        taken = update(JobRow).where(JobRow.state.in_(UNFINISHED), orphaned).values(worker_id=self._worker)
        async with self._database.writing() as session:
            ids = list(await session.scalars(taken.returning(JobRow.id)))
        chosen = select(JobRow).where(JobRow.id.in_(ids)).order_by(JobRow.created_at)
        async with self._database.reading() as session:
            return [job_of(row) for row in await session.scalars(chosen)]

    async def mine(self, job_id: str) -> bool:
        """Whether this process still looks after a job."""
        async with self._database.reading() as session:
            owner = await session.scalar(select(JobRow.worker_id).where(JobRow.id == job_id))
        return owner == self._worker

    def _row(self, job: Job) -> JobRow:
        origin = job.origin
        return JobRow(
            id=job.id,
            user_id=origin.user_id,
            channel_id=origin.channel_id,
            guild_id=origin.guild_id,
            application_id=origin.application_id,
            token=origin.token,
            message_id=origin.message_id,
            interaction_id=origin.interaction_id,
            worker_id=self._worker,
            file_limit=origin.file_limit,
            state=job.state,
            wishes=json.dumps(dataclasses.asdict(job.wishes)),
            request=metadata.to_json(job.request),
            asked_at=origin.asked_at,
            created_at=job.created_at,
            weight=job.weight,
            **_derivation_columns(job.derived),
        )

    def _new_person(self, user_id: int) -> Executable:
        """Enters a person unless they are known; safe when two of their commands arrive at once."""
        insert = postgresql.insert if self._database.is_postgresql else sqlite.insert
        return insert(UserRow).values(id=user_id, first_seen=now()).on_conflict_do_nothing()

    async def _change(self, job_id: str, **values: Any) -> None:
        changed = update(JobRow).where(JobRow.id == job_id, JobRow.worker_id == self._worker).values(**values)
        async with self._database.writing() as session:
            if (await session.execute(changed.returning(JobRow.id))).first() is None:
                raise JobTakenError("Another process looks after this job.")


def job_of(row: JobRow) -> Job:
    """Reads a job from its row."""
    return Job(
        id=row.id,
        request=metadata.from_json(row.request),
        origin=Origin(
            user_id=row.user_id,
            channel_id=row.channel_id,
            guild_id=row.guild_id,
            application_id=row.application_id,
            token=row.token,
            message_id=row.message_id,
            interaction_id=row.interaction_id,
            asked_at=row.asked_at,
            file_limit=row.file_limit,
        ),
        state=JobState(row.state),
        created_at=row.created_at,
        pictures=tuple(
            Picture(
                digest=image.digest,
                media_type=image.media_type,
                size=image.size,
                seed=image.seed,
                removed_at=image.removed_at,
            )
            for image in row.images
        ),
        seconds=row.seconds,
        notes=tuple(row.notes.splitlines()),
        wishes=DeliveryPreferences(**json.loads(row.wishes)),
        weight=row.weight,
        derived=_derivation(row),
    )


def _derivation_columns(derived: Derivation | None) -> dict[str, Any]:
    if derived is None:
        return {}
    return {
        "parent_job": derived.parent_job,
        "parent_index": derived.parent_index,
        "action": derived.action,
        "reaction": derived.reaction,
    }


def _derivation(row: JobRow) -> Derivation | None:
    if row.parent_job is None or row.action is None:
        return None
    return Derivation(
        parent_job=row.parent_job, parent_index=row.parent_index, action=Action(row.action), reaction=row.reaction
    )


def _remembered(job: Job) -> HistoryRow:
    return HistoryRow(
        job_id=job.id,
        user_id=job.origin.user_id,
        model=job.request.model,
        terms=terms_of(job.origin.user_id, job.request.prompt),
        created_at=job.created_at,
    )


def words_of(text: TypedText | str) -> list[str]:
    """Takes the different words out of a text, without capitals and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return list(dict.fromkeys(_WORD.findall(bare)))


def terms_of(person: int, text: TypedText | str) -> str:
    """Returns what a history is searched by: the words of a prompt, each joined to its person: "7xred 7xapple".

    A word alone would be in very many people's prompts, and its list long; joined to its person it is in theirs alone,
    so that a search costs what the person has, not what everybody has (docs/decisions/0007).
    """
    return " ".join(f"{person}x{word}" for word in words_of(text))
