"""What is kept for how long: tokens, pictures, files that belong to nobody, servers that the bot has left."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Integer, case, delete, exists, func, literal_column, or_, select, text, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import EXPIRED, UNFINISHED, JobState, Scope, now
from bot.persistence.database import Database
from bot.persistence.inputs import digests_of, inputs_of
from bot.persistence.tables import (
    SEARCH,
    ChoicesRow,
    DepartureRow,
    HistoryRow,
    ImageRow,
    InputRow,
    JobRow,
    PresetRow,
    StarRow,
)

_IN_VAIN = (JobState.FAILED, JobState.CANCELLED)
_MANY = 1000  # SQLite takes some thousands of values in one statement


class SqlRetention:
    """Finds what may go, and notes what has gone; files are deleted by the caller afterwards.

    Every method is one committed transaction and may raise StorageError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expire_tokens(self, before: datetime) -> None:
        """Clears the interaction tokens of unfinished jobs that were asked for before a time."""
        live = JobRow.token.not_in(("", EXPIRED)) & (JobRow.asked_at < before)
        async with self._database.writing() as session:
            await session.execute(update(JobRow).where(live).values(token=EXPIRED))

    async def oldest(self, before: datetime, most: int, *, starred: bool) -> list[str]:
        """Lists the files of pictures that were painted or brought before a time, the oldest first.

        What an unfinished job needs or has painted is left out.

        Args:
            before: The time.
            most: How many files to list.
            starred: Whether pictures of starred jobs are listed too.
        """
        star = exists().where(StarRow.job_id == JobRow.id)
        busy = case((JobRow.state.in_(UNFINISHED), 1), else_=0)
        painted = select(ImageRow.digest, JobRow.created_at.label("at"), busy.label("busy"))
        painted = painted.add_columns(case((star, 1), else_=0).label("starred")).join(JobRow)
        nothing = literal_column("0", Integer)
        brought = select(InputRow.digest, InputRow.taken_at, nothing, nothing)
        kept = union_all(painted.where(ImageRow.removed_at.is_(None)), brought).subquery()
        files = select(kept.c.digest).group_by(kept.c.digest)
        files = files.having(func.max(kept.c.at) < before, func.max(kept.c.busy) == 0)
        if not starred:
            files = files.having(func.max(kept.c.starred) == 0)
        async with self._database.reading() as session:
            needed = await inputs_of(session, JobRow.state.in_(UNFINISHED))
            found = await session.scalars(files.order_by(func.max(kept.c.at)).limit(most + len(needed)))
            return [digest for digest in found if digest not in needed][:most]

    async def removed(self, digests: Sequence[str]) -> None:
        """Notes that files are removed; the jobs that painted them stay."""
        async with self._database.writing() as session:
            await session.execute(update(ImageRow).where(ImageRow.digest.in_(digests)).values(removed_at=now()))
            await session.execute(delete(InputRow).where(InputRow.digest.in_(digests)))

    async def orphans(self, there: Collection[str], before: datetime) -> list[str]:
        """Finds the files that belong to nobody, and forgets who brought them.

        Those are files that no job painted, and that no job begins from but ones that failed or were cancelled before
        a time; what was brought after that time is left out.

        Args:
            there: The files in the store.
            before: The time.
        """
        wanted = or_(JobRow.state.not_in(_IN_VAIN), JobRow.created_at >= before)
        late = InputRow.taken_at < before
        async with self._database.reading() as session:
            needed = await inputs_of(session, wanted)
            painted = await digests_of(session, select(ImageRow.digest).where(ImageRow.removed_at.is_(None)))
            recent = await digests_of(session, select(InputRow.digest).where(~late))
            brought = await digests_of(session, select(InputRow.digest))
        async with self._database.writing() as session:
            for digest in brought - needed - recent:
                await session.execute(delete(InputRow).where(InputRow.digest == digest, late))
        return sorted(set(there) - needed - recent - painted)

    async def left(self, guild_id: int, channels: Collection[int] = ()) -> None:
        """Notes that the bot is no longer on a server, unless that is known."""
        async with self._database.writing() as session:
            if await session.get(DepartureRow, guild_id) is None:
                session.add(DepartureRow(guild_id=guild_id, left_at=now(), channels=json.dumps(sorted(channels))))

    async def present(self, guilds: Collection[int]) -> list[int]:
        """Compares the servers that the bot is on with those that something is kept of.

        Returns:
            The servers that were left unnoticed.
        """
        async with self._database.writing() as session:
            known = set(await session.scalars(select(JobRow.guild_id).where(JobRow.guild_id.is_not(None)).distinct()))
            for table in (ChoicesRow, PresetRow):
                known |= set(await session.scalars(select(table.owner_id).where(table.scope == Scope.SERVER)))
            noted = set(await session.scalars(select(DepartureRow.guild_id)))
            await session.execute(delete(DepartureRow).where(DepartureRow.guild_id.in_(noted & set(guilds))))
            unnoticed = sorted(each for each in known - noted - set(guilds) if each is not None)
            session.add_all([DepartureRow(guild_id=each, left_at=now(), channels="[]") for each in unnoticed])
        return unnoticed

    async def left_before(self, time: datetime) -> list[int]:
        """Lists the servers that were left before a time."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(DepartureRow.guild_id).where(DepartureRow.left_at < time)))

    async def erase_server(self, guild_id: int) -> list[str]:
        """Erases a server's settings and presets, and the jobs that were asked for there.

        Returns:
            The pictures that no other job has; their files are to be deleted now.
        """
        ended = (JobRow.guild_id == guild_id) & JobRow.state.not_in(UNFINISHED)
        jobs = select(JobRow.id).where(ended)
        async with self._database.writing() as session:
            channels = set(await session.scalars(select(JobRow.channel_id).where(ended).distinct()))
            departure = await session.get(DepartureRow, guild_id)
            if departure is not None:
                channels |= set(json.loads(departure.channels))
                await session.delete(departure)
            painted = set(await session.scalars(select(ImageRow.digest).where(ImageRow.job_id.in_(jobs))))
            await session.execute(delete(HistoryRow).where(HistoryRow.job_id.in_(jobs)))
            await session.execute(delete(ImageRow).where(ImageRow.job_id.in_(jobs)))
            await session.execute(delete(JobRow).where(ended))
            for table in (ChoicesRow, PresetRow):
                for scope, owners in ((Scope.SERVER, {guild_id}), (Scope.CHANNEL, channels)):
                    await session.execute(delete(table).where(table.scope == scope, table.owner_id.in_(owners)))
            await drop_deleted_terms(session)
            return sorted(painted - await kept_of(session, painted))


async def drop_deleted_terms(session: AsyncSession) -> None:
    """Merges SQLite's search index, which only marks the terms of deleted rows until then."""
    if session.get_bind().dialect.name == "sqlite":
        await session.execute(text(f"INSERT INTO {SEARCH}({SEARCH}) VALUES ('optimize')"))  # noqa: S608 - a constant


async def kept_of(session: AsyncSession, digests: Collection[str]) -> set[str]:
    """Returns those of some files that a job has painted or a person has brought."""
    kept: set[str] = set()
    asked = sorted(digests)
    for start in range(0, len(asked), _MANY):
        part = asked[start : start + _MANY]
        painted = select(ImageRow.digest).where(ImageRow.digest.in_(part), ImageRow.removed_at.is_(None))
        kept |= set(await session.scalars(painted))
        kept |= set(await session.scalars(select(InputRow.digest).where(InputRow.digest.in_(part))))
    return kept
