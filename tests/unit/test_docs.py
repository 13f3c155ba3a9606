"""The docs say what the code does: settings, commands, options, files."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from discord import app_commands
from discord.ext.commands import Cog, GroupCog

from bot import cogs
from bot.cli.lazy import LazyCommand
from bot.cli.main import app
from bot.cogs.menus import MenusCog
from bot.services.requests.extra import KEYS
from bot.services.requests.flags import FLAGS
from bot.settings import Settings
from bot.ui.jobs.picture_buttons import LOOKS, Look
from bot.ui.results.reactions import MEANINGS, plain

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def settings() -> list[tuple[str, str, str]]:
    """Lists every setting: its variable, its default as one writes it, its description."""
    rows = []
    for name, field in Settings.model_fields.items():
        variable = str(field.validation_alias or f"EASEL_{name.upper()}")
        rows.append((variable, "" if field.default is None else str(field.default), str(field.description)))
    return rows


def commands(group: Any, prefix: str = "easel") -> dict[str, Any]:
    """Lists every command of the command line by its full name."""
    found: dict[str, Any] = {}
    for name, listed in group.commands.items():
        command = listed.load() if isinstance(listed, LazyCommand) else listed
        full = f"{prefix} {name}"
        is_group = hasattr(command, "commands")
        if not is_group or command.invoke_without_command:
            found[full] = command
        if is_group:
            found |= commands(command, full)
    return found


def rows(page: str, heading: str) -> set[str]:
    """Returns the names in the first column of the table under a heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = f"\n{text}".split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    return set(re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE))


def first_column(page: str, heading: str) -> list[str]:
    """Returns the first cells of the table under a heading."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = f"\n{text}".split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    return re.findall(r"^\| (`[^|]+) \|", section, flags=re.MULTILINE)


def name_of(look: Look) -> str:
    return (look.label or look.emoji or "").replace("{}", "1")


@pytest.mark.parametrize(("variable", "default", "description"), settings())
def test_a_setting_stands_in_the_docs_and_in_the_example(variable: str, default: str, description: str) -> None:
    row = f"| `{variable}` | {f'`{default}`' if default else ''} | {description} |"

    assert row in (DOCS / "configuration.md").read_text(encoding="utf-8").splitlines()
    assert f"\n# {description}\n{variable}={default}\n" in (ROOT / ".env.example").read_text(encoding="utf-8")


def test_the_docs_know_no_settings_that_are_gone() -> None:
    known = {variable for variable, _, _ in settings()}

    written = set(
        re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )

    assert written == known
    assert {name for name in rows("configuration.md", "# Configuration") if name.isupper()} == known


def slash_commands() -> list[tuple[str, app_commands.Command[Any, ..., Any]]]:
    """Lists every command of the program by what one types."""
    modules = [importlib.import_module(f"bot.cogs.{each.name}") for each in pkgutil.iter_modules(cogs.__path__)]
    found = [
        cog for module in modules for cog in vars(module).values() if getattr(cog, "__module__", "") == module.__name__
    ]
    return [
        (f"{cog.__cog_group_name__} {command.name}" if issubclass(cog, GroupCog) else command.name, command)
        for cog in found
        if isinstance(cog, type) and issubclass(cog, Cog)
        for command in cog.__cog_app_commands__
        if isinstance(command, app_commands.Command)
    ]


@pytest.mark.parametrize(("name", "command"), slash_commands())
def test_every_command_and_option_stands_in_the_docs(name: str, command: app_commands.Command[Any, ..., Any]) -> None:
    assert rows("commands.md", f"### /{name}") == {option.display_name for option in command.parameters}


def test_every_entry_of_a_messages_menu_stands_in_the_docs() -> None:
    entries = MenusCog(cast(Any, None), cast(Any, None)).menus()

    assert rows("commands.md", "### A message's menu") == {entry.name for entry in entries}


def test_every_flag_stands_in_the_docs() -> None:
    assert rows("commands.md", "### Flags") == {f"--{name}" for name in FLAGS if name not in KEYS}
    assert rows("commands.md", "### Extra") == set(KEYS)


def test_every_button_and_every_reaction_stands_in_the_docs() -> None:
    reactions = re.findall(r"`([^`]+)`", "".join(first_column("commands.md", "### Reactions")))

    assert rows("commands.md", "### Buttons") == {name_of(look) for look in LOOKS.values()}
    assert {plain(emoji) for emoji in reactions} == set(MEANINGS)


def test_every_command_and_option_of_the_command_line_stands_in_the_docs() -> None:
    known = commands(typer.main.get_command(app))

    written = {" ".join(word for word in row.split() if not word.isupper()) for row in rows(
        "commands.md", "## On the command line")}  # fmt: skip

    assert written == set(known)
    for command in ("easel imagine", "easel bench"):
        options = {name for option in known[command].params for name in option.opts if name.startswith("--")}
        assert rows("commands.md", f"### {command}") == options


def test_an_image_is_built_without_the_operators_env() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert {".env", "data"} <= set(ignored)


def test_the_example_unit_runs_under_an_account_of_its_own_with_the_token_as_a_credential() -> None:
    unit = (DOCS / "operations.md").read_text(encoding="utf-8").split("```ini\n")[1].split("```")[0].splitlines()

    hardened = {
        "User=easel", "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes",
        "ReadWritePaths=/var/lib/easel", "LoadCredential=DISCORD_TOKEN:/etc/easel/discord_token",
    }  # fmt: skip
    assert hardened - set(unit) == set()
    assert [line for line in unit if "TOKEN=" in line] == []


def test_every_source_file_has_its_line_in_the_architecture() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    files = [
        path
        for room in ("bot", "generation", "playground")
        for path in (ROOT / room).rglob("*.py")
        if path.stat().st_size > 100
    ]
    named = {path.relative_to(ROOT).as_posix().partition("/")[2] for path in files if path.name != "__init__.py"}

    assert {name for name in named if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *DOCS.rglob("*.md")], ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_threat_model_names_tests_that_there_are() -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "security.md").read_text(encoding="utf-8")))
    known = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"def (test_\w+)\(", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 25
    assert named - known == set()
