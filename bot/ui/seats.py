"""Who uses a command, where, and with which rights."""

from typing import Any

import discord

from bot.services.access import Actor
from bot.services.tastes import Seat
from bot.ui.channels import MemberChannels, find_channel, is_age_restricted, rights_in


def seat_of(interaction: discord.Interaction[Any]) -> Seat:
    """Says who asks in which channel of which server; a thread has its channel's settings."""
    channel = interaction.channel
    channel_id = channel.parent_id if isinstance(channel, discord.Thread) else interaction.channel_id
    return Seat(interaction.user.id, channel_id or 0, interaction.guild_id)


def actor_of(interaction: discord.Interaction[Any], message: discord.Message | None = None) -> Actor:
    """Says who acts where, and what Discord lets them do there.

    Discord itself decides who may use a command; buttons and forms need the rights that a command would need.

    Args:
        interaction: What they do.
        message: The message whose menu they use; otherwise the one whose button they pressed.
    """
    message = message or interaction.message
    in_server = interaction.guild_id is not None
    granted, member = interaction.permissions, interaction.user
    command = interaction.type in {discord.InteractionType.application_command, discord.InteractionType.autocomplete}
    return Actor(
        person=interaction.user.id,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
        moderator=in_server and granted.manage_messages,
        age_restricted=is_age_restricted(interaction.channel),
        lacks=lacking(interaction.channel, granted) if in_server and not command else (),
        message_id=None if message is None else message.id,
        channels=MemberChannels(interaction.client, member if isinstance(member, discord.Member) else None),
    )


async def reactor_of(client: discord.Client, event: discord.RawReactionActionEvent) -> Actor:
    """Says who reacted where, and what Discord lets them do there; a channel that cannot be found grants nothing."""
    channel = None if event.guild_id is None else await find_channel(client, event.channel_id)
    granted = discord.Permissions.none()
    if channel is not None and event.member is not None:
        granted = rights_in(channel, event.member)
    return Actor(
        person=event.user_id,
        channel_id=event.channel_id,
        guild_id=event.guild_id,
        moderator=granted.manage_messages,
        age_restricted=is_age_restricted(channel),
        lacks=() if event.guild_id is None else lacking(channel, granted),
        message_id=event.message_id,
        channels=MemberChannels(client, event.member),
    )


def lacking(channel: object, granted: discord.Permissions) -> tuple[str, ...]:
    """Names the permissions that a person lacks to use a command that generates, as Discord's own menu does."""
    in_thread = isinstance(channel, discord.Thread)
    needed = {
        "Use Application Commands": granted.use_application_commands,
        "Send Messages in Threads": granted.send_messages_in_threads or not in_thread,
        "Send Messages": granted.send_messages or in_thread,
    }
    return tuple(name for name, has in needed.items() if not has)


def manages(interaction: discord.Interaction[Any]) -> bool:
    """Whether somebody manages the server they are on."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild
