"""Everything there is in the playground: one server, its people and channels, the bot, and what they made."""

import secrets
from collections.abc import Callable
from typing import Any

import discord

from playground.state.cdn import Cdn
from playground.state.clock import Clock, Snowflakes, founding_id
from playground.state.commands import CommandBook
from playground.state.interactions import Interaction
from playground.state.limits import TOKEN_SECONDS, UPLOAD_LIMIT
from playground.state.messages import EPHEMERAL, HAS_THREAD, Attachment, Channel, Message
from playground.state.people import BOT, EVERYBODY, JOINED, MODERATION, Person, Role
from playground.state.wire import Refusal

GUILD, BOT_USER, BOT_ROLE, MODERATORS = 1, 2, 3, 4
GENERAL, NSFW, GALLERY, FIRST_PERSON, FIRST_PRIVATE = 10, 11, 12, 20, 30


class World:
    """The state; it sends nothing.

    Attributes:
        token: What the bot logs in with.
        url: Where the server listens; it is known once it does.
        on_change: Called after every change.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token or f"playground-{secrets.token_urlsafe(24)}"
        self.clock = Clock()
        self.snowflake = Snowflakes(self.clock)
        self.cdn = Cdn(self.clock, self.snowflake)
        self.url = ""
        self.upload_limit = UPLOAD_LIMIT
        self.guild_id = founding_id(GUILD)
        self.bot = Person(founding_id(BOT_USER), "Easel", BOT, bot=True, role_id=founding_id(BOT_ROLE))
        self._moderators = Role(founding_id(MODERATORS), "Moderators", 1, EVERYBODY | MODERATION)
        self.people: dict[str, Person] = {}
        self.channels: dict[int, Channel] = {}
        self._settle()
        general = "Try the bot here: type / to see its commands."
        self.general = self._add_channel(GENERAL, "general", topic=general)
        self.nsfw = self._add_channel(NSFW, "after-dark", topic="What the bot does where age matters.", nsfw=True)
        self.gallery = self._add_channel(GALLERY, "gallery", topic="Where a bot may show what people liked.")
        self.commands = CommandBook(self.snowflake, self.bot.id, self.guild_id)
        self.interactions: dict[str, Interaction] = {}
        self.on_change: Callable[[], None] = lambda: None

    @property
    def gateway_url(self) -> str:
        """Where the gateway is."""
        return f"{self.url.replace('http', 'ws', 1)}/gateway"

    def person(self, name: str) -> Person:
        """Returns a person of the server, a new one if need be."""
        if name not in self.people:
            self.people[name] = Person(self.snowflake(), name)
        return self.people[name]

    def user(self, user_id: int) -> Person | None:
        """Returns a person or the bot by id."""
        return next((each for each in (self.bot, *self.people.values()) if each.id == user_id), None)

    def direct_messages(self, person_id: int) -> Channel:
        """Returns the direct messages between the bot and a person.

        Raises:
            Refusal: There is no such person.
        """
        person = self.user(person_id)
        if person is None or person.bot:
            raise Refusal(400, 50033, "Invalid Recipient(s)")
        for channel in self.channels.values():
            if channel.recipient is person:
                return channel
        channel = Channel(self.snowflake(), person.name, None, recipient=person)
        self.channels[channel.id] = channel
        return channel

    def channels_of(self, person: Person) -> list[Channel]:
        """Lists the channels a person sees."""
        own = self.direct_messages(person.id)
        return [*(each for each in self.channels.values() if each.recipient is None and each.seen_by(person)), own]

    def open_channel(self, name: str, readers: frozenset[int] | None = None, *, nsfw: bool = False) -> Channel:
        """Opens a text channel, for everybody or for some roles; the bot is told when it connects."""
        return self._add_channel(len(self.channels) + 100, name, topic="", nsfw=nsfw, readers=readers)

    def open_private_thread(self, parent: Channel, name: str, members: frozenset[int]) -> Channel:
        """Opens a private thread for some people and the bot; the bot is told when it connects."""
        thread = Channel(
            self.snowflake(), name, parent.guild_id, parent=parent, opened=self.clock.now(), opener=self.bot,
            nsfw=parent.nsfw, readers=members,
        )  # fmt: skip
        self.channels[thread.id] = thread
        return thread

    def open_thread(self, message: Message, name: str) -> Channel:
        """Opens a thread of the bot's under a message; it has that message's id.

        Raises:
            Refusal: There is one already, or there can be none.
        """
        parent = message.channel
        if parent.guild_id is None or parent.parent is not None:
            raise Refusal(400, 50024, "Cannot execute action on this channel type")
        if message.id in self.channels:
            raise Refusal(400, 160004, "A thread has already been created for this message")
        thread = Channel(
            message.id, name, parent.guild_id, nsfw=parent.nsfw, parent=parent, opened=self.clock.now(),
            opener=self.bot,
        )  # fmt: skip
        self.channels[thread.id] = thread
        message.flags |= HAS_THREAD
        return thread

    def channel(self, channel_id: int) -> Channel:
        """Returns a channel.

        Raises:
            Refusal: There is none with this id.
        """
        if channel_id not in self.channels:
            raise Refusal(404, 10003, "Unknown Channel")
        return self.channels[channel_id]

    def message(self, channel: Channel, message_id: int) -> Message:
        """Returns a message of a channel.

        Raises:
            Refusal: It is not there (any more).
        """
        message = channel.messages.get(message_id)
        if message is None or message.deleted:
            raise Refusal(404, 10008, "Unknown Message")
        return message

    def interaction(self, token: str) -> Interaction:
        """Returns an interaction whose token is still good.

        Raises:
            Refusal: The token is unknown or too old.
        """
        interaction = self.interactions.get(token)
        if interaction is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        if self.clock.age(interaction.at) > TOKEN_SECONDS:
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return interaction

    def remember(self, interaction: Interaction) -> None:
        """Keeps an interaction; those whose tokens died long ago are forgotten."""
        self.interactions[interaction.token] = interaction
        while len(self.interactions) > 10_000:
            del self.interactions[next(iter(self.interactions))]

    def new_message(self, channel: Channel, author: Person, only_for: Person | None = None) -> Message:
        """Begins a message; it is not in its channel yet."""
        flags = 0 if only_for is None else EPHEMERAL
        return Message(self.snowflake(), channel, author, self.clock.now(), flags=flags, only_for=only_for)

    def roles(self) -> list[Role]:
        """Lists the server's roles."""
        return [
            Role(self.guild_id, "@everyone", 0, EVERYBODY),
            self._moderators,
            Role(self.bot.role_id or 0, self.bot.name, 2, self.bot.permissions, managed_by=self.bot.id),
        ]

    def file_json(self, file: Attachment) -> dict[str, Any]:
        """Returns the attachment object of a file, as the bot gets it."""
        return self.cdn.json(file, self.url)

    def guild_json(self) -> dict[str, Any]:
        """Returns GUILD_CREATE's data."""
        members = [self.bot, *self.people.values()]
        public = [channel for channel in self.channels.values() if channel.recipient is None]
        text_channels = [channel for channel in public if channel.parent is None]
        threads = [channel for channel in public if channel.parent is not None and not channel.archived]
        return {
            "id": str(self.guild_id), "name": "Studio", "icon": None, "splash": None, "discovery_splash": None,
            "owner_id": str(self.people["owner"].id), "afk_channel_id": None, "afk_timeout": 300,
            "verification_level": 0, "default_message_notifications": 0, "explicit_content_filter": 0,
            "roles": [role.json() for role in self.roles()], "emojis": [], "stickers": [], "features": [],
            "mfa_level": 0, "application_id": None, "region": "eu", "system_channel_id": None,
            "system_channel_flags": 0, "rules_channel_id": None, "vanity_url_code": None, "description": None,
            "banner": None, "premium_tier": 0, "preferred_locale": "en-GB", "hub_type": None,
            "public_updates_channel_id": None, "nsfw_level": 0, "premium_progress_bar_enabled": False,
            "safety_alerts_channel_id": None, "incidents_data": None, "joined_at": JOINED, "large": False,
            "unavailable": False, "member_count": len(members), "voice_states": [], "presences": [],
            "members": [self.bot.full_member_json()], "channels": [each.json() for each in text_channels],
            "threads": [each.json() for each in threads],
            "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
        }  # fmt: skip

    def _settle(self) -> None:
        """Lets the built-in people move in."""
        for number, (name, permissions, about) in enumerate(
            (
                ("owner", discord.Permissions.all(), "owns the server and may do everything"),
                ("moderator", self._moderators.permissions, "may delete messages and cancel other people's jobs"),
                ("member", EVERYBODY, "talks and uses commands"),
                ("stranger", EVERYBODY, "is a member too, but has nothing to do with what the others made"),
            )
        ):
            person = Person(founding_id(FIRST_PERSON + number), name, permissions, about=about)
            self.people[name] = person
            private = Channel(founding_id(FIRST_PRIVATE + number), name, None, recipient=person)
            self.channels[private.id] = private
        self.people["moderator"].role_id = self._moderators.id

    def _add_channel(
        self, number: int, name: str, *, topic: str, nsfw: bool = False, readers: frozenset[int] | None = None
    ) -> Channel:
        channel = Channel(
            founding_id(number), name, self.guild_id, nsfw=nsfw, topic=topic, position=number, readers=readers
        )
        self.channels[channel.id] = channel
        return channel
