"""Short hashes of checkpoints: the first ten hexadecimal digits of a file's SHA-256, computed once and kept."""

import hashlib
import json
import logging
import threading
from pathlib import Path

log = logging.getLogger(__name__)

DIGITS = 10


class HashBook:
    """Hashes of files, kept in a JSON file; a file is read again only when its size or time has changed.

    May be used from several threads. The first hash of a 7 GB checkpoint takes some 10 seconds.

    Args:
        path: Where the hashes are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def short_hash(self, file: Path) -> str | None:
        """Returns a file's short hash; None for one that cannot be read any more."""
        try:
            return self._short_hash(file)
        except OSError as error:
            log.warning("the hash of %s is left out: %s", file.name, error)
            return None

    def _short_hash(self, file: Path) -> str:
        status = file.stat()
        key = f"{file.resolve()}|{status.st_size}|{status.st_mtime_ns}"
        with self._lock:
            known = self._read()
            if key not in known:
                with file.open("rb") as content:
                    known[key] = hashlib.file_digest(content, "sha256").hexdigest()[:DIGITS]
                self._write(known)
            return known[key]

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.write_text(json.dumps(known, indent=1), encoding="utf-8")
        except OSError as error:
            log.warning("hashes of models cannot be kept: %s", error)
