"""The people, channels and messages of the loopback Discord, and their JSON."""

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import discord

EPOCH_MS = 1420070400000
EVERYBODY = discord.Permissions(
    view_channel=True, send_messages=True, embed_links=True, attach_files=True, read_message_history=True,
    add_reactions=True, use_application_commands=True,
)  # fmt: skip


class Clock:
    """The server's time; tests may move it on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Returns the server's time."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the server's time on."""
        self._ahead += timedelta(seconds=seconds)


class Snowflakes:
    """Ids as Discord makes them: a time and a counter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)

    def __call__(self) -> int:
        milliseconds = int(self._clock.now().timestamp() * 1000) - EPOCH_MS
        return (milliseconds << 22) | (next(self._numbers) & 0x3FFFFF)


@dataclass(eq=False)
class Person:
    """A user, human or bot, and their permissions in the one server."""

    id: int
    name: str
    permissions: discord.Permissions = field(default_factory=lambda: EVERYBODY)
    bot: bool = False
    takes_messages: bool = True

    def json(self) -> dict[str, Any]:
        """Returns the user object."""
        return {
            "id": str(self.id), "username": self.name, "global_name": None, "discriminator": "0", "avatar": None,
            "bot": self.bot, "public_flags": 0, "flags": 0, "primary_guild": None,
        }  # fmt: skip

    def member_json(self) -> dict[str, Any]:
        """Returns the member object as interactions carry it."""
        return {
            "user": self.json(), "nick": None, "avatar": None, "banner": None, "roles": [], "deaf": False,
            "mute": False,
            "joined_at": "2024-01-01T00:00:00+00:00", "premium_since": None, "pending": False, "flags": 0,
            "communication_disabled_until": None, "permissions": str(self.permissions.value),
        }  # fmt: skip


@dataclass(eq=False)
class Channel:
    """A text channel of the server, or a direct message with a person."""

    id: int
    name: str
    guild_id: int | None
    recipient: Person | None = None
    messages: dict[int, "Message"] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """Returns the channel object."""
        if self.recipient is not None:
            return {
                "id": str(self.id), "type": 1, "flags": 0, "last_message_id": None,
                "recipients": [self.recipient.json()],
            }  # fmt: skip
        return {
            "id": str(self.id), "type": 0, "guild_id": str(self.guild_id), "name": self.name, "position": 0, "flags": 0,
            "permission_overwrites": [], "nsfw": False, "topic": None, "last_message_id": None, "parent_id": None,
            "rate_limit_per_user": 0,
        }  # fmt: skip


@dataclass(frozen=True)
class Attachment:
    """An uploaded file."""

    id: int
    filename: str
    data: bytes
    content_type: str


@dataclass(frozen=True)
class Edit:
    """What a message looked like from a moment on (monotonic seconds)."""

    at: float
    content: str
    attachments: int


@dataclass(eq=False)
class Message:
    """A message with all its past."""

    id: int
    channel: Channel
    author: Person
    at: datetime
    content: str = ""
    flags: int = 0
    attachments: list[Attachment] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    embeds: list[dict[str, Any]] = field(default_factory=list)
    nonce: str | int | None = None
    edited_at: datetime | None = None
    deleted: bool = False
    history: list[Edit] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.flags & 64)

    def remember(self) -> None:
        """Notes what it looks like now."""
        self.history.append(Edit(time.monotonic(), self.content, len(self.attachments)))

    def buttons(self) -> list[dict[str, Any]]:
        """Lists its buttons, whatever rows they are in."""
        return [item for row in self.components for item in row.get("components", []) if item["type"] == 2]

    def json(self, base_url: str) -> dict[str, Any]:
        """Returns the message object; files are served under the base URL."""
        data: dict[str, Any] = {
            "id": str(self.id), "channel_id": str(self.channel.id), "type": 0, "content": self.content,
            "author": self.author.json(), "timestamp": self.at.isoformat(),
            "edited_timestamp": self.edited_at and self.edited_at.isoformat(), "flags": self.flags, "tts": False,
            "mention_everyone": False, "mentions": [], "mention_roles": [], "pinned": False, "embeds": self.embeds,
            "components": [_numbered(row) for row in self.components],
            "attachments": [self._attachment_json(file, base_url) for file in self.attachments],
        }  # fmt: skip
        return data | ({"nonce": self.nonce} if self.nonce is not None else {})

    def _attachment_json(self, file: Attachment, base_url: str) -> dict[str, Any]:
        url = f"{base_url}/attachments/{self.channel.id}/{file.id}/{file.filename}"
        return {
            "id": str(file.id), "filename": file.filename, "size": len(file.data), "url": url, "proxy_url": url,
            "content_type": file.content_type,
        }  # fmt: skip


def _numbered(component: dict[str, Any], number: int = 1) -> dict[str, Any]:
    inside = component.get("components")
    if inside is None:
        return {"id": number, **component}
    return {"id": number, **component, "components": [_numbered(item, number + i + 1) for i, item in enumerate(inside)]}
