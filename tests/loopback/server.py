"""A small, honest Discord on 127.0.0.1 that the unmodified discord.py logs in to."""

import asyncio
from collections.abc import Callable
from typing import Any, Self

import discord
from aiohttp import web

from tests.loopback.faults import Faults
from tests.loopback.gateway import Gateway
from tests.loopback.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, Interaction, typed_options
from tests.loopback.rest import API, Rest
from tests.loopback.schemas import Schemas
from tests.loopback.world import EVERYBODY, Channel, Clock, Message, Person, Snowflakes

UPLOAD_LIMIT = 10 * 2**20


class LoopbackDiscord:
    """One server with a few people, a channel and direct messages; one bot may log in.

    Attributes:
        errors: What the bot asked for that this Discord does not know.
        schemas: Checks of all traffic against Discord's own descriptions.
        faults: Troubles on demand.
    """

    def __init__(self) -> None:
        self.token = "loopback-token"
        self.clock = Clock()
        self.snowflake = Snowflakes(self.clock)
        self.schemas = Schemas()
        self.faults = Faults()
        self.errors: list[str] = []
        self.upload_limit = UPLOAD_LIMIT
        self.guild_id = self.snowflake()
        self.bot = Person(self.snowflake(), "Easel", bot=True)
        self.people = {name: Person(self.snowflake(), name) for name in ("owner", "moderator", "member", "stranger")}
        self.people["owner"].permissions = discord.Permissions.all()
        self.people["moderator"].permissions = EVERYBODY | discord.Permissions(manage_messages=True)
        self.general = Channel(self.snowflake(), "general", self.guild_id)
        self.channels = {self.general.id: self.general}
        self.commands: dict[str, dict[str, Any]] = {}
        self.interactions: dict[str, Interaction] = {}
        self.gateway = Gateway(self.token, self._greeting, self.schemas.check_event)
        self._condition = asyncio.Condition()
        self._port = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get("/gateway/", self.gateway.handle)
        app.router.add_get("/gateway", self.gateway.handle)
        Rest(self).install(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.gateway.close()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api_url(self) -> str:
        """What the bot's DISCORD_API_URL is set to."""
        return self.url + API

    @property
    def gateway_url(self) -> str:
        """What GET /gateway/bot answers."""
        return f"ws://127.0.0.1:{self._port}/gateway"

    def person(self, name: str) -> Person:
        """Returns a person of the server, a new one if need be."""
        if name not in self.people:
            self.people[name] = Person(self.snowflake(), name)
        return self.people[name]

    def direct_messages(self, person_id: int) -> Channel:
        """Returns the direct messages between the bot and a person."""
        person = next(each for each in self.people.values() if each.id == person_id)
        for channel in self.channels.values():
            if channel.recipient is person:
                return channel
        channel = Channel(self.snowflake(), person.name, None, recipient=person)
        self.channels[channel.id] = channel
        return channel

    async def changed(self) -> None:
        """Wakes everybody who waits for something to happen."""
        async with self._condition:
            self._condition.notify_all()

    async def wait_until(self, happened: Callable[[], bool], seconds: float = 20) -> None:
        """Waits until something has happened; TimeoutError if it does not."""
        async with asyncio.timeout(seconds), self._condition:
            await self._condition.wait_for(happened)

    async def register(self, commands: dict[str, dict[str, Any]]) -> None:
        """Keeps the bot's global commands."""
        self.commands = commands
        await self.changed()

    async def acknowledge(self, interaction: Interaction, kind: int) -> None:
        """Notes the first answer to an interaction."""
        interaction.acked = asyncio.get_running_loop().time()
        interaction.response_type = kind

    async def ready(self, *commands: str, seconds: float = 20) -> None:
        """Waits until the bot is online and has registered its commands."""
        await asyncio.wait_for(self.gateway.identified.wait(), seconds)
        await self.wait_until(lambda: set(commands) <= set(self.commands), seconds)

    async def slash(
        self, name: str, options: dict[str, Any], user: Person | None = None, channel: Channel | None = None
    ) -> Interaction:
        """Sends a command as a person would; the bot's answers come to lie in what is returned."""
        command = self.commands[name]
        data = {"id": command["id"], "name": name, "type": 1, "options": typed_options(command, options)}
        return await self._interact(COMMAND, data, user, channel)

    async def autocomplete(self, name: str, focused: str, typed: str, user: Person | None = None) -> list[str]:
        """Types into an option; returns the choices that are offered."""
        command = self.commands[name]
        options = typed_options(command, {focused: typed}, focused)
        data = {"id": command["id"], "name": name, "type": 1, "options": options}
        interaction = await self._interact(AUTOCOMPLETE, data, user, None)
        await self.wait_until(lambda: interaction.choices is not None, 5)
        return [choice["value"] for choice in interaction.choices or ()]

    async def press(self, message: Message, label: str, user: Person | None = None) -> Interaction:
        """Presses a message's button."""
        button = next(each for each in message.buttons() if each.get("label") == label)
        data = {"custom_id": button["custom_id"], "component_type": 2, "id": 2}
        return await self._interact(COMPONENT, data, user, message.channel, message)

    async def _interact(
        self,
        kind: int,
        data: dict[str, Any],
        user: Person | None,
        channel: Channel | None,
        source: Message | None = None,
    ) -> Interaction:
        user, channel = user or self.people["member"], channel or self.general
        number = self.snowflake()
        interaction = Interaction(number, f"token-{number}", kind, user, channel, data, self.clock.now(), source=source)
        interaction.sent = asyncio.get_running_loop().time()
        self.interactions[interaction.token] = interaction
        await self.gateway.send_event("INTERACTION_CREATE", self._interaction_json(interaction))
        return interaction

    def _interaction_json(self, interaction: Interaction) -> dict[str, Any]:
        in_guild = interaction.channel.guild_id is not None
        data: dict[str, Any] = {
            "id": str(interaction.id), "application_id": str(self.bot.id), "type": interaction.kind, "version": 1,
            "token": interaction.token, "data": interaction.data, "channel": interaction.channel.json(),
            "channel_id": str(interaction.channel.id),
            "locale": "en-GB", "entitlements": [], "context": int(not in_guild),
            "app_permissions": str(self.bot.permissions.value),
            "attachment_size_limit": UPLOAD_LIMIT,
            "authorizing_integration_owners": {"0": str(interaction.channel.guild_id or 0)},
        }  # fmt: skip
        if in_guild:
            data |= {
                "guild_id": str(self.guild_id), "member": interaction.user.member_json(), "guild_locale": "en-GB",
                "guild": {"id": str(self.guild_id), "locale": "en-GB", "features": []},
            }  # fmt: skip
        else:
            data["user"] = interaction.user.json()
        if interaction.source is not None:
            data["message"] = interaction.source.json(self.url)
        return data

    def _greeting(self, session: str) -> list[tuple[str, dict[str, Any]]]:
        guild = {"id": str(self.guild_id), "unavailable": True}
        ready = {
            "v": 10, "user": {**self.bot.json(), "mfa_enabled": False, "verified": True, "email": None},
            "guilds": [guild], "session_id": session, "resume_gateway_url": self.gateway_url, "shard": [0, 1],
            "application": {"id": str(self.bot.id), "flags": 0, "flags_new": "0"},
        }  # fmt: skip
        return [("READY", ready), ("GUILD_CREATE", self._guild_json())]

    def _guild_json(self) -> dict[str, Any]:
        return {
            "id": str(self.guild_id), "name": "Studio", "icon": None, "splash": None, "discovery_splash": None,
            "owner_id": str(self.people["owner"].id), "afk_channel_id": None, "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "roles": [self._everyone_json()],
            "emojis": [], "stickers": [], "features": [], "mfa_level": 0, "application_id": None, "region": "eu",
            "system_channel_id": None, "system_channel_flags": 0, "rules_channel_id": None, "vanity_url_code": None,
            "description": None, "banner": None, "premium_tier": 0, "preferred_locale": "en-GB", "hub_type": None,
            "public_updates_channel_id": None, "nsfw_level": 0, "premium_progress_bar_enabled": False,
            "safety_alerts_channel_id": None, "incidents_data": None, "joined_at": "2024-01-01T00:00:00+00:00",
            "large": False, "unavailable": False, "member_count": 5, "voice_states": [], "threads": [], "presences": [],
            "members": [self._bot_member_json()], "channels": [self.general.json()], "stage_instances": [],
            "guild_scheduled_events": [], "soundboard_sounds": [],
        }  # fmt: skip

    def _bot_member_json(self) -> dict[str, Any]:
        member = self.bot.member_json()
        del member["permissions"]
        return member

    def _everyone_json(self) -> dict[str, Any]:
        colours = {"primary_color": 0, "secondary_color": None, "tertiary_color": None}
        return {
            "id": str(self.guild_id), "name": "@everyone", "color": 0, "colors": colours, "hoist": False, "position": 0,
            "permissions": str(EVERYBODY.value), "managed": False, "mentionable": False, "flags": 0, "icon": None,
            "unicode_emoji": None,
        }  # fmt: skip
