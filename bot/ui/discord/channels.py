"""Discord's channels: who can read them, and which are age-restricted."""

import discord

from bot.errors import AnswerExpiredError, DeliveryError
from bot.services.access import NO_ACCESS, ChannelAccess
from bot.ui.discord.retry import with_retry

Room = discord.abc.GuildChannel | discord.Thread
_WITH_AGE_RESTRICTION = (
    discord.TextChannel,
    discord.VoiceChannel,
    discord.StageChannel,
    discord.ForumChannel,
    discord.CategoryChannel,
    discord.Thread,
)


def is_age_restricted(channel: object) -> bool:
    """Whether a channel is age-restricted; a thread is if its channel is."""
    return isinstance(channel, _WITH_AGE_RESTRICTION) and channel.is_nsfw()


class MemberChannels:
    """The channels of all servers with the rights that one person has in them.

    Args:
        client: The client.
        member: The person as a member of the server they are on; None in a direct message, where no channel of a
            server can be read.
    """

    def __init__(self, client: discord.Client, member: discord.Member | None) -> None:
        self._client = client
        self._member = member

    async def access(self, channel_id: int) -> ChannelAccess:
        """Looks up what the person may do in a channel; NO_ACCESS where that cannot be found out."""
        channel = await find_channel(self._client, channel_id)
        if channel is None:
            return NO_ACCESS
        restricted = is_age_restricted(channel)
        if self._member is None or channel.guild.id != self._member.guild.id:
            return ChannelAccess(age_restricted=restricted)
        granted = rights_in(channel, self._member)
        read = granted.view_channel and granted.read_message_history and await _joined(channel, self._member, granted)
        return ChannelAccess(read=read, moderate=read and granted.manage_messages, age_restricted=restricted)

    async def has_message(self, channel_id: int, message_id: int) -> bool:
        """Whether a message is still there; raises DeliveryError where that cannot be found out."""
        channel = self._client.get_partial_messageable(channel_id)
        try:
            await with_retry(lambda: channel.fetch_message(message_id))
        except AnswerExpiredError:
            return False
        return True


async def find_channel(client: discord.Client, channel_id: int) -> Room | None:
    """Finds a channel or thread of a server, also an archived thread; None where the bot cannot see it."""
    channel = client.get_channel(channel_id)
    if channel is None:
        try:
            channel = await with_retry(lambda: client.fetch_channel(channel_id))
        except (DeliveryError, discord.InvalidData):
            return None
    return channel if isinstance(channel, Room) else None


def rights_in(channel: Room, member: discord.Member) -> discord.Permissions:
    """Returns a member's permissions in a channel, none in a thread whose channel is unknown."""
    try:
        return channel.permissions_for(member)
    except discord.ClientException:
        return discord.Permissions.none()


async def _joined(channel: Room, member: discord.Member, granted: discord.Permissions) -> bool:
    """Whether a member is in a private thread, or sees all of them; True for other channels."""
    if not isinstance(channel, discord.Thread) or not channel.is_private() or granted.manage_threads:
        return True
    try:
        await with_retry(lambda: channel.fetch_member(member.id))
    except DeliveryError:
        return False
    return True
