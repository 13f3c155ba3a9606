"""What Discord offers while a person types; always from memory."""

from collections.abc import Iterable

from discord import app_commands

from generation.typed_text import TypedText

MOST = 25
_LONGEST = 100


def matching(typed: TypedText, names: Iterable[str]) -> list[app_commands.Choice[str]]:
    """Offers the names that contain what was typed, those that begin with it first."""
    wanted = typed.lower()
    found = [name for name in names if wanted in name.lower() and len(name) <= _LONGEST]
    found.sort(key=lambda name: not name.lower().startswith(wanted))
    return [app_commands.Choice(name=name, value=name) for name in found[:MOST]]
