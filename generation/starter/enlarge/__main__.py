"""`python -m generation.starter.enlarge`: from the starter of 128 pixels to one of 256."""

import argparse
import fcntl
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import torch

from generation.models.catalog import STARTER_FILE
from generation.starter.enlarge.way import Enlargement, Way
from generation.starter.train.pictures import RecipeError, load

FOLDER = Path("~/.cache/easel/starter-train").expanduser()


def main() -> None:
    """Trains the starter for pictures of 256 pixels; SIGTERM saves and stops, the same command goes on."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options.folder.mkdir(parents=True, exist_ok=True)
    with _alone(options.folder / "enlarge.pid"):
        way = Way(folder=options.folder, resume_from=options.resume_from)
        Enlargement(way, load(options.folder), stop.is_set).run()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Writes the process's number into a file and keeps other runs out of its folder."""
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RecipeError(f"Another run is at work in {path.parent}; {path.name} has its number.") from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        path.unlink()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m generation.starter.enlarge", description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="downloads, state, latents, sheets and exports")
    parser.add_argument(
        "--resume-from", type=Path, default=STARTER_FILE, help="a checkpoint to begin with; default: the bundled one"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
