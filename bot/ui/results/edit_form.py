"""The form behind ✏️: what a picture was made by, to be changed."""

import re

import discord

from bot.domain import Order
from bot.services.access import VisibleJob
from bot.services.requests import flags
from bot.services.requests.partwords import without_pictures
from bot.ui.discord.form_fields import STRENGTH, Sent, picture_field, prompt_field, strength_field
from bot.ui.jobs.picture_buttons import WHOLE
from generation import InvalidRequestError
from generation.prompt import permutations
from generation.request.validation import quoted

PROMPT, NEGATIVE, FLAGS = "prompt", "negative", "flags"
FORM_ID = re.compile(r"easel:form:(?P<job>[0-9a-z]{10}):(?P<number>\d{1,2})")
_SIZES = ("width", "height")


def edit_form(job: VisibleJob, number: int | None, *, keeps_input: bool) -> discord.ui.Modal:
    """Returns the form, filled in with what the picture was made by. Its id carries the job, as a button's does.

    Args:
        job: The job.
        number: Which of its pictures, counted from 1; None for the job as a whole.
        keeps_input: Whether the person may use the pictures that it began from; otherwise the form leaves them out.

    Raises:
        LimitError: The prompt is too long for Discord's forms.
    """
    request = job.request if number is None else job.request.picture(number - 1)
    if not keeps_input:
        request = without_pictures(request)
    init = request.init
    form = discord.ui.Modal(title="Change and paint again", custom_id=f"easel:form:{job.id}:{number or WHOLE}")
    form.add_item(prompt_field(PROMPT, "Prompt", flags.escape(request.prompt), required=True))
    form.add_item(prompt_field(NEGATIVE, "Negative: what to keep out", request.negative_prompt))
    line = flags.flags_line(request, without={NEGATIVE, STRENGTH})
    form.add_item(prompt_field(FLAGS, "Settings: leave one out for its default", line, lines=False))
    form.add_item(
        picture_field("A picture to begin from" if init is None else "Leave it empty to keep the present one")
    )
    form.add_item(strength_field("" if init is None else flags.as_typed(init.strength)))
    form.stop()  # what is sent in is known by the form's id; nothing has to remember this one
    return form


def edited(sent: Sent) -> Order:
    """Reads what was typed into the form; the picture is fetched later.

    Raises:
        InvalidRequestError: A setting cannot be read; the text says what would work.
    """
    (line,) = permutations.expand(sent.text(FLAGS), 1)
    found = flags.read(line)
    if found.prompt:
        raise InvalidRequestError(
            FLAGS, f"The settings hold words that are none: {quoted(found.prompt)}. Each is written as `--steps 30`."
        )
    values = found.values
    if "aspect" in values:  # typed beside the size that stood there
        values = {name: value for name, value in values.items() if name not in _SIZES}
    strength = strength_of(sent, values.get(STRENGTH))
    (prompt,) = permutations.expand(sent.text(PROMPT), 1)
    return Order(prompt=prompt, **{**values, NEGATIVE: sent.text(NEGATIVE), STRENGTH: strength})


def strength_of(sent: Sent, flagged: float | None = None) -> float | None:
    """Reads the field for the strength; None where it was left empty.

    Args:
        sent: The form.
        flagged: What a flag of that name says.

    Raises:
        InvalidRequestError: It is no number, or the flag says another one.
    """
    text = sent.text(STRENGTH).strip()
    if not text:
        return flagged
    try:
        strength = float(text)
    except ValueError:
        message = f"strength takes a number from 0 to 1, such as 0.6, not {quoted(text)}."
        raise InvalidRequestError(STRENGTH, message) from None
    if flagged not in {None, strength}:
        message = f"strength is given twice: {text} in its field and {flagged:g} as a flag. Leave one of them out."
        raise InvalidRequestError(STRENGTH, message)
    return strength
