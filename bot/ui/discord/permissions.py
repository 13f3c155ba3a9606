"""What the bot may do where, and the link that invites it."""

import discord

from bot.errors import LimitError
from bot.ui.discord.context import Interaction

REQUIRED = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    create_public_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
    add_reactions=True,
)
SCOPES = ("bot", "applications.commands")


def invite_link(application_id: int) -> str:
    """Returns the address at which the owner of a server lets the bot in."""
    return discord.utils.oauth_url(application_id, permissions=REQUIRED, scopes=SCOPES)


def check_posting(interaction: Interaction) -> None:
    """Refuses where the bot could not post a picture.

    Raises:
        LimitError: A permission is missing; the text names it.
    """
    if lacking := missing(interaction):
        raise LimitError(f"I cannot post pictures here: I lack the permission {', '.join(lacking)}.")


def missing(interaction: Interaction) -> list[str]:
    """Names the permissions that the bot lacks in a command's channel to post a picture, as Discord's own menu does."""
    if interaction.guild_id is None:
        return []
    in_thread = isinstance(interaction.channel, discord.Thread)
    needed = discord.Permissions(
        view_channel=True, attach_files=True, send_messages=not in_thread, send_messages_in_threads=in_thread
    )
    lacking = needed & ~interaction.app_permissions
    return [name.replace("_", " ").title() for name, needs in lacking if needs]
