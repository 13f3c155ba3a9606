"""The form behind ✏️: what a picture was made by, to be changed."""

import re
from collections.abc import Iterator
from typing import Any

import discord

from bot.domain import Job, Order
from bot.errors import LimitError
from bot.services import flags
from bot.ui.picture_buttons import WHOLE
from generation import InvalidRequestError, permutations
from generation.request import MAX_PROMPT_CHARACTERS

PROMPT, NEGATIVE, FLAGS = "prompt", "negative", "flags"
FORM_ID = re.compile(r"easel:form:(?P<job>[0-9a-z]{10}):(?P<number>\d{1,2})")
FIELD_LIMIT = 4000  # Discord's, of one text field
_SIZES = ("width", "height")

Texts = dict[str, str]


def edit_form(job: Job, number: int | None) -> discord.ui.Modal:
    """Returns the form, filled in with what the picture was made by. Its id carries the job, as a button's does.

    Raises:
        LimitError: The prompt is too long for Discord's forms.
    """
    request = job.request if number is None else job.request.picture(number - 1)
    form = discord.ui.Modal(title="Change and paint again", custom_id=f"easel:form:{job.id}:{number or WHOLE}")
    form.add_item(_field(PROMPT, "Prompt", flags.escape(request.prompt), required=True))
    form.add_item(_field(NEGATIVE, "Negative: what to keep out", request.negative_prompt))
    line = flags.flags_line(request, without={NEGATIVE})
    form.add_item(_field(FLAGS, "Settings: leave one out for its default", line, paragraph=False))
    form.stop()  # what is sent in is known by the form's id; nothing has to remember this one
    return form


def edited(texts: Texts) -> Order:
    """Reads the form.

    Raises:
        InvalidRequestError: The settings cannot be read; the text says what would work.
    """
    (line,) = permutations.expand(texts.get(FLAGS, ""), 1)
    found = flags.read(line)
    if found.prompt:
        raise InvalidRequestError(
            FLAGS, f"The settings hold words that are none: {found.prompt[:60]!r}. Each is written as `--steps 30`."
        )
    values = found.values
    if "aspect" in values:  # typed beside the size that stood there
        values = {name: value for name, value in values.items() if name not in _SIZES}
    (prompt,) = permutations.expand(texts.get(PROMPT, ""), 1)
    return Order(prompt=prompt, **{NEGATIVE: texts.get(NEGATIVE, ""), **values})


def texts_of(components: list[Any]) -> Texts:
    """Returns what was typed into a form, by the fields' ids, from the data of its interaction."""
    return {field["custom_id"]: field["value"] for field in _fields(components)}


def _fields(components: list[Any]) -> Iterator[Any]:
    for component in components:
        if "value" in component:
            yield component
        yield from _fields(component.get("components", []))
        if "component" in component:
            yield from _fields([component["component"]])


def _field(name: str, label: str, value: str, *, required: bool = False, paragraph: bool = True) -> Any:
    if len(value) > FIELD_LIMIT:
        raise LimitError(
            f"{name} is {len(value):,} characters long, more than Discord's form takes. "
            "Press ℹ️ for the line that paints this again, and change that."
        )
    style = discord.TextStyle.paragraph if paragraph else discord.TextStyle.short
    longest = min(FIELD_LIMIT, MAX_PROMPT_CHARACTERS)
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id=name, style=style, default=value, required=required, max_length=longest
    )
    return discord.ui.Label(text=label, component=field)
