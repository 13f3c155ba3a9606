"""The connection to the database, and its schema."""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from bot.errors import SettingsError, StorageError

log = logging.getLogger(__name__)

BUSY_SECONDS = 15  # for a lock of another program, say a backup; what comes meanwhile waits
CLOSING_SECONDS = 5.0
_UNUSABLE = (ArgumentError, NoSuchModuleError, ModuleNotFoundError)


class Database:
    """An open database; sessions are taken from it.

    Raises:
        SettingsError: The URL is none that can be used.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(self._engine, expire_on_commit=False)
        self._writer = asyncio.Lock()
        self._open = 0
        self._unused = asyncio.Event()
        self._unused.set()
        self._closed = False

    @property
    def is_postgresql(self) -> bool:
        """Whether it is PostgreSQL; otherwise SQLite."""
        return self._engine.dialect.name == "postgresql"

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Opens a session that only reads.

        Raises:
            StorageError: The database does not answer.
        """
        with _trouble_in_words(), self._in_use():
            async with self._sessions() as session:
                yield session

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Opens one transaction, committed in the end.

        SQLite takes one writer at a time, and its own waiting for the lock is neither quick nor fair: ours stand
        in line here.

        Raises:
            StorageError: The database does not answer, or is locked for longer than it is worth waiting.
        """
        line = contextlib.nullcontext() if self.is_postgresql else self._writer
        with _trouble_in_words(), self._in_use():
            async with line, self._sessions.begin() as session:
                yield session

    async def forget_deleted(self) -> None:
        """Wipes what was deleted out of SQLite's log of changes too, where it stands until it is overwritten.

        Raises:
            StorageError: Somebody reads the old state for longer than it is worth waiting.
        """
        if self.is_postgresql:
            return
        with _trouble_in_words(), self._in_use():
            async with self._writer, self._engine.connect() as connection:
                busy = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).scalar()
        if busy:
            raise StorageError("The database is being read; what was deleted leaves its log a little later.")

    async def revision(self) -> str | None:
        """Returns the schema's revision; None for an empty database.

        Raises:
            SettingsError: The database cannot be reached.
        """
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(_current_revision)
        except (OperationalError, sqlite3.Error, OSError) as error:
            raise SettingsError(f"The database cannot be opened: {_first_line(error)}. Check DATABASE_URL.") from error

    async def close(self) -> None:
        """Closes all connections, after what is under way: a connection in use would be lost, not closed.

        From then on it refuses: Discord's events still come while the bot closes, and each would open a connection
        that nothing closes.
        """
        self._closed = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._unused.wait(), CLOSING_SECONDS)
        await self._engine.dispose()

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        if self._closed:
            raise StorageError("I am being restarted; please try again in a minute.")
        self._open += 1
        self._unused.clear()
        try:
            yield
        finally:
            self._open -= 1
            if not self._open:
                self._unused.set()


@contextlib.contextmanager
def _trouble_in_words() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        log.warning("the database does not answer: %s", _first_line(error))
        raise StorageError("The database does not answer; please try again in a moment.") from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # its children are about what was asked
            raise
        log.error("the database is damaged: %s", _first_line(error))
        raise StorageError("My database is damaged; please tell whoever runs me.") from error


async def upgrade(url: str, revision: str = "head") -> None:
    """Brings the schema to a revision, the newest by default.

    Raises:
        SettingsError: The database cannot be reached.
    """
    await _migrate(url, command.upgrade, revision)


async def downgrade(url: str, revision: str) -> None:
    """Takes the schema back to an earlier revision, such as "-1" or "base"."""
    await _migrate(url, command.downgrade, revision)


async def backup(url: str, target: Path) -> None:
    """Copies an SQLite database while it is in use.

    Raises:
        SettingsError: It is no SQLite database, or there is none yet.
    """
    source = sqlite_path(url)
    if source is None:
        raise SettingsError("Only SQLite databases are backed up here; use pg_dump for PostgreSQL.")
    if not source.is_file():
        raise SettingsError("There is no database yet; nothing was backed up.")
    await asyncio.to_thread(_copy, source, target)


def sqlite_path(url: str) -> Path | None:
    """Returns an SQLite database's file; None for other databases, those in memory, and what is no URL."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    if parsed.get_backend_name() != "sqlite" or parsed.database in {None, "", ":memory:"}:
        return None
    return Path(str(parsed.database))


def newest_revision() -> str | None:
    """Returns the revision that this version of Easel works with."""
    return ScriptDirectory.from_config(_alembic("sqlite://")).get_current_head()


def migrations_directory() -> Path:
    """Finds the migrations: inside the package when installed from a wheel, beside it in a checkout."""
    packaged = Path(__file__).parent / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"


async def _migrate(url: str, step: Any, revision: str) -> None:
    try:
        _try_file(url)
        await asyncio.to_thread(step, _alembic(url), revision)
    except CommandError as error:
        raise SettingsError(f"The schema cannot be changed to {revision!r}: {_first_line(error)}.") from error
    except _UNUSABLE as error:
        raise SettingsError(f"DATABASE_URL cannot be used: {_first_line(error)}.") from error
    except (OperationalError, sqlite3.Error, OSError) as error:
        raise SettingsError(f"The database cannot be opened: {_first_line(error)}. Check DATABASE_URL.") from error


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def _engine(url: str) -> AsyncEngine:
    try:
        _try_file(url)
        engine = create_async_engine(url, hide_parameters=True)  # its errors are logged; their values are private
    except _UNUSABLE as error:
        raise SettingsError(f"DATABASE_URL cannot be used: {_first_line(error)}.") from error
    except (sqlite3.Error, OSError) as error:
        raise SettingsError(f"The database cannot be opened: {_first_line(error)}. Check DATABASE_URL.") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _try_file(url: str) -> None:
    """Makes an SQLite database's folder and opens the file once.

    aiosqlite reports a file that cannot be opened from a thread of its own, which may outlive the event loop.
    """
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(path)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA schema_version")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten with zeros
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.close()


def _current_revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _make_private(path: Path) -> None:
    """Makes a file that only its owner may read, unless there is one; SQLite's further files take after it."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _make_private(target)
    with (
        contextlib.closing(sqlite3.connect(source)) as opened,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        opened.backup(copy)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
