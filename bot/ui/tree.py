"""What happens when a command fails in a way nobody foresaw: the person is told, privately."""

import logging
from typing import Any

import discord
from discord import app_commands

from bot.errors import EaselError
from bot.ui.private import whisper
from bot.ui.requests import PASSING
from generation import GenerationError

log = logging.getLogger(__name__)

BROKEN = "Something went wrong on my side. It has been logged; please try again."


class EaselTree(app_commands.CommandTree[Any]):
    """The command tree with our words for its errors."""

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /) -> None:
        """Answers privately; a public answer that was begun is taken away first."""
        cause = error.__cause__ or error
        if isinstance(cause, (EaselError, GenerationError)):
            text = str(cause)
        else:
            log.error("a command failed", exc_info=cause)
            text = BROKEN
        try:
            if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
                await interaction.delete_original_response()
            await whisper(interaction, text)
        except (discord.HTTPException, *PASSING) as failure:
            log.warning("a person could not be told that their command failed: %s", failure)
