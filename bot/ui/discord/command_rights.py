"""Who may use a command on a server, as its admins have it under Server Settings > Integrations.

Discord applies that to the command itself. Everything else that generates (buttons, forms, reactions and menus) asks
here.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import discord
from cachetools import TTLCache

from bot.ui.discord.channels import Room
from bot.ui.discord.retry import with_retry

MAX_SERVERS = 10_000
FRESH_SECONDS = 600.0  # Discord tells of changes while the bot is online; this is for those it missed


class Target(IntEnum):
    """What an entry is about."""

    ROLE = 1
    USER = 2
    CHANNEL = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list: a role, person or channel, and whether they may."""

    id: int
    target: Target
    allowed: bool


Entries = Sequence[Entry]


class CommandRights:
    """Reads servers' settings for one command, and remembers them for some minutes.

    Args:
        client: The client.
        command: The command's name.
        clock: Seconds that only go up.
    """

    def __init__(self, client: discord.Client, command: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._command = command
        self._command_id: int | None = None
        self._known: TTLCache[int, Mapping[int, Entries]] = TTLCache(MAX_SERVERS, FRESH_SECONDS, timer=clock)

    def registered(self, commands: Sequence[discord.app_commands.AppCommand]) -> None:
        """Takes in the ids that Discord gave the bot's commands."""
        slash = discord.AppCommandType.chat_input
        self._command_id = next(
            (each.id for each in commands if each.type is slash and each.name == self._command), None
        )

    def forget(self, guild_id: int) -> None:
        """Forgets what was read of a server, since it has changed."""
        self._known.pop(guild_id, None)

    async def allow(self, member: discord.Member, channel: Room | None) -> bool:
        """Whether a member may use the command in a channel.

        Raises:
            DeliveryError: Discord does not tell.
        """
        if member.guild_permissions.administrator:
            return True
        by_target = await self._of(member.guild.id)
        entries = by_target.get(await self._id()) or by_target.get(self._client.application_id or 0) or ()
        place = channel.parent_id if isinstance(channel, discord.Thread) else channel and channel.id
        return allows(entries, member, place or 0)

    async def _id(self) -> int:
        """Returns the command's id; before this process has registered its commands, that of an earlier one's."""
        if self._command_id is None:
            application = self._client.application_id or 0
            commands: Any = await with_retry(lambda: self._client.http.get_global_commands(application))
            found = (int(each["id"]) for each in commands if each["type"] == 1 and each["name"] == self._command)
            self._command_id = next(found, 0)
        return self._command_id

    async def _of(self, guild_id: int) -> Mapping[int, Entries]:
        known = self._known.get(guild_id)
        if known is None:
            application = self._client.application_id or 0
            http = self._client.http
            lists: Any = await with_retry(lambda: http.get_guild_application_command_permissions(application, guild_id))
            known = {int(each["id"]): [_entry(entry) for entry in each["permissions"]] for each in lists}
            self._known[guild_id] = known
        return known


def allows(entries: Entries, member: discord.Member, channel_id: int) -> bool:
    """Whether a list lets a member use a command in a channel, by Discord's rules.

    The channel must be allowed: by its own entry, else by that for all channels. Then the member's own entry decides,
    else one of their roles that is allowed, else one that is not, else the entry for everybody.
    """
    guild_id = member.guild.id
    listed = {(entry.target, entry.id): entry.allowed for entry in entries}
    everywhere = listed.get((Target.CHANNEL, guild_id - 1), True)
    if not listed.get((Target.CHANNEL, channel_id), everywhere):
        return False
    if (own := listed.get((Target.USER, member.id))) is not None:
        return own
    special = {role.id for role in member.roles} - {guild_id}
    decided = [listed[Target.ROLE, role] for role in special if (Target.ROLE, role) in listed]
    return any(decided) if decided else listed.get((Target.ROLE, guild_id), True)


def _entry(data: Mapping[str, Any]) -> Entry:
    return Entry(int(data["id"]), Target(data["type"]), bool(data["permission"]))
