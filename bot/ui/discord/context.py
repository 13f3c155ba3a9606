"""The type of interactions, and who uses one: where, and with which rights."""

import logging
from typing import TYPE_CHECKING

import discord

from bot.errors import DeliveryError
from bot.services.access import Actor
from bot.services.requests.preferences import RequestContext
from bot.ui.discord.channels import MemberChannels, Room, find_channel, is_age_restricted, rights_in

if TYPE_CHECKING:
    from bot.client import EaselClient

log = logging.getLogger(__name__)

Interaction = discord.Interaction["EaselClient"]


def context_of(interaction: Interaction) -> RequestContext:
    """Says who asks in which channel of which server; a thread has its channel's settings."""
    channel = interaction.channel
    channel_id = channel.parent_id if isinstance(channel, discord.Thread) else interaction.channel_id
    return RequestContext(interaction.user.id, channel_id or 0, interaction.guild_id)


async def actor_of(interaction: Interaction, message: discord.Message | None = None) -> Actor:
    """Says who acts where, and what Discord lets them do there.

    Discord itself decides who may use the command that generates; everything else that does so needs the same rights.

    Args:
        interaction: What they do.
        message: The message whose menu they use; otherwise the one whose button they pressed.
    """
    message = message or interaction.message
    client, member = interaction.client, interaction.user
    barred = ""
    if isinstance(member, discord.Member) and not _is_command(interaction, client.command_name):
        room = interaction.channel if isinstance(interaction.channel, Room) else None
        barred = await _why_barred(client, member, room, interaction.permissions)
    return Actor(
        person=member.id,
        channel_id=interaction.channel_id or 0,
        guild_id=interaction.guild_id,
        moderator=interaction.guild_id is not None and interaction.permissions.manage_messages,
        age_restricted=is_age_restricted(interaction.channel),
        barred=barred,
        message_id=None if message is None else message.id,
        channels=MemberChannels(interaction.client, member if isinstance(member, discord.Member) else None),
    )


async def reactor_of(client: "EaselClient", event: discord.RawReactionActionEvent) -> Actor:
    """Says who reacted where, and what Discord lets them do there; a channel that cannot be found grants nothing."""
    channel = None if event.guild_id is None else await find_channel(client, event.channel_id)
    granted, barred = discord.Permissions.none(), ""
    if event.member is not None:
        granted = granted if channel is None else rights_in(channel, event.member)
        barred = await _why_barred(client, event.member, channel, granted)
    return Actor(
        person=event.user_id,
        channel_id=event.channel_id,
        guild_id=event.guild_id,
        moderator=granted.manage_messages,
        age_restricted=is_age_restricted(channel),
        barred=barred,
        message_id=event.message_id,
        channels=MemberChannels(client, event.member),
    )


def _is_command(interaction: Interaction, name: str) -> bool:
    """Whether it is the command that generates, which Discord has let the person use."""
    if interaction.type is not discord.InteractionType.application_command or interaction.command is None:
        return False
    return isinstance(interaction.command, discord.app_commands.Command) and interaction.command.name == name


async def _why_barred(
    client: "EaselClient", member: discord.Member, channel: Room | None, granted: discord.Permissions
) -> str:
    """Says why a member may not generate in a channel; "" where they may."""
    in_thread = isinstance(channel, discord.Thread)
    needed = {
        "Use Application Commands": granted.use_application_commands,
        "Send Messages in Threads": granted.send_messages_in_threads or not in_thread,
        "Send Messages": granted.send_messages or in_thread,
    }
    if lacking := [name for name, has in needed.items() if not has]:
        return f"You may not generate pictures here: you lack the permission {', '.join(lacking)}."
    try:
        allowed = await client.command_rights.allow(member, channel)
    except DeliveryError as error:
        log.warning("who may use /%s on a server cannot be read: %s", client.command_name, error)
        return "Discord does not tell me whether you may generate pictures here. Please try again in a minute."
    if allowed:
        return ""
    return f"This server does not let you use /{client.command_name} here, and buttons and reactions follow that."


def manages(interaction: Interaction) -> bool:
    """Whether somebody manages the server they are on."""
    return interaction.guild_id is not None and interaction.permissions.manage_guild
