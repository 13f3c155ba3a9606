"""Picture files on disk, named by their content."""

import asyncio
import errno
import hashlib
import logging
import os
import tempfile
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bot.errors import PictureLostError

log = logging.getLogger(__name__)

_PARTIAL = ".partial-"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FilePictureStore:
    """Keeps files under their SHA-256; what is there once is never written again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: bytes) -> str:
        """Writes a file so that it is wholly on disk, or not there at all, whatever is killed when.

        Raises:
            PictureLostError: The disk is full, or cannot be written to.
        """
        try:
            return await asyncio.to_thread(self._write, data)
        except OSError as error:
            log.error("a picture could not be kept in %s: %s", self._folder, error)
            reason = "my disk is full" if error.errno in _FULL else "my disk cannot be written to"
            raise PictureLostError(f"Your picture was painted, but {reason}; please tell whoever runs me.") from error

    async def get(self, digest: str) -> bytes:
        """Reads a file.

        Raises:
            PictureLostError: It is not there any more, or cannot be read.
        """
        try:
            return await asyncio.to_thread(self._path(digest).read_bytes)
        except FileNotFoundError as error:
            raise PictureLostError("I no longer keep this picture.") from error
        except OSError as error:
            log.error("a picture could not be read in %s: %s", self._folder, error)
            raise PictureLostError("I cannot read this picture just now; please tell whoever runs me.") from error

    async def remove(self, digests: Sequence[str]) -> None:
        """Deletes files; those that are gone already do not matter."""
        await asyncio.to_thread(self._delete, digests)

    async def remove_untouched(self, digests: Collection[str], since: datetime) -> int:
        """Deletes those of some files that were not put in, or put in again, since a time; returns their bytes."""
        return await asyncio.to_thread(self._delete_untouched, digests, since.timestamp())

    async def remove_partial(self, before: datetime) -> None:
        """Deletes what was left of files whose writing was cut short before a time."""

        def remove() -> None:
            for path in self._folder.glob(f"??/{_PARTIAL}*"):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink(missing_ok=True)

        await asyncio.to_thread(remove)

    async def sizes(self) -> dict[str, int]:
        """Returns the bytes of every file by its SHA-256."""
        return await asyncio.to_thread(self._measure)

    async def survey(self, *, thorough: bool = True) -> tuple[set[str], set[str]]:
        """Looks at every file; returns the names of those that are whole, and of those whose content is another.

        Args:
            thorough: Read every file; else look at names only, and take every file for whole.
        """
        whole: set[str] = set()
        damaged: set[str] = set()
        for folder in await asyncio.to_thread(lambda: list(self._folder.glob("??"))):
            files = await asyncio.to_thread(_look, folder, thorough)  # a folder at a time: it can be cut short
            whole |= {name for name, is_whole in files.items() if is_whole}
            damaged |= {name for name, is_whole in files.items() if not is_whole}
        return whole, damaged

    async def lacking(self, digests: Iterable[str]) -> list[str]:
        """Lists those of some files that are not there."""
        return await asyncio.to_thread(lambda: [digest for digest in digests if not self._path(digest).is_file()])

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _delete(self, digests: Sequence[str]) -> None:
        for digest in digests:
            self._path(digest).unlink(missing_ok=True)

    def _delete_untouched(self, digests: Collection[str], since: float) -> int:
        freed = 0
        for path in map(self._path, digests):
            with suppress(FileNotFoundError):
                file = path.stat()
                if file.st_mtime < since:
                    path.unlink()
                    freed += file.st_size
        return freed

    def _measure(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for folder in self._folder.glob("??"):
            with os.scandir(folder) as files, suppress(FileNotFoundError):
                sizes |= {file.name: file.stat().st_size for file in files if not file.name.startswith(_PARTIAL)}
        return sizes

    def _write(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if path.exists():
            os.utime(path)  # what is put in again is not old, and not an orphan
            return digest
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=_PARTIAL)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(partial).replace(path)
        except OSError:
            Path(partial).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
        return digest


def _look(folder: Path, thorough: bool) -> dict[str, bool]:
    return {path.name: not thorough or _digest(path) == path.name for path in folder.iterdir()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
