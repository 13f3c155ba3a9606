"""Buttons whose ids carry their job, so that they work after a restart."""

import re
from typing import Any, Protocol, Self, cast

import discord

from bot.domain import Job
from bot.services.generation import GenerationService
from bot.ui.private import answered, nod


class HasGeneration(Protocol):
    """The client, as far as buttons know it."""

    generation: GenerationService


class CancelButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"easel:cancel:(?P<job>[0-9a-z]{10})"):
    """Stops a job: for the person who asked for it, and for moderators."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        button: discord.ui.Button[Any] = discord.ui.Button(
            label="Cancel Job", style=discord.ButtonStyle.danger, custom_id=f"easel:cancel:{job_id}"
        )
        super().__init__(button)

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the button that was pressed anew from its id."""
        return cls(match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Cancels the job; its message changes when the painting has stopped."""
        await answered(interaction, self._cancel(interaction))

    async def _cancel(self, interaction: discord.Interaction[Any]) -> None:
        await nod(interaction)
        service = cast(HasGeneration, interaction.client).generation
        moderator = interaction.guild_id is not None and interaction.permissions.manage_messages
        await service.cancel(self.job_id, interaction.user.id, moderator=moderator)


def cancels(message: discord.Message, job: Job) -> bool:
    """Whether a message has the button that cancels a job."""
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    return any(button.custom_id == f"easel:cancel:{job.id}" for row in rows for button in row.children)


def cancel_view(job_id: str) -> discord.ui.View:
    """Returns a message's components with the cancel button alone."""
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(job_id))
    view.stop()  # presses are answered by the id's pattern; nothing has to remember this view
    return view
