"""What was painted for each person: listed, searched, starred, erased."""

from sqlalchemy import ColumnElement, Select, TextClause, and_, delete, exists, func, select, text
from sqlalchemy.orm import InstrumentedAttribute

from bot.domain import UNFINISHED, Entry, Job, Scope, Search, now
from bot.errors import LimitError
from bot.persistence.database import Database
from bot.persistence.jobs import job_of, terms_of
from bot.persistence.retention import drop_deleted_terms, kept_of
from bot.persistence.tables import (
    SEARCH,
    ChoicesRow,
    DraftRow,
    HistoryRow,
    ImageRow,
    InputRow,
    JobRow,
    PostRow,
    PresetRow,
    StarRow,
    UserRow,
)

_SQLITE_MATCH = f"history.number IN (SELECT rowid FROM {SEARCH} WHERE {SEARCH} MATCH :wanted)"  # noqa: S608 - a constant
_POSTGRESQL_MATCH = "to_tsvector('simple', history.terms) @@ to_tsquery('simple', :wanted)"


def _star(person: int, job_id: str | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    return and_(StarRow.job_id == job_id, StarRow.user_id == person)


class SqlHistory:
    """Keeps histories; a person only ever sees their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def older(self, person: int, search: Search, before: int | None, most: int) -> list[Entry]:
        """Lists what a person had painted, the newest first, from before an entry on."""
        wanted = self._wanted(person, search)
        if before is not None:
            wanted = wanted.where(HistoryRow.number < before)
        return await self._entries(wanted.order_by(HistoryRow.number.desc()).limit(most))

    async def newer(self, person: int, search: Search, after: int, most: int) -> list[Entry]:
        """Lists what came right after an entry, the newest first."""
        wanted = self._wanted(person, search).where(HistoryRow.number > after)
        return (await self._entries(wanted.order_by(HistoryRow.number).limit(most)))[::-1]

    async def is_starred(self, person: int, job_id: str) -> bool:
        """Whether a job is starred in a person's history."""
        async with self._database.reading() as session:
            return await session.scalar(select(StarRow.job_id).where(_star(person, job_id)).limit(1)) is not None

    async def star(self, person: int, job: Job, *, starred: bool) -> None:
        """Stars a job as a reaction on its message does, or takes all stars of the person's away from it."""
        row = StarRow(message_id=job.origin.message_id, user_id=person, job_id=job.id, starred_at=now())
        async with self._database.writing() as session:
            if starred:
                await session.merge(row)
            else:
                await session.execute(delete(StarRow).where(_star(person, job.id)))

    async def family(self, job_id: str, most: int) -> list[Job]:
        """Lists a job, the jobs that it was made of, and all that was made of these, the oldest first."""
        async with self._database.reading() as session:
            found = await session.get(JobRow, job_id)
            if found is None:
                return []
            root = found
            for _ in range(most):
                parent = await session.get(JobRow, root.parent_job) if root.parent_job else None
                if parent is None:
                    break
                root = parent
            rows, newest = {root.id: root}, [root.id]
            while newest and len(rows) < most:
                made = select(JobRow).where(JobRow.parent_job.in_(newest)).order_by(JobRow.created_at)
                children = [row for row in await session.scalars(made.limit(most - len(rows))) if row.id not in rows]
                newest = [row.id for row in children]
                rows |= {row.id: row for row in children}
            rows[found.id] = found
            return [job_of(row) for row in sorted(rows.values(), key=lambda row: row.created_at)]

    async def erase(self, person: int) -> list[str]:
        """Erases everything that is known of a person.

        Returns:
            The pictures painted for them and brought by them that nobody else painted or brought; their files are to be
            deleted now, also where another person's job begins from one.

        Raises:
            LimitError: A job of theirs waits or is being painted or posted.
        """
        theirs = select(JobRow.id).where(JobRow.user_id == person)
        async with self._database.writing() as session:
            if await session.scalar(theirs.where(JobRow.state.in_(UNFINISHED)).limit(1)) is not None:
                raise LimitError("You have jobs that are not finished yet. Wait for them, or use /cancel all first.")
            painted = set(await session.scalars(select(ImageRow.digest).where(ImageRow.job_id.in_(theirs))))
            brought = set(await session.scalars(select(InputRow.digest).where(InputRow.user_id == person)))
            await session.execute(delete(HistoryRow).where(HistoryRow.user_id == person))
            await session.execute(delete(ImageRow).where(ImageRow.job_id.in_(theirs)))
            for table_of_theirs in (PostRow, StarRow, InputRow):
                await session.execute(delete(table_of_theirs).where(table_of_theirs.user_id == person))
            await session.execute(delete(JobRow).where(JobRow.user_id == person))
            await session.execute(delete(DraftRow).where(DraftRow.user_id == person))
            for table in (ChoicesRow, PresetRow):
                await session.execute(delete(table).where(table.scope == Scope.PERSON, table.owner_id == person))
            await session.execute(delete(UserRow).where(UserRow.id == person))
            files = painted | brought
            kept = await kept_of(session, files)
            await drop_deleted_terms(session)
        return sorted(files - kept)

    def _wanted(self, person: int, search: Search) -> Select[HistoryRow]:
        wanted = select(HistoryRow).where(HistoryRow.user_id == person)
        if search.model:
            wanted = wanted.where(func.lower(HistoryRow.model) == search.model.lower())
        if search.since:
            wanted = wanted.where(HistoryRow.created_at >= search.since)
        if search.until:
            wanted = wanted.where(HistoryRow.created_at < search.until)
        if search.starred:
            wanted = wanted.where(exists().where(_star(person, HistoryRow.job_id)))
        if search.words:
            wanted = wanted.where(self._match(person, search.words))
        return wanted

    def _match(self, person: int, words: tuple[str, ...]) -> TextClause:
        """Makes the condition that every word begins one of the person's terms."""
        terms = terms_of(person, " ".join(words)).split()
        if not terms:  # marks alone
            return text("1 = 0")
        if self._database.is_postgresql:
            return text(_POSTGRESQL_MATCH).bindparams(wanted=" & ".join(f"{term}:*" for term in terms))
        return text(_SQLITE_MATCH).bindparams(wanted=" AND ".join(f'"{term}" *' for term in terms))

    async def _entries(self, wanted: Select[HistoryRow]) -> list[Entry]:
        async with self._database.reading() as session:
            rows = list(await session.scalars(wanted))
            ids = [row.job_id for row in rows]
            jobs = await session.scalars(select(JobRow).where(JobRow.id.in_(ids)))
            by_id = {job.id: job_of(job) for job in jobs}
            person = rows[0].user_id if rows else 0
            stars = set(
                await session.scalars(
                    select(StarRow.job_id).where(_star(person, StarRow.job_id), StarRow.job_id.in_(ids))
                )
            )
        return [Entry(row.number, by_id[row.job_id], row.job_id in stars) for row in rows]
