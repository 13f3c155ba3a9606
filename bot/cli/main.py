"""The `easel` command: its options, its commands, and how its failures are told."""

import logging
import sys
from types import TracebackType
from typing import Annotated

import pydantic
import typer
from typer.exceptions import Abort, TyperException

from bot.cli.lazy import LazyGroup
from bot.cli.terminal import FAILED, INTERRUPTED, harden, out, warn
from bot.errors import EaselError
from generation import GenerationError, __version__


class Commands(LazyGroup):
    """The commands of `easel`; their modules import discord.py, the database's libraries, torch."""

    lazy = (
        ("run", "bot.cli.run", "Run the bot until it is stopped."),
        ("imagine", "bot.cli.imagine", "Paint pictures without Discord."),
        (
            "recipe",
            "bot.cli.recipe",
            "Show the settings a picture was made with, and what of them this Easel cannot use.",
        ),
        (
            "samplers",
            "bot.cli.samplers",
            "List the samplers: order, UNet calls per step, whether they add noise, what they are good for.",
        ),
        (
            "bench",
            "bot.cli.bench",
            "Measure how fast this machine paints, and how little the bot takes of that.",
        ),
        (
            "doctor",
            "bot.cli.doctor",
            "Check everything the bot needs; say what to do where something is missing.",
        ),
        ("db", "bot.cli.database", "Look after the database."),
        ("models", "bot.cli.models", "See and add models."),
    )


app = typer.Typer(
    cls=Commands,
    help="Easel paints with Stable Diffusion XL, for the people of a Discord server or from this command line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback(invoke_without_command=True)
def options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show where in the program a failure happened.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    """Options of every command."""
    if debug:
        sys.excepthook = sys.__excepthook__
    if version:
        out.print(f"easel {__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line; every failure is one line on stderr and exit code 2."""
    harden()
    sys.excepthook = _say_unforeseen
    logging.captureWarnings(capture=True)
    try:
        code = typer.main.get_command(app)(standalone_mode=False)  # Typer's own call would replace the hook
    except (EaselError, GenerationError) as error:
        _end(error, str(error), FAILED)
    except pydantic.ValidationError as error:
        _end(error, _first_setting(error), FAILED)
    except TyperException as error:
        _end(error, " ".join(error.format_message().split()), FAILED)
    except (KeyboardInterrupt, Abort) as error:
        _end(error, "Stopped.", INTERRUPTED)
    sys.exit(code)


def _end(error: BaseException, text: str, code: int) -> None:
    if sys.excepthook is sys.__excepthook__ and code == FAILED:
        raise error  # with its traceback, which --debug asked for
    warn([f"easel: {text}"])
    sys.exit(code)


def _first_setting(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0]) if first["loc"] else "a setting"
    variable = name if name.isupper() else f"EASEL_{name.upper()}"
    return f"{variable} is wrong: {first['msg']}."


def _say_unforeseen(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    warn([f"easel: something unforeseen happened ({kind.__name__}: {error}); --debug shows where."])
    raise SystemExit(FAILED)
