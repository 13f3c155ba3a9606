"""Interactions: what people did, and how the bot answered each of them."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from playground.state.commands import SUBCOMMAND, SUBCOMMAND_GROUP
from playground.state.limits import UPLOAD_LIMIT
from playground.state.messages import Cause, Channel, Message
from playground.state.people import Person

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = 2, 3, 4, 5
MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
_LOCALE = "en-GB"
_NEW_MESSAGES = {MESSAGE, DEFERRED_MESSAGE}
ANSWERS = {
    COMMAND: _NEW_MESSAGES | {MODAL},
    COMPONENT: _NEW_MESSAGES | {DEFERRED_UPDATE, UPDATE, MODAL},
    AUTOCOMPLETE: {CHOICES},
    MODAL_SUBMIT: _NEW_MESSAGES | {DEFERRED_UPDATE, UPDATE},
}


@dataclass(eq=False)
class Interaction:
    """One thing a person did, with everything the bot answered.

    Attributes:
        data: What the event tells of it: the command and its options, the component and its values.
        source: The message whose component was used.
        opener: The interaction that a modal answered, if this one sends that modal in.
        sent: When the bot was told, and `acked`: when it first answered; monotonic seconds.
        deferred: Whether the answer is still a promise.
    """

    id: int
    token: str
    kind: int
    user: Person
    channel: Channel
    data: dict[str, Any]
    at: datetime
    sent: float
    source: Message | None = None
    opener: "Interaction | None" = None
    acked: float | None = None
    response_type: int | None = None
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    deferred: bool = False
    choices: list[dict[str, Any]] | None = None
    modal: dict[str, Any] | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)

    @property
    def ack_seconds(self) -> float:
        """How long the first answer took."""
        if self.acked is None:
            raise LookupError("not acknowledged")
        return self.acked - self.sent

    @property
    def private_texts(self) -> list[str]:
        """What the person alone was told, and still sees."""
        answers = [self.original, *self.followups]
        return [each.content for each in answers if each is not None and each.ephemeral and not each.deleted]

    @property
    def pictures(self) -> list[bytes]:
        """The files that the answer shows."""
        return [file.data for file in self.original.attachments] if self.original is not None else []

    def owners(self) -> dict[str, str]:
        """Says by whose leave the command is there: the server's, or in a direct message nobody's."""
        return {"0": str(self.channel.guild_id or 0)}

    def metadata(self) -> dict[str, Any]:
        """Returns what a message tells of the interaction it answers."""
        data: dict[str, Any] = {
            "id": str(self.id), "type": self.kind, "user": self.user.json(),
            "authorizing_integration_owners": self.owners(),
        }  # fmt: skip
        if self.kind == COMPONENT and self.source is not None:
            data["interacted_message_id"] = str(self.source.id)
        if self.opener is not None:
            data["triggering_interaction_metadata"] = self.opener.metadata()
        return data

    def cause(self) -> Cause:
        """Returns what a message remembers of the interaction it answers."""
        name = " ".join(_path(self.data)) if self.kind == COMMAND else None
        return Cause(self.metadata(), self.user, name)

    def event(self, permissions: int, application_id: int, message: dict[str, Any] | None) -> dict[str, Any]:
        """Returns INTERACTION_CREATE's data.

        Args:
            permissions: What the bot may do in the channel.
            application_id: The bot's application.
            message: The source message's object.
        """
        data: dict[str, Any] = {
            "id": str(self.id), "application_id": str(application_id), "type": self.kind, "version": 1,
            "token": self.token, "data": self.data, "channel": self.channel.json(), "locale": _LOCALE,
            "channel_id": str(self.channel.id), "entitlements": [], "context": int(self.channel.guild_id is None),
            "app_permissions": str(permissions), "attachment_size_limit": UPLOAD_LIMIT,
            "authorizing_integration_owners": self.owners(),
        }  # fmt: skip
        if self.channel.guild_id is not None:
            guild = str(self.channel.guild_id)
            data |= {
                "guild_id": guild, "member": self.user.acting_member_json(), "guild_locale": _LOCALE,
                "guild": {"id": guild, "locale": _LOCALE, "features": []},
            }  # fmt: skip
        else:
            data["user"] = self.user.json()
        return data if message is None else data | {"message": message}


def _path(command: dict[str, Any]) -> list[str]:
    """Lists the names of a command and of its subcommands."""
    inside = [option for option in command.get("options") or [] if option["type"] in {SUBCOMMAND, SUBCOMMAND_GROUP}]
    return [command["name"], *(name for option in inside for name in _path(option))]
