"""What happens when a command fails in a way nobody foresaw: the person is told, privately."""

from typing import Any

import discord
from discord import app_commands

from bot.ui.discord.responses import confess


class EaselTree(app_commands.CommandTree[Any]):
    """The command tree with our words for its errors."""

    async def on_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /) -> None:
        """Answers privately."""
        await confess(interaction, error.__cause__ or error)
