"""The fields of forms, and what was filled into them; a form is known by its id, so nothing has to remember it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import discord

from bot.errors import LimitError
from bot.ui.discord.context import Interaction
from generation.request.request import MAX_PROMPT_CHARACTERS
from generation.typed_text import TypedText, take_in

FIELD_LIMIT = 4000  # Discord's, of one text field
STRENGTH, IMAGE = "strength", "image"
_SHORT = 16


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent in, by the fields' ids.

    Attributes:
        texts: What was typed.
        choices: What was picked where something was.
        files: What was uploaded where something was.
    """

    texts: Mapping[str, TypedText]
    choices: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, discord.Attachment] = field(default_factory=dict)

    def text(self, name: str) -> TypedText:
        """Returns what was typed into a field; "" for one that was left out."""
        return self.texts.get(name, TypedText(""))

    def uploaded(self, name: str) -> Mapping[str, discord.Attachment]:
        """Returns what was uploaded into one field, by its id; a file in a field that the form lacks is ignored."""
        return {name: self.files[name]} if name in self.files else {}


def sent_in(interaction: Interaction) -> Sent:
    """Reads a form out of its interaction."""
    data: dict[str, Any] = {**(interaction.data or {})}
    fields = list(_fields(data["components"]))
    uploaded = data.get("resolved", {}).get("attachments", {})
    listed = {each["custom_id"]: each["values"][0] for each in fields if each.get("values")}
    return Sent(
        texts={each["custom_id"]: take_in(each["value"], each["custom_id"]) for each in fields if "value" in each},
        choices={name: value for name, value in listed.items() if value not in uploaded},
        files={
            name: discord.Attachment(data=uploaded[value], state=interaction._state)
            for name, value in listed.items()
            if value in uploaded
        },
    )


def prompt_field(name: str, label: str, value: str = "", *, required: bool = False, lines: bool = True) -> Any:
    """Returns a field for a prompt or for settings, filled in with a value.

    Raises:
        LimitError: The value is too long for Discord's forms.
    """
    if len(value) > FIELD_LIMIT:
        raise LimitError(
            f"{name} is {len(value):,} characters long, more than Discord's form takes. "
            "Press ℹ️ for the line that paints this again, and change that."
        )
    text: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id=name,
        style=discord.TextStyle.paragraph if lines else discord.TextStyle.short,
        default=value,
        required=required,
        max_length=min(FIELD_LIMIT, MAX_PROMPT_CHARACTERS),
    )
    return discord.ui.Label(text=label, component=text)


def strength_field(value: str) -> Any:
    """Returns the field for how much of an input picture is painted anew."""
    text: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id=STRENGTH, default=value, required=False, max_length=_SHORT, placeholder="0.6"
    )
    return discord.ui.Label(text="Strength: 0 keeps the picture, 1 forgets it", component=text)


def picture_field(description: str) -> Any:
    """Returns the field that takes a picture."""
    upload: discord.ui.FileUpload[Any] = discord.ui.FileUpload(
        custom_id=IMAGE, required=False, min_values=0, max_values=1
    )
    return discord.ui.Label(text="Input picture", description=description, component=upload)


def _fields(components: list[Any]) -> Iterator[Any]:
    for component in components:
        if "value" in component or "values" in component:
            yield component
        yield from _fields(component.get("components", []))
        if "component" in component:
            yield from _fields([component["component"]])
