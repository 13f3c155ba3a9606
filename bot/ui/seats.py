"""Who uses a command, where."""

from typing import Any

import discord

from bot.services.actions import Actor
from bot.services.tastes import Seat


def seat_of(interaction: discord.Interaction[Any]) -> Seat:
    """Says who asks in which channel of which server; a thread has its channel's settings."""
    channel = interaction.channel
    channel_id = channel.parent_id if isinstance(channel, discord.Thread) else interaction.channel_id
    return Seat(interaction.user.id, channel_id or 0, interaction.guild_id)


def actor_of(interaction: discord.Interaction[Any]) -> Actor:
    """Says who pressed where, and whether they may moderate there."""
    moderator = interaction.guild_id is not None and interaction.permissions.manage_messages
    return Actor(interaction.user.id, interaction.channel_id or 0, interaction.guild_id, moderator)


def manages(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody manages the server they are on."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild
