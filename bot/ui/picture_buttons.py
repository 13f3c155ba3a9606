"""The buttons under a result: which there are, what they look like, what their ids say."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import discord

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


LOOKS = {
    Press.PICK: Look("U{}"),
    Press.VARY: Look("V{}"),
    Press.SUBTLE: Look("Vary (Subtle)"),
    Press.STRONG: Look("Vary (Strong)"),
    Press.REROLL: Look(emoji="🔄"),
    Press.EDIT: Look(emoji="✏️"),
    Press.INFO: Look(emoji="ℹ️"),
    Press.DELETE: Look(emoji="❌"),
}

Row = list[tuple[Press, int]]


def rows(count: int, number: int | None) -> list[Row]:
    """Lays out the buttons under a message.

    Args:
        count: How many pictures the job has.
        number: The one picture that the message shows; None where it shows the whole job.
    """
    tools = [Press.EDIT, Press.INFO, Press.DELETE]
    if number is None and count > 1:
        numbers = range(1, count + 1)
        picks, varies = ([(press, each) for each in numbers] for press in (Press.PICK, Press.VARY))
        rerolls = [(Press.REROLL, WHOLE)]
        whole = [(press, WHOLE) for press in tools]
        if count < IN_A_ROW:
            return [picks + rerolls, varies, whole]
        return [*_in_rows(picks), *_in_rows(varies), rerolls + whole]
    one = number or 1
    varying: Row = [(Press.SUBTLE, one), (Press.STRONG, one), (Press.REROLL, number or WHOLE)]
    return [varying, [(press, number or WHOLE) for press in tools]]


def result_view(job_id: str, count: int, number: int | None = None) -> discord.ui.View:
    """Returns the buttons of a message that shows a job, or one of its pictures."""
    view = discord.ui.View(timeout=None)
    for place, row in enumerate(rows(count, number)):
        for press, each in row:
            view.add_item(_button(press, job_id, each, place))
    view.stop()  # presses are answered by the ids' pattern; nothing has to remember this view
    return view


def is_result(message: discord.Message) -> bool:
    """Whether a message has these buttons."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    ids = [button.custom_id or "" for row in rows for button in row.children]
    return any(each.startswith(f"easel:{press}:") for each in ids for press in Press)


def _button(press: Press, job_id: str, number: int, row: int) -> discord.ui.Button[Any]:
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
