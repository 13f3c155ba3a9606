"""The form behind "Use as input": which of a message's pictures, and what to make of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import discord

from bot.domain import Order
from bot.errors import NotKeptError
from bot.services.access import VisibleJob
from bot.services.requests import flags
from bot.services.requests.framing import IMAGE_STRENGTH
from bot.ui.discord.escape import plain
from bot.ui.discord.form_fields import FIELD_LIMIT, Sent, prompt_field, strength_field
from bot.ui.results.edit_form import strength_of

INPUT_FORM_ID = re.compile(r"easel:use:(?P<draft>[0-9a-z]{10})")
PROMPT, PICTURE = "prompt", "picture"
_LABEL_LIMIT = 100  # Discord's, of one choice

Content = Mapping[str, Any]  # of a draft: {"job": id, "numbers": [1, 2]} or {"files": [what Discord said of each]}


def painted_here(job: VisibleJob, number: int | None) -> Content:
    """Says which pictures of a job a message shows.

    Raises:
        NotKeptError: There are none, not yet or not any more.
    """
    if not job.pictures:
        raise NotKeptError("This is not painted yet; try again when it is.")
    numbers = range(1, len(job.pictures) + 1) if number is None else [number]
    return {"job": job.id, "numbers": list(numbers)}


def attached_to(message: discord.Message) -> Content:
    """Says which pictures are attached to a message, also to one that it forwards.

    Raises:
        NotKeptError: There are none.
    """
    forwarded = [file for snapshot in message.message_snapshots for file in snapshot.attachments]
    files = [each for each in (*message.attachments, *forwarded) if (each.content_type or "").startswith("image/")]
    if not files:
        raise NotKeptError("No picture is attached to this message; use it on one that shows a picture as a file.")
    return {"files": [each.to_dict() for each in files]}


def input_form(draft: str, content: Content, job: VisibleJob | None) -> discord.ui.Modal:
    """Returns the form; its id carries the draft, which says what its pictures are.

    Args:
        draft: The id of the draft that keeps `content`.
        content: What the pictures are.
        job: What the message shows, if it was painted here; its prompt is offered to be changed.
    """
    form = discord.ui.Modal(title="Use as input", custom_id=f"easel:use:{draft}")
    names = _names(content)
    if len(names) > 1:
        form.add_item(_picture_field(names))
    prompt = "" if job is None else flags.escape(job.request.prompt)
    form.add_item(prompt_field(PROMPT, "Prompt", prompt if len(prompt) <= FIELD_LIMIT else "", required=True))
    form.add_item(strength_field(flags.as_typed(IMAGE_STRENGTH)))
    form.stop()  # what is sent in is known by the form's id; nothing has to remember this one
    return form


def input_order(sent: Sent) -> Order:
    """Reads what was typed into the form; the picture is fetched later.

    Raises:
        InvalidRequestError: The strength is no number.
    """
    return Order(prompt=sent.text(PROMPT), strength=strength_of(sent))


def picked(sent: Sent, content: Content) -> int:
    """Returns the place of the picture that was picked, counted from 0.

    Raises:
        NotKeptError: The form offered no such picture.
    """
    places = {str(place): place for place in range(_count(content))}
    chosen = places.get(sent.choices.get(PICTURE, "0"))
    if chosen is None:
        raise NotKeptError("There is no such picture in this message; use the menu again.")
    return chosen


def _count(content: Content) -> int:
    return len(content["numbers"] if "job" in content else content["files"])


def _names(content: Content) -> Sequence[str]:
    if "job" in content:
        return [f"Picture {number}" for number in content["numbers"]]
    return [f"{place}. {plain(file['filename'])}" for place, file in enumerate(content["files"], 1)]


def _picture_field(names: Sequence[str]) -> Any:
    options = [
        discord.SelectOption(label=name[:_LABEL_LIMIT], value=str(place), default=place == 0)
        for place, name in enumerate(names)
    ]
    select: discord.ui.Select[Any] = discord.ui.Select(custom_id=PICTURE, options=options, required=True)
    return discord.ui.Label(text="Picture", component=select)
