"""What only the bot's own account may read: the data folder, the database with its copies, and .env."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bot.persistence.database import sqlite_path
from bot.settings import Settings

log = logging.getLogger(__name__)

POSIX = os.name == "posix"  # elsewhere modes do not say who may read
UMASK = 0o077
OTHERS = stat.S_IRWXG | stat.S_IRWXO
ENV_FILE = Path(".env")
_FILES = ("*.db", "*.db-wal", "*.db-shm", "hashes.json", "calls.json")
_PLAYGROUND = "playground"


def keep_private(settings: Settings) -> None:
    """Lets only this account read what the process writes from now on, and what is there of the data already.

    What cannot be changed is logged. Does nothing on Windows, where access is inherited from the parent folder.
    """
    if not POSIX:
        return
    os.umask(UMASK)
    for path in _ours(settings):
        mode = path.stat().st_mode
        if mode & OTHERS:
            try:
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)
            except OSError as error:
                log.warning("other accounts may read %s, and that cannot be changed: %s", path, error.strerror)


def readable_by_others(settings: Settings) -> list[Path]:
    """Lists what other accounts on this machine may read of the data, its backups and .env; nothing on Windows."""
    if not POSIX:
        return []
    data = settings.data_dir
    closed = data.is_dir() and not data.stat().st_mode & OTHERS
    asked = [*(path for path in _ours(settings) if not (closed and path.is_relative_to(data))), ENV_FILE]
    return [path for path in asked if path.exists() and path.stat().st_mode & OTHERS]


def _ours(settings: Settings) -> Iterator[Path]:
    """Lists the folders and files that Easel has made: nothing behind a link, no model."""
    for folder in (settings.data_dir, settings.data_dir / _PLAYGROUND):
        if folder.is_dir():
            yield from _folder(folder)
    database = sqlite_path(settings.database)
    if database is not None and database.parent.is_dir():  # one in the data folder comes twice, which does no harm
        yield from _files(database.parent, (f"{database.name}*", f"{database.stem}-before-*{database.suffix}"))


def _folder(folder: Path) -> Iterator[Path]:
    if not _shared(folder):
        yield folder
    yield from _files(folder, _FILES)
    pictures = folder / "pictures"
    if pictures.is_dir() and not pictures.is_symlink():
        yield pictures
        yield from (each for each in pictures.glob("??") if each.is_dir() and not each.is_symlink())


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from (path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink())


def _shared(folder: Path) -> bool:
    """Whether a folder holds more than Easel's data: one for everybody's files, or the one Easel is started from."""
    return bool(folder.stat().st_mode & stat.S_ISVTX) or Path.cwd().is_relative_to(folder.resolve())
