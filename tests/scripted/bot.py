"""The scripted bot: it notes events and answers commands with one of everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket

from bot.bootstrap import point_at
from tests.scripted.commands import add_commands

INTENTS = discord.Intents(
    guilds=True, guild_messages=True, dm_messages=True, guild_reactions=True, dm_reactions=True, message_content=True
)


class ScriptedBot(discord.AutoShardedClient):
    """Writes down what it hears.

    Attributes:
        heard: Names and data of events, in order.
        online: Set once it is logged in and its commands are registered.
    """

    def __init__(self, guild_id: int | None = None, intents: discord.Intents = INTENTS) -> None:
        super().__init__(intents=intents, max_messages=None, allowed_mentions=discord.AllowedMentions.none())
        self.tree = app_commands.CommandTree[Any](self)
        self.heard: list[tuple[str, Any]] = []
        self.online = asyncio.Event()
        self._guild_id = guild_id

    async def setup_hook(self) -> None:
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        add_commands(self.tree)
        guild = None if self._guild_id is None else discord.Object(self._guild_id)
        if guild is not None:
            self.tree.copy_global_to(guild=guild)
        await self.tree.sync(guild=guild)

    def texts(self, event: str) -> list[Any]:
        """Lists what was heard of one kind of event."""
        return [data for name, data in self.heard if name == event]

    async def on_connect(self) -> None:
        self.online.set()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.append(("message", message.content))

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        self.heard.append(("edit", payload.message.content))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        self.heard.append(("delete", payload.message_id))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        place = "guild" if payload.guild_id is not None else "direct"
        who = payload.member.name if payload.member is not None else payload.user_id
        self.heard.append(("reaction", (place, str(payload.emoji), who)))

    async def on_raw_reaction_remove(self, payload: discord.RawReactionActionEvent) -> None:
        self.heard.append(("unreaction", (str(payload.emoji), payload.user_id)))

    async def on_raw_reaction_clear(self, payload: discord.RawReactionClearEvent) -> None:
        self.heard.append(("clear", payload.message_id))

    async def on_raw_reaction_clear_emoji(self, payload: discord.RawReactionClearEmojiEvent) -> None:
        self.heard.append(("clear emoji", str(payload.emoji)))

    async def on_resumed(self) -> None:
        self.heard.append(("resumed", None))

    async def on_shard_ready(self, shard_id: int) -> None:
        self.heard.append(("ready", shard_id))


@asynccontextmanager
async def running(bot: ScriptedBot, api_url: str, token: str) -> AsyncIterator[ScriptedBot]:
    """Runs the bot until the block ends."""
    point_at(api_url)
    async with bot:
        task = asyncio.create_task(bot.start(token))
        online = asyncio.create_task(bot.online.wait())
        try:
            await asyncio.wait([task, online], return_when=asyncio.FIRST_COMPLETED, timeout=20)
            if task.done():
                task.result()
            yield bot
        finally:
            online.cancel()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
