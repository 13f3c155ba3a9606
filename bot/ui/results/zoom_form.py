"""The form behind Custom Zoom: how far to zoom out, within which aspect, and what is painted around the picture."""

import re
from typing import Any

import discord

from bot.domain import Action
from bot.services.access import VisibleJob
from bot.services.actions.actions import Words
from bot.services.requests import flags
from bot.services.requests.sizes import parse_aspect
from bot.ui.discord.form_fields import Sent, prompt_field
from generation import InvalidRequestError
from generation.prompt import permutations
from generation.request.validation import quoted
from generation.typed_text import TypedText

PROMPT, ZOOM, ASPECT = "prompt", "zoom", "aspect"
ZOOM_ID = re.compile(r"easel:zoom-form:(?P<job>[0-9a-z]{10}):(?P<number>\d{1,2})")
FURTHEST = 2.0
_FACTOR = re.compile(r"(\d(?:[.,]\d{1,3})?)\s*x?")


def zoom_form(job: VisibleJob, number: int) -> discord.ui.Modal:
    """Returns the form; its id carries the picture, as a button's does.

    Raises:
        LimitError: The prompt is too long for Discord's forms.
    """
    form = discord.ui.Modal(title="Custom Zoom", custom_id=f"easel:zoom-form:{job.id}:{number}")
    form.add_item(prompt_field(PROMPT, "Prompt", flags.escape(job.request.prompt), required=True))
    form.add_item(_line(ZOOM, f"Zoom out, 1.0 to {FURTHEST}", "2.0", required=True))
    form.add_item(_line(ASPECT, "Aspect, such as 16:9; empty keeps it", "", required=False))
    form.stop()  # what is sent in is known by the form's id; nothing has to remember this one
    return form


def zoomed(sent: Sent) -> Words:
    """Reads the form.

    Raises:
        InvalidRequestError: A field cannot be used; the text says what would work.
    """
    typed, aspect = sent.text(ZOOM).strip().lower(), sent.text(ASPECT).strip()
    factor = _FACTOR.fullmatch(typed)
    if factor is None or not 1 <= float(factor[1].replace(",", ".")) <= FURTHEST:
        raise InvalidRequestError("zoom", f"zoom must be between 1.0 and {FURTHEST}, such as 1.5; not {quoted(typed)}.")
    if aspect:
        parse_aspect(TypedText(aspect))
    text = f"{factor[1].replace(',', '.')}x {re.sub(r'[x/]', ':', aspect.lower()).replace(' ', '')}".strip()
    return Words(TypedText(text), Action.ZOOM_OUT, read_prompt(sent))


def read_prompt(sent: Sent) -> TypedText:
    """Returns the prompt that was typed into a form that has no settings.

    Raises:
        InvalidRequestError: It is empty, leaves choices, or holds settings.
    """
    (typed,) = permutations.expand(sent.text(PROMPT), 1)
    found = flags.read(typed)
    if found.values or found.presets:
        raise InvalidRequestError("prompt", "Settings such as --steps are not read in this form; press ✏️ for them.")
    if not found.prompt.strip():
        raise InvalidRequestError("prompt", "prompt is empty: say what to paint, such as `a red apple`.")
    return found.prompt


def _line(name: str, label: str, value: str, *, required: bool) -> discord.ui.Label[Any]:
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id=name, default=value or None, required=required, max_length=20
    )
    return discord.ui.Label(text=label, component=field)
