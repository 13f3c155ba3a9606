"""The components under a history, a shown job and the question before forgetting."""

from collections.abc import Sequence
from typing import Any

import discord

from bot.domain import Entry
from bot.services.people.history import Page
from bot.ui.history.text import choice_label

NO_DRAFT = "0" * 10  # a history without a filter needs nothing kept
TURNS = ("newer", "older")
DEEDS = ("zip", "star", "unstar")


def page_view(page: Page, draft: str) -> discord.ui.View | None:
    """Returns a history's components: choose one to see it, turn the page, take all as files."""
    if not page.entries:
        return None
    view = discord.ui.View(timeout=None)
    view.add_item(_shown(page.entries))
    for turn, label, number in (("newer", "◀ Newer", page.newer), ("older", "Older ▶", page.older)):
        custom_id = f"easel:history:{turn}:{draft}:{number or 0}"
        view.add_item(discord.ui.Button(label=label, custom_id=custom_id, disabled=number is None, row=1))
    view.stop()  # components are answered by their ids' patterns; nothing has to remember this view
    return view


def job_view(job_id: str, *, mine: bool, starred: bool) -> discord.ui.View:
    """Returns a shown job's components: its originals as a ZIP, and a star for one's own."""
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="Originals (ZIP)", custom_id=f"easel:shown:zip:{job_id}"))
    if mine:
        deed, label = ("unstar", "Take the star away") if starred else ("star", "Star")
        view.add_item(discord.ui.Button(label=label, emoji="⭐", custom_id=f"easel:shown:{deed}:{job_id}"))
    view.stop()
    return view


def forget_view(person: int) -> discord.ui.View:
    """Returns the button that forgets a person."""
    view = discord.ui.View(timeout=None)
    button: discord.ui.Button[Any] = discord.ui.Button(
        label="Erase everything of mine", style=discord.ButtonStyle.danger, custom_id=f"easel:forget:{person}"
    )
    view.add_item(button)
    view.stop()
    return view


def _shown(entries: Sequence[Entry]) -> discord.ui.Select[Any]:
    return discord.ui.Select(
        custom_id="easel:show",
        placeholder="Show one of them",
        options=[choice_label(entry) for entry in entries],
        row=0,
    )
