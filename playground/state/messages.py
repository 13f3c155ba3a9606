"""Channels, messages, files and reactions: what is in the playground."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord

from playground.state.people import Person

EPHEMERAL, LOADING, COMPONENTS_V2 = 64, 128, 1 << 15
SUPPRESS_EMBEDS, SILENT = 1 << 2, 1 << 12
HAS_THREAD = 1 << 5
SETTABLE = EPHEMERAL | COMPONENTS_V2 | SUPPRESS_EMBEDS | SILENT
PUBLIC_THREAD, PRIVATE_THREAD = 11, 12
PLAIN, REPLY, SLASH_ANSWER, MENU_ANSWER = 0, 19, 20, 23
KEPT_MESSAGES = 1000


@dataclass(eq=False)
class Channel:
    """A text channel of the server, a thread of one, or a direct message of the bot with a person.

    Attributes:
        readers: Ids of the roles that can read it, beside administrators; None for everybody. A thread that has readers
            is private, and they are people.
    """

    id: int
    name: str
    guild_id: int | None
    recipient: Person | None = None
    nsfw: bool = False
    topic: str | None = None
    position: int = 0
    parent: "Channel | None" = None
    opened: datetime | None = None
    opener: Person | None = None
    archived: bool = False
    readers: frozenset[int] | None = None
    messages: dict[int, "Message"] = field(default_factory=dict)

    @property
    def last_message_id(self) -> str | None:
        """The id of its newest message."""
        return str(next(reversed(self.messages))) if self.messages else None

    def add(self, message: "Message") -> None:
        """Keeps a message; the oldest one makes room."""
        self.messages[message.id] = message
        if len(self.messages) > KEPT_MESSAGES:
            del self.messages[next(iter(self.messages))]

    def seen_by(self, person: Person) -> bool:
        """Whether a person can read it."""
        if self.recipient is not None:
            return self.recipient is person
        if self.readers is None or person.permissions.administrator:
            return self.parent is None or self.parent.seen_by(person)
        return not self.readers.isdisjoint({person.id, person.role_id})

    def json(self) -> dict[str, Any]:
        """Returns the channel object."""
        if self.parent is not None:
            return self._thread_json(self.parent)
        if self.recipient is not None:
            return {
                "id": str(self.id), "type": 1, "flags": 0, "last_message_id": self.last_message_id,
                "recipients": [self.recipient.json()],
            }  # fmt: skip
        return {
            "id": str(self.id), "type": 0, "guild_id": str(self.guild_id), "name": self.name, "flags": 0,
            "position": self.position, "permission_overwrites": self._overwrites(), "nsfw": self.nsfw,
            "topic": self.topic, "last_message_id": self.last_message_id, "parent_id": None, "rate_limit_per_user": 0,
        }  # fmt: skip

    def _overwrites(self) -> list[dict[str, Any]]:
        """Returns the overwrites that leave reading to the readers, which are roles where it is no thread."""
        if self.readers is None:
            return []
        view = str(discord.Permissions(view_channel=True).value)
        hidden = {"id": str(self.guild_id), "type": 0, "allow": "0", "deny": view}
        return [hidden, *({"id": str(role), "type": 0, "allow": view, "deny": "0"} for role in sorted(self.readers))]

    def _thread_json(self, parent: "Channel") -> dict[str, Any]:
        since = self.opened and self.opened.isoformat()
        metadata = {
            "archived": self.archived, "locked": False, "auto_archive_duration": 4320, "archive_timestamp": since,
            "create_timestamp": since, **({} if self.readers is None else {"invitable": False}),
        }  # fmt: skip
        return {
            "id": str(self.id), "type": PUBLIC_THREAD if self.readers is None else PRIVATE_THREAD, "flags": 0,
            "guild_id": str(self.guild_id), "name": self.name,
            "parent_id": str(parent.id), "owner_id": str(self.opener and self.opener.id), "member_count": 1,
            "message_count": len(self.messages), "total_message_sent": len(self.messages), "rate_limit_per_user": 0,
            "last_message_id": self.last_message_id, "thread_metadata": metadata,
        }  # fmt: skip


@dataclass(eq=False)
class Attachment:
    """An uploaded file. Its data may be gone: the playground keeps the newest files only."""

    id: int
    channel_id: int
    filename: str
    data: bytes
    content_type: str
    size: int
    description: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Edit:
    """What a message looked like from a moment on (monotonic seconds)."""

    at: float
    content: str
    attachments: int


@dataclass(frozen=True)
class Cause:
    """What a person did that a message answers."""

    metadata: dict[str, Any]
    user: Person
    name: str | None


@dataclass(eq=False)
class Message:
    """A message with all its past.

    Attributes:
        only_for: The one person who sees it, if it is ephemeral.
        reactions: Who reacted with what, in the order of the first reaction.
    """

    id: int
    channel: Channel
    author: Person
    at: datetime
    kind: int = PLAIN
    flags: int = 0
    only_for: Person | None = None
    cause: Cause | None = None
    reply_to: int | None = None
    content: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    embeds: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, list[Person]] = field(default_factory=dict)
    nonce: str | int | None = None
    edited_at: datetime | None = None
    deleted: bool = False
    history: list[Edit] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return self.only_for is not None

    def remember(self) -> None:
        """Notes what it looks like now."""
        self.history.append(Edit(time.monotonic(), self.content, len(self.attachments)))
        del self.history[:-100]

    def seen_by(self, person: Person) -> bool:
        """Whether a person sees it."""
        if self.only_for is not None:
            return person is self.only_for
        return self.channel.recipient is None or person is self.channel.recipient or person.bot

    def buttons(self) -> list[dict[str, Any]]:
        """Lists its buttons, wherever they are."""
        return [item for item in walk(self.components) if item["type"] == 2]


def walk(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lists components and what is inside them, from the first to the last."""
    found: list[dict[str, Any]] = []
    for component in components:
        inside = [*component.get("components", [])]
        inside += [component[part] for part in ("component", "accessory") if isinstance(component.get(part), dict)]
        found += [component, *walk(inside)]
    return found
