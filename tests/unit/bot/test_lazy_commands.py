"""The commands whose modules are imported when they are called."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bot.cli.lazy import LazyCommand, LazyGroup
from bot.cli.main import app

ROOT = Path(__file__).parents[3]


def lazy_commands() -> dict[str, LazyCommand]:
    """Returns every lazy command by its full name."""
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    found = {name: command for name, command in group.commands.items() if isinstance(command, LazyCommand)}
    below = found["models"].load()
    return found | {f"models {name}": each for name, each in below.commands.items() if isinstance(each, LazyCommand)}


@pytest.mark.parametrize("name", sorted(lazy_commands()))
def test_the_list_of_commands_says_what_a_commands_own_help_says(name: str) -> None:
    command = lazy_commands()[name]

    assert command.help == command.load().help


@pytest.mark.parametrize("name", sorted(lazy_commands()))
def test_every_command_shows_its_help(name: str) -> None:
    done = CliRunner().invoke(app, [*name.split(), "--help"])

    assert done.exit_code == 0
    assert str(lazy_commands()[name].help).split()[0] in done.output


def test_the_help_of_adding_a_model_shows_what_may_be_left_out() -> None:
    done = CliRunner().invoke(app, ["models", "add", "--help"])

    assert "org/name[/FILE][@revision]" in done.output.replace("\n", "")


def test_the_list_of_commands_loads_neither_discord_nor_a_database() -> None:
    code = (
        "import sys; sys.argv[1:] = ['--help']; from bot.cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
    )
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print('loaded:', sorted({'discord', 'sqlalchemy', 'aiohttp', 'torch'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603

    assert "models" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded: []"
