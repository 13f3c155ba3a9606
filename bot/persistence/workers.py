"""The processes of the bot that share one database: who lives, who is gone."""

import os
import secrets
import socket
from datetime import timedelta

import psutil
from sqlalchemy import delete, select, update

from bot.domain import Worker, now
from bot.persistence.database import Database
from bot.persistence.tables import WorkerRow

LEASE = timedelta(seconds=30)
_SAME_START = 1.0  # seconds by which two readings of one process's start may differ


class SqlWorkers:
    """Keeps this process's own lease, and tells whose has run out.

    A process on the same machine is known to be gone at once; of one elsewhere only the lease tells.
    """

    def __init__(self, database: Database, me: Worker) -> None:
        self._database = database
        self._me = me

    async def register(self) -> None:
        """Enters this process."""
        row = WorkerRow(
            id=self._me.id,
            host=self._me.host,
            pid=self._me.pid,
            started_at=self._me.started_at,
            lease_until=now() + LEASE,
        )
        async with self._database.writing() as session:
            await session.merge(row)

    async def renew(self) -> None:
        """Prolongs this process's lease; enters it again should another have taken it for dead."""
        async with self._database.writing() as session:
            mine = update(WorkerRow).where(WorkerRow.id == self._me.id).values(lease_until=now() + LEASE)
            renewed = (await session.execute(mine.returning(WorkerRow.id))).first()
        if renewed is None:
            await self.register()

    async def dead(self) -> list[str]:
        """Lists the processes that are gone."""
        async with self._database.reading() as session:
            rows = list(await session.scalars(select(WorkerRow).where(WorkerRow.id != self._me.id)))
        return [row.id for row in rows if self._is_dead(row)]

    async def delete(self, workers: list[str]) -> None:
        """Removes the entries of processes whose jobs were taken over."""
        async with self._database.writing() as session:
            await session.execute(delete(WorkerRow).where(WorkerRow.id.in_(workers)))

    async def leave(self) -> None:
        """Removes this process's entry: what it left unfinished may be taken up at once."""
        await self.delete([self._me.id])

    def _is_dead(self, row: WorkerRow) -> bool:
        if row.host == self._me.host:
            return not _runs(row.pid, row.started_at)
        return row.lease_until < now()


def this_process() -> Worker:
    """Describes this process."""
    pid = os.getpid()
    started_at = psutil.Process(pid).create_time()
    return Worker(id=secrets.token_hex(8), host=socket.gethostname(), pid=pid, started_at=started_at)


def _runs(pid: int, started_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started_at) < _SAME_START
    except psutil.NoSuchProcess:
        return False
