"""The panel behind Vary (Region): parts of a picture to choose from; the id of its list carries what is chosen.

Its buttons keep their ids, so that who presses fast never presses on one that is gone.
"""

import re
from dataclasses import dataclass
from typing import Any

import discord

from bot.errors import NotKeptError
from bot.services.access import VisibleJob
from bot.services.images.regions import CHOICE, MOST_STEPS, Choice, Segmentation, choice_of
from bot.services.requests import flags
from bot.ui.discord.form_fields import prompt_field

PROMPT, MASK = "prompt", "mask"
DEEDS = ("grow", "shrink", "invert", "coarser", "finer", "paint", "upload")
OVERLAY_NAME = "regions.jpg"
_TEXT = (
    "## Vary (Region)\nChoose the parts that are painted anew: what has orange stripes. The border is soft, and lies "
    "outside of them; **Grow** and **Shrink** move it. Or upload a mask of your own: white or transparent is painted "
    "anew."
)
_LABELS = {
    "grow": "Grow", "shrink": "Shrink", "invert": "Invert", "coarser": "Fewer parts", "finer": "More parts",
    "paint": "Paint it anew", "upload": "Upload a mask",
}  # fmt: skip
_ROWS = ({"grow", "shrink", "invert", "coarser", "finer"}, {"paint", "upload"})


@dataclass(frozen=True, slots=True)
class Region:
    """Which picture of which job, and what of it is chosen."""

    job_id: str
    number: int
    choice: Choice

    def __str__(self) -> str:
        return f"{self.job_id}:{self.number}:{self.choice}"


REGION = rf"(?P<job>[0-9a-z]{{10}}):(?P<number>\d{{1,2}}):{CHOICE}"
PICTURE = r"(?P<job>[0-9a-z]{10}):(?P<number>\d{1,2})"
PART_ID = re.compile(rf"easel:part:{REGION}")
REGION_FORM_ID = re.compile(rf"easel:region-form:(?P<how>parts|upload):{REGION}")


def region_of(match: re.Match[str]) -> Region:
    """Reads a region out of a component's id."""
    return Region(match["job"], int(match["number"]), choice_of(match))


def region_in(message: discord.Message | None) -> Region:
    """Reads a region out of a panel's list.

    Raises:
        NotKeptError: It has none.
    """
    rows = [] if message is None else [row for row in message.components if isinstance(row, discord.ActionRow)]
    for component in (each for row in rows for each in row.children):
        if match := PART_ID.fullmatch(component.custom_id or ""):
            return region_of(match)
    raise NotKeptError("This panel is out of date; press Vary (Region) under the picture again.")


def panel_text(choice: Choice) -> str:
    """Says how to choose, and how far the border was moved."""
    if not choice.grow:
        return _TEXT
    return f"{_TEXT}\n-# The border was moved {'outwards' if choice.grow > 0 else 'inwards'}: {abs(choice.grow)}."


def panel_view(region: Region, divided: Segmentation, *, anything: bool) -> discord.ui.View:
    """Builds the panel's components.

    Args:
        region: What is chosen.
        divided: The picture.
        anything: Whether that paints anything.
    """
    choice = region.choice
    off = {
        "grow": choice.grow >= MOST_STEPS or not choice.parts,
        "shrink": choice.grow <= -MOST_STEPS or not choice.parts,
        "invert": not choice.parts,
        "coarser": choice.level == 0,
        "finer": choice.level == len(divided.levels) - 1,
        "paint": not anything,
        "upload": False,
    }
    view = discord.ui.View(timeout=None)
    view.add_item(_select(region, divided))
    for row, deeds in enumerate(_ROWS, 1):
        for deed in (each for each in DEEDS if each in deeds):
            style = discord.ButtonStyle.primary if deed == "paint" else discord.ButtonStyle.secondary
            if deed == "invert" and choice.invert:
                style = discord.ButtonStyle.success
            view.add_item(
                discord.ui.Button(
                    label=_LABELS[deed],
                    style=style,
                    custom_id=f"easel:parts:{deed}:{region.job_id}:{region.number}",
                    row=row,
                    disabled=off[deed],
                )
            )
    view.stop()  # components are answered by their ids' patterns; nothing has to remember this view
    return view


def region_form(job: VisibleJob, region: Region, how: str) -> discord.ui.Modal:
    """Returns the form that asks what is painted there; for "upload" it takes a mask too.

    Raises:
        LimitError: The prompt is too long for Discord's forms.
    """
    title = "Paint the parts anew" if how == "parts" else "Paint by a mask"
    form = discord.ui.Modal(title=title, custom_id=f"easel:region-form:{how}:{region}")
    form.add_item(prompt_field(PROMPT, "What is painted there", flags.escape(job.request.prompt), required=True))
    if how == "upload":
        upload: discord.ui.FileUpload[Any] = discord.ui.FileUpload(custom_id=MASK, min_values=1, max_values=1)
        said = "White or transparent is painted anew, black is kept; it is brought to the picture's size."
        form.add_item(discord.ui.Label(text="Mask", description=said, component=upload))
    form.stop()  # what is sent in is known by the form's id; nothing has to remember this one
    return form


def _select(region: Region, divided: Segmentation) -> discord.ui.Select[Any]:
    parts = divided.levels[region.choice.level].parts
    options = [
        discord.SelectOption(
            label=f"{number + 1}: {part.colour}, {part.place}",
            description=_share(part.share),
            value=str(number),
            default=number in region.choice.parts,
        )
        for number, part in enumerate(parts)
    ]
    return discord.ui.Select(
        custom_id=f"easel:part:{region}",
        placeholder="Parts by their numbers in the picture",
        options=options,
        min_values=0,
        max_values=len(options),
        row=0,
    )


def _share(share: float) -> str:
    return f"{share:.0%} of the picture" if share >= 0.01 else "less than 1% of the picture"
