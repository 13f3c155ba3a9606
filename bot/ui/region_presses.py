"""What happens in the panel behind Vary (Region)."""

import asyncio
from typing import Any, Protocol, cast

import discord

from bot.domain import Job
from bot.services.actions import PictureActions, check_user
from bot.services.overlay import overlay
from bot.services.ports import Upload
from bot.services.regions import Choice, Divided, Divider, at_level, chosen, with_parts
from bot.ui.lasting import LastingButton, LastingSelect
from bot.ui.permissions import check_posting
from bot.ui.private import nod, promise
from bot.ui.region_panel import DEEDS, OVERLAY_NAME, REGION, Region, panel_text, panel_view, region_form, region_of
from bot.ui.requests import patiently
from bot.ui.seats import actor_of
from bot.ui.uploads import as_files


class HasDivider(Protocol):
    """The client, as far as the panel knows it."""

    actions: PictureActions
    divider: Divider


class PartSelect(LastingSelect, template=rf"easel:part:{REGION}"):
    """Chooses parts."""

    async def act(self, interaction: discord.Interaction[Any]) -> None:
        """Shows what is chosen now."""
        parts, region = [int(value) for value in self.item.values if value.isdecimal()], region_of(self.match)
        job = await found(interaction, region)
        await nod(interaction)
        divided = await _divided(interaction, job, region.number)
        await _show(interaction, region, divided, with_parts(divided, region.choice, parts))


class PartsButton(LastingButton, template=rf"easel:parts:(?P<deed>{'|'.join(DEEDS)}):{REGION}"):
    """Changes what is chosen, or goes on to painting it."""

    async def act(self, interaction: discord.Interaction[Any]) -> None:
        """Does what the button says."""
        region, deed = region_of(self.match), self.match["deed"]
        job = await found(interaction, region)
        if deed in {"paint", "upload"}:
            check_posting(interaction)
            how = "upload" if deed == "upload" else "parts"
            await interaction.response.send_modal(region_form(job, region, how))
            return
        await nod(interaction)
        divided = await _divided(interaction, job, region.number)
        await _show(interaction, region, divided, _changed(divided, region.choice, deed))


async def open_panel(interaction: discord.Interaction[Any], job: Job, number: int) -> None:
    """Answers a press of Vary (Region) with the panel, for the person alone."""
    await promise(interaction)
    divided = await _divided(interaction, job, number)
    await _show(interaction, Region(job.id, number, Choice()), divided, Choice())


async def found(interaction: discord.Interaction[Any], region: Region) -> Job:
    """Finds the job of a panel, for somebody who may act on it.

    Raises:
        NotKeptError: It is not known any more.
        LimitError: They may not.
    """
    actions, actor = cast(HasDivider, interaction.client).actions, actor_of(interaction)
    job = await actions.find(region.job_id, actor)
    check_user(job, actor, for_all=actions.rules.buttons_for_all)
    return job


async def _divided(interaction: discord.Interaction[Any], job: Job, number: int) -> Divided:
    client = cast(HasDivider, interaction.client)
    file = await client.actions.file(job, number)
    return await client.divider.divide(file.digest)


async def _show(interaction: discord.Interaction[Any], region: Region, divided: Divided, choice: Choice) -> None:
    data = await asyncio.to_thread(overlay, divided, choice)
    size = (divided.shown.width, divided.shown.height)
    anything = bool(await asyncio.to_thread(lambda: chosen(divided, choice, size).any()))
    view = panel_view(Region(region.job_id, region.number, choice), divided, anything=anything)
    await patiently(
        lambda: interaction.edit_original_response(
            content=panel_text(choice), attachments=as_files([Upload(OVERLAY_NAME, data)]), view=view
        )
    )


def _changed(divided: Divided, choice: Choice, deed: str) -> Choice:
    if deed in {"grow", "shrink"}:
        return choice.grown_by(1 if deed == "grow" else -1)
    if deed == "invert":
        return Choice(choice.parts, choice.grow, not choice.invert, choice.level)
    step = 1 if deed == "finer" else -1
    return at_level(divided, choice, max(0, min(choice.level + step, len(divided.levels) - 1)))
