"""Buttons whose ids carry their job, so that they work after a restart."""

import discord

from bot.domain import Job
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.persistent import PersistentButton
from bot.ui.discord.responses import defer_update


class CancelButton(PersistentButton, template=r"easel:cancel:(?P<job>[0-9a-z]{10})"):
    """Stops a job: for the person who asked for it, and for moderators."""

    async def act(self, interaction: Interaction) -> None:
        """Cancels the job; its message changes when the painting has stopped."""
        await defer_update(interaction)
        await interaction.client.services.actions.cancel(self.match["job"], await actor_of(interaction))


def cancels(message: discord.Message, job: Job) -> bool:
    """Whether a message has the button that cancels a job."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return any(button.custom_id == f"easel:cancel:{job.id}" for row in rows for button in row.children)


def cancel_view(job_id: str) -> discord.ui.View:
    """Returns a message's components with the cancel button alone."""
    view = discord.ui.View(timeout=None)
    style, custom_id = discord.ButtonStyle.danger, f"easel:cancel:{job_id}"
    view.add_item(discord.ui.Button(label="Cancel Job", style=style, custom_id=custom_id))
    view.stop()  # presses are answered by the id's pattern; nothing has to remember this view
    return view
