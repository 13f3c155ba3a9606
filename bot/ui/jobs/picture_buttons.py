"""The buttons under a result: which there are, what they look like, what their ids say."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import discord

from bot.domain import Job
from bot.services.actions.tools import Tool
from bot.services.requests.derive import settled

IN_A_ROW = 5
WHOLE = 0  # the number of no picture: the job as a whole


class Press(StrEnum):
    """What a button does."""

    PICK = "pick"
    VARY = "vary"
    SUBTLE = "subtle"
    STRONG = "strong"
    REROLL = "reroll"
    EDIT = "edit"
    INFO = "info"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Look:
    """A button's words; "{}" stands for the picture's number."""

    label: str | None = None
    emoji: str | None = None
    style: discord.ButtonStyle = discord.ButtonStyle.secondary


Deed = Press | Tool
LOOKS: dict[Deed, Look] = {
    Press.PICK: Look("U{}"),
    Press.VARY: Look("V{}"),
    Press.SUBTLE: Look("Vary (Subtle)"),
    Press.STRONG: Look("Vary (Strong)"),
    Press.REROLL: Look(emoji="🔄"),
    Press.EDIT: Look(emoji="✏️"),
    Press.INFO: Look(emoji="ℹ️"),
    Press.DELETE: Look(emoji="❌"),
    Tool.UPSCALE_2: Look("Upscale (2x)"),
    Tool.UPSCALE_4: Look("Upscale (4x)"),
    Tool.REGION: Look("Vary (Region)"),
    Tool.ZOOM_15: Look("Zoom Out 1.5x"),
    Tool.ZOOM_2: Look("Zoom Out 2x"),
    Tool.ZOOM: Look("Custom Zoom"),
    Tool.SQUARE: Look("Make Square"),
    Tool.LEFT: Look(emoji="⬅️"),
    Tool.RIGHT: Look(emoji="➡️"),
    Tool.UP: Look(emoji="⬆️"),
    Tool.DOWN: Look(emoji="⬇️"),
}
_ONE: tuple[tuple[Deed, ...], ...] = (
    (Tool.UPSCALE_2, Tool.UPSCALE_4, Press.SUBTLE, Press.STRONG, Tool.REGION),
    (Tool.ZOOM_15, Tool.ZOOM_2, Tool.ZOOM, Tool.SQUARE),
    (Tool.LEFT, Tool.RIGHT, Tool.UP, Tool.DOWN),
)
_WHOLE: tuple[Deed, ...] = (Press.REROLL, Press.EDIT, Press.INFO, Press.DELETE)

Row = list[tuple[Deed, int]]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a message shows.

    Attributes:
        count: How many pictures the job has.
        number: The one picture that is shown, counted from 1; None where it shows the whole job.
        tools: Which tools work on the one picture.
        chance: Whether another seed would change anything.
    """

    count: int
    number: int | None = None
    tools: Collection[Tool] = ()
    chance: bool = True


def rows(shown: Shown) -> list[Row]:
    """Lays out the buttons under a message."""
    count, number = shown.count, shown.number
    if number is None and count > 1:
        numbers = range(1, count + 1)
        picks, varies = ([(press, each) for each in numbers] for press in (Press.PICK, Press.VARY))
        reroll, *others = [(press, WHOLE) for press in _WHOLE]
        if count < IN_A_ROW:
            return [[*picks, reroll], [*varies], others]
        return [*_in_rows([*picks]), *_in_rows([*varies]), [reroll, *others]]
    laid_out = [[(deed, number or 1) for deed in row if isinstance(deed, Press) or deed in shown.tools] for row in _ONE]
    whole = [(press, number or WHOLE) for press in _WHOLE if press is not Press.REROLL or shown.chance]
    return [row for row in [*laid_out, whole] if row]


def result_view(job: Job, number: int | None = None, tools: Collection[Tool] = ()) -> discord.ui.View:
    """Returns the buttons of a message that shows a job, or one of its pictures.

    Args:
        job: The job.
        number: Which of its pictures, counted from 1; None for the whole job.
        tools: Which tools work on the one picture that is shown.
    """
    view = discord.ui.View(timeout=None)
    shown = Shown(len(job.pictures), number, tools, chance=not settled(job.request))
    for place, row in enumerate(rows(shown)):
        for deed, each in row:
            view.add_item(_button(deed, job.id, each, place))
    view.stop()  # presses are answered by the ids' pattern; nothing has to remember this view
    return view


def is_result(message: discord.Message) -> bool:
    """Whether a message has these buttons."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    ids = [button.custom_id or "" for row in rows for button in row.children]
    return any(each.startswith(f"easel:{press}:") for each in ids for press in LOOKS)


def _button(press: Deed, job_id: str, number: int, row: int) -> discord.ui.Button[Any]:
    look = LOOKS[press]
    return discord.ui.Button(
        label=look.label and look.label.format(number),
        emoji=look.emoji,
        style=look.style,
        custom_id=f"easel:{press}:{job_id}:{number}",
        row=row,
    )


def _in_rows(row: Row) -> list[Row]:
    return [row[start : start + IN_A_ROW] for start in range(0, len(row), IN_A_ROW)]
