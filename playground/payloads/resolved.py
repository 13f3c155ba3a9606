"""What ids in an interaction stand for: Discord sends users, channels, roles, messages and files along."""

from typing import Any

from playground.state.messages import Channel
from playground.state.wire import UploadedFile
from playground.state.world import World


class Impossible(Exception):  # noqa: N818 - what a person wanted, not a fault of ours
    """Something that Discord's own client would not let a person do.

    Args:
        text: A sentence for people.
        field: The option or component it is about.
    """

    def __init__(self, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.field = field


class Resolved:
    """Collects the objects behind the ids of one interaction.

    Args:
        world: Where they are looked up.
        channel: Where it happens.
        files: What the person uploads with it; a value names one by its number.
    """

    def __init__(self, world: World, channel: Channel, files: list[UploadedFile]) -> None:
        self._world = world
        self._channel = channel
        self._files = files
        self.objects: dict[str, dict[str, Any]] = {}

    def user(self, value: Any) -> str:
        """Resolves a user; in the server the member too."""
        person = self._world.user(_id(value))
        if person is None:
            raise Impossible("There is no such person here.")
        self._put("users", person.id, person.json())
        if self._channel.guild_id is not None:
            self._put("members", person.id, _without(person.acting_member_json(), "user", "deaf", "mute"))
        return str(person.id)

    def channel(self, value: Any) -> str:
        """Resolves a channel of the server."""
        channel = self._world.channels.get(_id(value))
        if channel is None or channel.guild_id is None:
            raise Impossible("There is no such channel here.")
        self._put("channels", channel.id, {**channel.json(), "permissions": str(self._world.bot.permissions.value)})
        return str(channel.id)

    def role(self, value: Any) -> str:
        """Resolves a role of the server."""
        role = next((each for each in self._world.roles() if each.id == _id(value)), None)
        if role is None:
            raise Impossible("There is no such role here.")
        self._put("roles", role.id, role.json())
        return str(role.id)

    def mentionable(self, value: Any) -> str:
        """Resolves a user or a role."""
        return self.user(value) if self._world.user(_id(value)) is not None else self.role(value)

    def file(self, value: Any) -> str:
        """Keeps an uploaded file and resolves it."""
        if not isinstance(value, int) or not 0 <= value < len(self._files):
            raise Impossible("A file is missing.")
        uploaded = self._files[value]
        if len(uploaded.data) > self._world.upload_limit:
            raise Impossible(f"{uploaded.filename} is too large: {self._world.upload_limit // 2**20} MB may be sent.")
        kept = self._world.cdn.keep(self._channel.id, uploaded)
        self._put("attachments", kept.id, {**self._world.file_json(kept), "ephemeral": True})
        return str(kept.id)

    def message(self, value: Any, json: dict[str, Any]) -> str:
        """Takes a message along."""
        self._put("messages", _id(value), json)
        return str(value)

    def added_to(self, data: dict[str, Any]) -> dict[str, Any]:
        """Returns an interaction's data with what was collected."""
        return {**data, "resolved": self.objects} if self.objects else data

    def _put(self, kind: str, number: int, json: dict[str, Any]) -> None:
        self.objects.setdefault(kind, {})[str(number)] = json


def _id(value: Any) -> int:
    text = str(value)
    if not text.isdecimal():
        raise Impossible(f"{text[:50]!r} is not an id")
    return int(text)


def _without(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in names}
