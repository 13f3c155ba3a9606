"""The people of the playground and what each of them may do."""

from dataclasses import dataclass, field
from typing import Any

import discord

EVERYBODY = discord.Permissions(
    view_channel=True, send_messages=True, embed_links=True, attach_files=True, read_message_history=True,
    add_reactions=True, use_application_commands=True, send_messages_in_threads=True,
)  # fmt: skip
MODERATION = discord.Permissions(manage_messages=True, moderate_members=True)
BOT = EVERYBODY | discord.Permissions(create_public_threads=True)
JOINED = "2024-01-01T00:00:00+00:00"


@dataclass(eq=False)
class Person:
    """A user, human or bot, and their permissions in the one server."""

    id: int
    name: str
    permissions: discord.Permissions = field(default_factory=lambda: EVERYBODY)
    bot: bool = False
    takes_messages: bool = True
    role_id: int | None = None
    about: str = "may talk and use commands"

    def json(self) -> dict[str, Any]:
        """Returns the user object."""
        return {
            "id": str(self.id), "username": self.name, "global_name": None, "discriminator": "0", "avatar": None,
            "bot": self.bot, "public_flags": 0, "flags": 0, "primary_guild": None,
        }  # fmt: skip

    def member_json(self) -> dict[str, Any]:
        """Returns the member object without its user, as messages carry it."""
        return {
            "nick": None, "avatar": None, "banner": None, "deaf": False, "mute": False, "joined_at": JOINED,
            "roles": [] if self.role_id is None else [str(self.role_id)], "premium_since": None, "pending": False,
            "flags": 0, "communication_disabled_until": None,
        }  # fmt: skip

    def full_member_json(self) -> dict[str, Any]:
        """Returns the member object with its user, as the guild and reactions carry it."""
        return {**self.member_json(), "user": self.json()}

    def acting_member_json(self) -> dict[str, Any]:
        """Returns the member object as interactions carry it: user and permissions."""
        return {**self.full_member_json(), "permissions": str(self.permissions.value)}

    def page_json(self) -> dict[str, Any]:
        """Returns what the page shows of a person."""
        return {
            "key": self.name, "id": str(self.id), "username": self.name, "global_name": None, "about": self.about,
        }  # fmt: skip


@dataclass(frozen=True)
class Role:
    """A role of the server."""

    id: int
    name: str
    position: int
    permissions: discord.Permissions
    managed_by: int | None = None

    def json(self) -> dict[str, Any]:
        """Returns the role object."""
        colours = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
        data: dict[str, Any] = {
            "id": str(self.id), "name": self.name, "color": 0, "colors": colours, "hoist": False, "flags": 0,
            "position": self.position, "permissions": str(self.permissions.value), "mentionable": False, "icon": None,
            "managed": self.managed_by is not None, "unicode_emoji": None,
        }  # fmt: skip
        return data if self.managed_by is None else data | {"tags": {"bot_id": str(self.managed_by)}}
