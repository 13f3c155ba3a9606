"""The settings panel: one private message that is edited in place; its components' ids carry all it needs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord

from bot.domain import Owner, Scope
from bot.services.people.choices import LABELS, Panel
from bot.ui.discord.escape import escape

OFFERS = 24  # what fits into a select beside "as it was"
UNSET = "-"
TYPED = "easel:typed"
_HEADINGS = {
    Scope.PERSON: "## Your settings\nThey hold wherever you type nothing and name no preset.",
    Scope.CHANNEL: "## This channel's settings\nThey hold here for whoever has no setting of their own.",
    Scope.SERVER: "## This server's settings\nThey hold for whoever has no setting of their own.",
}
_WISHES = {
    "spoiler": ("Spoilers", "pictures are hidden until one clicks them", "pictures are seen at once"),
    "direct": ("By direct message", "results are sent to you alone", "results are posted where you ask"),
    "remembered": ("History", "what you paint is entered in your history", "what you paint is not entered there"),
    "previews": (
        "Previews",
        "half-finished pictures are shown while painting",
        "only finished pictures are shown",
    ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands: whose it is, which field is open, which page of its offers is shown."""

    owner: Owner
    field: str = "model"
    page: int = 0

    def __str__(self) -> str:
        return f"{self.owner.scope}:{self.owner.id}:{self.field}:{self.page}"


PLACE = rf"(?P<scope>{'|'.join(Scope)}):(?P<owner>\d{{1,20}}):(?P<field>{'|'.join(LABELS)}):(?P<page>\d{{1,3}})"
BUTTONS = ("newer", "older", "type", "reset", *_WISHES)


def place_of(match: re.Match[str]) -> Place:
    """Reads a place out of a component's id."""
    return Place(Owner(Scope(match["scope"]), int(match["owner"])), match["field"], int(match["page"]))


def panel_text(panel: Panel) -> str:
    """Lists what was chosen, and how the person wants to be served."""
    lines = [_HEADINGS[panel.owner.scope]]
    lines += [
        f"{label} **{escape(str(panel.chosen[name]), 80)}**" for name, label in LABELS.items() if name in panel.chosen
    ]
    if not panel.chosen:
        lines.append("Nothing is set yet.")
    if panel.owner.scope is Scope.PERSON:
        for wish, (label, on, off) in _WISHES.items():
            lines.append(f"-# {label} {_state(panel, wish)}: {on if getattr(panel.wishes, wish) else off}")
    return "\n".join(lines)


def panel_view(panel: Panel, place: Place, offers: Sequence[str]) -> discord.ui.View:
    """Builds the panel's components: which setting, which value, and buttons."""
    view = discord.ui.View(timeout=None)
    view.add_item(_field_select(place))
    pages = max(1, -(-len(offers) // OFFERS))
    page = min(place.page, pages - 1)
    place = Place(place.owner, place.field, page)
    if offers:
        view.add_item(_value_select(panel, place, offers[page * OFFERS : (page + 1) * OFFERS]))
    if pages > 1:
        view.add_item(_button("newer", place, "◀", row=2, off=page == 0))
        view.add_item(_button("older", place, "▶", row=2, off=page == pages - 1))
    view.add_item(_button("type", place, f"Type {LABELS[place.field].lower()}", row=2))
    view.add_item(
        _button("reset", place, "Reset all", row=2, style=discord.ButtonStyle.danger, off=not _anything(panel))
    )
    if panel.owner.scope is Scope.PERSON:
        for wish, (label, *_) in _WISHES.items():
            on = getattr(panel.wishes, wish)
            style = discord.ButtonStyle.success if on else discord.ButtonStyle.secondary
            view.add_item(_button(wish, place, f"{label}: {_state(panel, wish)}", row=3, style=style))
    view.stop()  # components are answered by their ids' patterns; nothing has to remember this view
    return view


class TypeValue(discord.ui.Modal):
    """Asks for a value; what is sent in comes to the settings' cog by its id, also after a restart."""

    def __init__(self, panel: Panel, place: Place) -> None:
        label = LABELS[place.field]
        super().__init__(title=f"{label} where nothing is typed", custom_id=f"{TYPED}:{place}", timeout=900)
        value = panel.chosen.get(place.field)
        self.add_item(
            discord.ui.TextInput[Any](
                label=f"{label}; empty takes it back",
                custom_id="value",
                required=False,
                default=None if value is None else str(value),
                max_length=1000,
                style=discord.TextStyle.paragraph if place.field == "negative" else discord.TextStyle.short,
            )
        )


def _field_select(place: Place) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(label=label, value=name, default=name == place.field) for name, label in LABELS.items()
    ]
    return discord.ui.Select(custom_id=f"easel:field:{place}", placeholder="Which setting", options=options, row=0)


def _value_select(panel: Panel, place: Place, offers: Sequence[str]) -> discord.ui.Select[Any]:
    chosen = panel.chosen.get(place.field)
    now = "" if chosen is None else f"{chosen:g}" if isinstance(chosen, float) else str(chosen)
    options = [discord.SelectOption(label="As others have it", value=UNSET, default=chosen is None)]
    options += [discord.SelectOption(label=each[:100], value=f"={each}"[:100], default=each == now) for each in offers]
    label = LABELS[place.field]
    return discord.ui.Select(
        custom_id=f"easel:value:{place}", placeholder=f"{label}: {now}"[:150], options=options, row=1
    )


def _button(
    press: str,
    place: Place,
    label: str,
    *,
    row: int,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    off: bool = False,
) -> discord.ui.Button[Any]:
    return discord.ui.Button(label=label, custom_id=f"easel:panel:{press}:{place}", row=row, style=style, disabled=off)


def _state(panel: Panel, wish: str) -> str:
    return "on" if getattr(panel.wishes, wish) else "off"


def _anything(panel: Panel) -> bool:
    return bool(panel.chosen) or panel.wishes != type(panel.wishes)()
