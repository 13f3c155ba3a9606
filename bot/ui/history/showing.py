"""Showing a job to one person: its pictures, its recipe, its originals as files."""

import asyncio
from collections.abc import Sequence

import discord

from bot.services.access import VisibleJob
from bot.services.images.fit_upload import REQUEST_LIMIT
from bot.services.images.originals import batches, removal
from bot.services.people.family import sheet
from bot.services.people.history import pack
from bot.services.ports import Upload
from bot.ui.discord.attachments import as_files
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.discord.retry import with_retry
from bot.ui.history import text as history_words
from bot.ui.history.views import job_view
from bot.ui.results.recipe_card import recipe_card
from generation.typed_text import TypedText


async def show_job(interaction: Interaction, job_id: TypedText | str) -> None:
    """Shows a job to one person alone, with its pictures as far as they fit.

    Raises:
        LimitError: They may not see it, or have too many pictures under way.
        PictureLostError: A file is missing that was not removed.
        DeliveryError: Discord did not take it.
    """
    await interaction.response.defer(ephemeral=True, thinking=True)
    with interaction.client.services.fitter.turn(interaction.user.id):
        await _show_job(interaction, job_id)


async def _show_job(interaction: Interaction, job_id: str) -> None:
    services = interaction.client.services
    job = await services.history.show(job_id, await actor_of(interaction))
    kept = any(picture.removed_at is None for picture in job.pictures)
    originals = await services.history.originals(job) if kept else []
    files, notes = await services.fitter.fit_each(originals, interaction.filesize_limit)
    text, attached = recipe_card(job, None, interaction.client.command_name)
    said = (note for note in (removal(job), *notes) if note)
    text = "\n".join([text, *(f"-# {note}" for note in said)])
    first, *others = batches([*files, *attached]) or [[]]
    await _send(interaction, text, first, await _view(interaction, job))
    for batch in others:
        await _send(interaction, "More of it:", batch, None)


async def send_originals(interaction: Interaction, job_id: TypedText | str) -> None:
    """Sends a job's originals as ZIP archives, one message each, split so that Discord takes them."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    with interaction.client.services.fitter.turn(interaction.user.id):
        await _send_originals(interaction, job_id)


async def _send_originals(interaction: Interaction, job_id: str) -> None:
    history = interaction.client.services.history
    job = await history.show(job_id, await actor_of(interaction))
    limit = min(interaction.filesize_limit, REQUEST_LIMIT)
    archives = await asyncio.to_thread(pack, await history.originals(job), f"easel-{job.id}", limit)
    for number, archive in enumerate(archives, 1):
        text = f"Part {number} of {len(archives)}" if len(archives) > 1 else "The originals, with their recipes inside."
        await _send(interaction, text, [archive], None)


async def show_family(interaction: Interaction, job_id: TypedText | str) -> None:
    """Shows what a job was made of and what was made of it, as a list and as thumbnails."""
    await interaction.response.defer(ephemeral=True, thinking=True)
    with interaction.client.services.fitter.turn(interaction.user.id):
        await _show_family(interaction, job_id)


async def _show_family(interaction: Interaction, job_id: str) -> None:
    history, viewer = interaction.client.services.history, await actor_of(interaction)
    job = await history.show(job_id, viewer)
    members = await history.family(job, viewer)
    thumbnails = [await history.thumbnail(member.job) for member in members]
    drawn = await asyncio.to_thread(sheet, members, thumbnails)
    await _send(interaction, history_words.family(members, job.id), [Upload(f"family-{job.id}.png", drawn)], None)


async def star_job(interaction: Interaction, job_id: TypedText | str, *, starred: bool) -> None:
    """Stars a job or takes the star away, and changes the button."""
    history = interaction.client.services.history
    job = await history.show(job_id, await actor_of(interaction))
    await history.star(interaction.user.id, job, starred=starred)
    await interaction.response.edit_message(view=job_view(job.id, mine=True, starred=starred))


async def _view(interaction: Interaction, job: VisibleJob) -> discord.ui.View:
    history = interaction.client.services.history
    mine = job.origin.user_id == interaction.user.id
    return job_view(job.id, mine=mine, starred=mine and await history.is_starred(interaction.user.id, job))


async def _send(interaction: Interaction, text: str, files: Sequence[Upload], view: discord.ui.View | None) -> None:
    shown = discord.utils.MISSING if view is None else view
    await with_retry(
        lambda: interaction.followup.send(
            text, files=as_files(files), view=shown, ephemeral=True, allowed_mentions=NO_MENTIONS
        )
    )
