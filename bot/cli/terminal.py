"""What the command line prints: foreign text cannot steer the terminal, and no encoding ends a command."""

import io
import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.text import Text

from generation.visible import is_visible, visible

FAILED, INTERRUPTED = 2, 130  # exit codes

out = Console()


def harden() -> None:
    """Lets every character be written, whatever the terminal's encoding: as an escape where it has none."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def shown(text: object, style: str = "") -> Text:
    """Returns foreign text for rich: no markup in it counts, no control character is left."""
    return Text(visible(str(text), keep="\n"), style=style)


def say(text: object) -> None:
    """Prints foreign text in one piece, so that a pipe gets it as it is."""
    sys.stdout.write(f"{visible(str(text), keep=chr(10))}\n")


def warn(texts: Iterable[object]) -> None:
    """Prints foreign texts to stderr, a line each."""
    sys.stderr.writelines(f"{visible(str(text), keep=chr(10))}\n" for text in texts)


def say_json(value: Any, default: Any = None) -> None:
    """Prints a value as one line of JSON; what cannot be shown or encoded in it is escaped as JSON does."""
    line = json.dumps(value, ensure_ascii=False, default=default)
    if not is_visible(line):
        line = re.sub(r"[^ -~]", lambda each: each[0] if is_visible(each[0]) else json.dumps(each[0])[1:-1], line)
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        line = json.dumps(value, default=default)
    sys.stdout.write(f"{line}\n")
