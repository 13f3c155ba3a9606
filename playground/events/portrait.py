"""Messages as JSON, for the bot and for the page."""

from typing import Any

from playground.payloads.components import completed
from playground.state.messages import Attachment, Message
from playground.state.people import Person
from playground.state.world import World

ATTACHMENT_SCHEME = "attachment://"


class Portrait:
    """Draws messages up.

    Args:
        world: Knows where the files are.
        absolute: Whether files have whole addresses, as the bot needs them, or paths, as the page does.
    """

    def __init__(self, world: World, *, absolute: bool) -> None:
        self._world = world
        self._absolute = absolute
        self._application_id = str(world.bot.id)

    def message(self, message: Message, viewer: Person) -> dict[str, Any]:
        """Returns the message object as a person (or the bot) gets it."""
        data: dict[str, Any] = {
            "id": str(message.id), "channel_id": str(message.channel.id), "type": message.kind,
            "content": message.content, "author": message.author.json(), "timestamp": message.at.isoformat(),
            "edited_timestamp": message.edited_at and message.edited_at.isoformat(), "flags": message.flags,
            "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [], "pinned": False,
            "embeds": [self._embed(message, embed) for embed in message.embeds],
            "components": [
                completed(each, lambda media: self._media(message, media)) for each in message.components
            ],
            "attachments": [self._world.cdn.json(file, self._base_url) for file in _listed(message)],
        }  # fmt: skip
        if message.nonce is not None:
            data["nonce"] = message.nonce
        if message.reactions:
            data["reactions"] = [_reaction(emoji, who, viewer) for emoji, who in message.reactions.items()]
        if message.cause is not None:
            data |= {
                "interaction_metadata": message.cause.metadata, "application_id": self._application_id,
                "webhook_id": self._application_id,
            }  # fmt: skip
        if message.reply_to is not None:
            data["message_reference"] = {
                "type": 0, "channel_id": str(message.channel.id), "message_id": str(message.reply_to),
            }  # fmt: skip
        return data

    def page_message(self, message: Message, viewer: Person) -> dict[str, Any]:
        """Returns the message object with what the page wants to know besides."""
        cause = message.cause
        return {
            **self.message(message, viewer),
            "reactions": reactions(message, viewer),
            "interaction_user": cause and cause.user.json(),
            "interaction_name": cause and cause.name,
            "deletable": message.ephemeral or may_delete(message, viewer),
        }

    @property
    def _base_url(self) -> str:
        return self._world.url if self._absolute else ""

    def _embed(self, message: Message, embed: dict[str, Any]) -> dict[str, Any]:
        made = {"type": "rich", **embed}
        for part in ("image", "thumbnail"):
            if isinstance(made.get(part), dict):
                made[part] = {key: value for key, value in self._media(message, made[part]).items() if key != "id"}
        for part in ("footer", "author"):
            icon = (made.get(part) or {}).get("icon_url", "")
            if icon.startswith(ATTACHMENT_SCHEME):
                made[part] = {**made[part], "icon_url": self._media(message, {"url": icon})["url"]}
        return made

    def _media(self, message: Message, media: dict[str, Any]) -> dict[str, Any]:
        url = media["url"]
        found = {"id": "0", "url": url, "proxy_url": url, "width": 0, "height": 0}
        if not url.startswith(ATTACHMENT_SCHEME):
            return found
        name = url.removeprefix(ATTACHMENT_SCHEME)
        for file in message.attachments:
            if file.filename == name:
                address = self._base_url + self._world.cdn.path(file)
                return {
                    "id": str(file.id), "url": address, "proxy_url": address, "width": file.width or 0,
                    "height": file.height or 0, "content_type": file.content_type,
                }  # fmt: skip
        return found


def _listed(message: Message) -> list[Attachment]:
    """Leaves out the files that an embed shows; Discord lists them nowhere else."""
    pictures = [embed.get(part) or {} for embed in message.embeds for part in ("image", "thumbnail")]
    shown = {picture.get("url") for picture in pictures}
    return [file for file in message.attachments if ATTACHMENT_SCHEME + file.filename not in shown]


def may_delete(message: Message, person: Person) -> bool:
    """Whether a person may delete a message for everybody."""
    in_server = message.channel.recipient is None
    return message.author is person or (in_server and person.permissions.manage_messages)


def reactions(message: Message, viewer: Person) -> list[dict[str, Any]]:
    """Lists a message's reactions in the page's short form."""
    return [
        {"emoji": emoji, "count": len(people), "me": viewer in people} for emoji, people in message.reactions.items()
    ]


def emoji_json(emoji: str) -> dict[str, Any]:
    """Returns the emoji object of a reaction."""
    return {"id": None, "name": emoji}


def _reaction(emoji: str, people: list[Person], viewer: Person) -> dict[str, Any]:
    details = {"burst": 0, "normal": len(people)}
    return {
        "emoji": emoji_json(emoji), "count": len(people), "count_details": details, "burst_colors": [],
        "me_burst": False, "me": viewer in people, "burst_me": False, "burst_count": 0,
    }  # fmt: skip
