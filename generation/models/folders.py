"""Files and folders that nobody vouches for: links that lead nowhere, devices, folders that cannot be read."""

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path

from generation.errors import ModelError
from generation.visible import is_visible, shortened, visible

MAX_DEPTH = 32  # folders within folders
_PATH = re.compile(r"""(?:^|[\s'"(=:\[])(?:[/~]|[A-Za-z]:[\\/]|\\\\)[^\s/\\]""")  # where one begins


@dataclass(slots=True)
class Listing:
    """What a walk has found.

    Attributes:
        paths: Everything but plain folders, in order.
        folders: The plain folders, in order.
        problems: The folders that could not be looked into, each with the reason.
    """

    paths: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    problems: dict[Path, str] = field(default_factory=dict)


def expanded(setting: str) -> Path:
    """Returns a path that an operator wrote, `~` in it resolved where that is possible."""
    try:
        return Path(setting).expanduser()
    except RuntimeError:
        return Path(setting)


def is_there(path: Path) -> bool:
    """Whether there is anything at a path, as far as that can be seen."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: Path) -> bool:
    """Whether a path leads to a folder, as far as that can be seen."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file, as far as that can be seen."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def reason(error: OSError) -> str:
    """Says in the system's words why something failed, without the path that its own message holds."""
    return error.strerror or type(error).__name__


def without_path(error: Exception, folder: Path) -> str:
    """Returns what a library says of a folder's files, without saying where the folder lies.

    Text that still seems to hold a path is left out; the error's kind stands for it.
    """
    text = str(error)
    for known in {str(folder), str(folder.absolute()), str(folder.resolve())}:
        text = text.replace(known, folder.name)
    return type(error).__name__ if not text or _PATH.search(text) else shortened(text)


def walk(top: Path) -> Listing:
    """Lists a folder and everything in it; links to folders are listed and not followed."""
    listing = Listing()
    waiting = [(top, 0)]
    while waiting:
        folder, depth = waiting.pop()
        if depth > MAX_DEPTH:
            listing.problems[folder] = f"more than {MAX_DEPTH} folders within each other"
            continue
        try:
            plain, others = _entries(folder)
        except OSError as error:
            listing.problems[folder] = reason(error)
            continue
        listing.folders.append(folder)
        listing.paths += others
        waiting += ((path, depth + 1) for path in reversed(plain))
    listing.paths.sort()
    return listing


def status_of(path: Path) -> os.stat_result:
    """Looks at a regular file or a folder.

    Raises:
        ModelError: There is none, its name cannot be shown, or it is something else: reading a pipe would wait forever.
    """
    if not is_visible(path.name):
        raise ModelError(f"{visible(path.name)}: its name holds characters that cannot be shown; rename it.")
    try:
        status = path.stat()
    except FileNotFoundError as error:
        if path.is_symlink():
            raise ModelError(f"{path.name} is a link to a file that does not exist.") from error
        raise ModelError(f"There is no file {path.name}.") from error
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "its path is impossible"
        raise ModelError(f"{path.name} cannot be read ({why}).") from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise ModelError(f"{path.name} is neither a file nor a folder, but a pipe, a socket or a device.")
    return status


def read_text(path: Path, most: int) -> bytes:
    """Reads a small file.

    Raises:
        ModelError: It is no regular file, is larger than `most` bytes, or cannot be read.
    """
    status = status_of(path)
    name = f"{path.parent.name}/{path.name}"
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{name} is a folder, a file was expected.")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ModelError(f"{name} cannot be read ({reason(error)}).") from error
    if len(content) > most:
        raise ModelError(f"{name} is larger than {most // 2**20} MB, which no such file is.")
    return content


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Returns the plain folders within a folder, and everything else in it."""
    plain: list[Path] = []
    others: list[Path] = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            (plain if entry.is_dir(follow_symlinks=False) else others).append(Path(entry.path))
    return plain, others
