"""A PostgreSQL server of the tests' own, where the machine has PostgreSQL."""

import itertools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


class Server:
    """A running server; every database in it is new."""

    def __init__(self, port: int, run: "As") -> None:
        self._port = port
        self._run = run
        self._numbers = itertools.count(1)

    def new_database(self) -> str:
        """Makes an empty database; returns its URL."""
        name = f"easel_{next(self._numbers)}"
        connection = ("--host", "127.0.0.1", "--port", str(self._port), "--username", "easel")
        self._run("createdb", *connection, name)
        return f"postgresql+asyncpg://easel@127.0.0.1:{self._port}/{name}"


class As:
    """Runs PostgreSQL's programs as somebody who is not root, which they retry_write on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as = ("runuser", "-u", "postgres", "--") if sys.platform == "linux" and os.getuid() == 0 else ()

    def __call__(self, program: str, *arguments: str) -> None:
        """Runs a program to its end.

        Raises:
            CalledProcessError: It failed.
        """
        command = (*self._as, find(program) or program, *arguments)
        subprocess.run(command, check=True, capture_output=True, cwd=self._folder, timeout=120)  # noqa: S603

    def give(self, folder: Path) -> None:
        """Lets them write to a folder."""
        if self._as:
            shutil.chown(folder, "postgres")


def find(program: str) -> str | None:
    """Finds one of PostgreSQL's programs; Debian keeps some of them out of the path."""
    beside = [str(folder / program) for folder in PROGRAMS if (folder / program).exists()]
    return shutil.which(program) or next(iter(beside), None)


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Runs a server in an empty folder, on a free port of 127.0.0.1."""
    run = As(folder)
    run.give(folder)
    data, port = folder / "data", _free_port()
    run("initdb", "--pgdata", str(data), "--username", "easel", "--auth", "trust", "--no-sync")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
    run("pg_ctl", "start", "--wait", "--pgdata", str(data), "--log", str(folder / "log"), "--options", options)
    try:
        yield Server(port, run)
    finally:
        run("pg_ctl", "stop", "--mode", "immediate", "--pgdata", str(data))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
