"""The discord.py client: adds the cogs, starts the dispatcher, closes everything in order."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from typing import Any

import discord
import yarl
from discord import app_commands
from discord.ext import commands
from discord.gateway import DiscordWebSocket

from bot.cogs.deletions import DeletionsCog
from bot.cogs.forms import FormsCog
from bot.cogs.history import HistoryCog
from bot.cogs.imagine import ImagineCog
from bot.cogs.jobs import JobsCog
from bot.cogs.menus import MenusCog
from bot.cogs.presets import PresetsCog
from bot.cogs.reactions import ReactionsCog
from bot.cogs.settings import FieldSelect, PanelButton, SettingsCog, ValueSelect
from bot.cogs.tool_forms import ToolFormsCog
from bot.errors import StorageError
from bot.persistence.database import Database
from bot.services.retry import retry
from bot.services.services import Services
from bot.settings import Settings
from bot.ui.discord.command_rights import CommandRights
from bot.ui.discord.context import Interaction
from bot.ui.discord.direct_messages import DirectMessages
from bot.ui.discord.permissions import invite_link
from bot.ui.discord.persistent import PersistentItem
from bot.ui.discord.responses import report_error
from bot.ui.discord.retry import PASSING
from bot.ui.history.presses import ForgetButton, ShownButton, ShowSelect, TurnButton
from bot.ui.jobs.buttons import CancelButton
from bot.ui.jobs.ordering import ChoicesButton
from bot.ui.regions.presses import Panels, PartsButton, PartSelect
from bot.ui.results.gallery import Gallery
from bot.ui.results.pressing import PictureButton
from bot.ui.results.removing import Remover
from generation import Executor

log = logging.getLogger(__name__)

SYNC_PAUSES = (1.0, 5.0, 15.0, 60.0)
# None of them is privileged; messages are wanted for news of deleted ones alone.
INTENTS = discord.Intents(guilds=True, guild_messages=True, guild_reactions=True, dm_reactions=True)


class EaselTree(app_commands.CommandTree["EaselClient"]):
    """The command tree with our words for its errors."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Answers privately."""
        await report_error(interaction, error.__cause__ or error)


class EaselClient(commands.AutoShardedBot):
    """The bot on Discord. Bootstrap attaches its services before it is started."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=INTENTS,
            tree_cls=EaselTree,
            allowed_mentions=discord.AllowedMentions.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
        )
        self._settings = settings
        self._background: list[asyncio.Task[None]] = []
        self._closing = False

    def attach(self, services: Services, executor: Executor, database: Database) -> None:
        """Takes what the client works with, and closes executor and database in the end."""
        self.services = services
        self._executor, self._database = executor, database
        self.panels = Panels()
        self.command_name = self._settings.command
        self.command_rights = CommandRights(self, self._settings.command)
        self.direct_messages = DirectMessages(self, services.fitter)
        self.gallery = Gallery(
            self, services.stars, services.fitter, self._settings.gallery, self._settings.gallery_stars
        )
        self.remover = Remover(self, services.actions, self.gallery)

    async def setup_hook(self) -> None:
        """Runs once after the login: nothing here waits for the model's weights or for the commands' registration."""
        await self._find_gateway()
        await self._add_commands()
        await self.services.generation.models.refresh()
        await self.services.dispatcher.prepare()
        resumed = await self.services.recovery.begin()
        if resumed:
            log.info("%d jobs go on from before the restart", resumed)
        self._run("recovery", self.services.recovery.keep())
        self._run("retention", self.services.retention.keep())
        self._run("models", self.services.generation.models.keep_fresh())
        self._run("dispatcher", self.services.dispatcher.run(self._settings.slots))
        self._run("commands", self._register_commands())
        self._run("warm-up", self._warm_up())

    async def on_ready(self) -> None:
        """Says in the log that it is online, and how to invite it."""
        log.info("online as %s in %d servers", self.user, len(self.guilds))
        if self.application_id is not None:
            log.info("invite: %s", invite_link(self.application_id))
        await self._note_servers()

    async def on_guild_join(self, _guild: discord.Guild) -> None:
        """Keeps the data of a server that the bot has come back to."""
        await self._note_servers()

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Notes that the bot was removed from a server: its data is erased after a while."""
        try:
            await self.services.retention.left(guild.id, [channel.id for channel in guild.channels])
        except StorageError as error:
            log.warning("that a server was left is noted at the next start: %s", error)

    async def on_message(self, message: discord.Message, /) -> None:
        """Ignores what people write: there are no commands in messages."""

    async def on_raw_app_command_permissions_update(self, event: discord.RawAppCommandPermissionsUpdateEvent) -> None:
        """Reads a server's settings for commands again once they change."""
        self.command_rights.forget(event.guild.id)

    async def on_component(self, interaction: Interaction, item: PersistentItem[Any]) -> None:
        """Lets a component act that was used."""
        await item.act(interaction)

    async def on_error(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Tells a person alone what went wrong with their press, form or reaction; discord.py calls this from all."""
        cause, about = sys.exception(), args[0] if args else None
        if cause is not None and isinstance(about, discord.Interaction):
            await report_error(about, cause)
        elif cause is not None and isinstance(about, discord.RawReactionActionEvent):
            await self.direct_messages.report_error(about.user_id, cause)
        else:
            await super().on_error(event, *args, **kwargs)

    async def close(self) -> None:
        """Refuses new orders, gives running jobs their grace, parks the rest, then closes everything in order."""
        if self._closing:
            return
        self._closing = True
        self.services.generation.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.services.dispatcher.finish(self._settings.grace_seconds)
        await self._executor.close()
        await self.services.dispatcher.close()
        await self.services.recovery.end()
        await self._database.close()
        await super().close()

    async def _add_commands(self) -> None:
        services = self.services
        models = services.generation.models
        await self.add_cog(
            ImagineCog(
                services.generation, services.preferences, services.explainer, services.inputs, self._settings.command
            )
        )
        await self.add_cog(JobsCog(services.actions, services.overview))
        await self.add_cog(SettingsCog(services.choices))
        await self.add_cog(PresetsCog(services.presets, services.history, services.preferences))
        await self.add_cog(HistoryCog(services.history, services.drafts, models))
        menus = MenusCog(services.actions, services.drafts)
        await self.add_cog(menus)
        for entry in menus.menus():
            self.tree.add_command(entry)
        await self.add_cog(FormsCog(services.actions, services.preferences, services.inputs, services.drafts))
        await self.add_cog(ToolFormsCog(services.actions, services.segmenter, services.inputs))
        await self.add_cog(ReactionsCog(self))
        await self.add_cog(DeletionsCog(self.remover))
        self.add_dynamic_items(CancelButton, PictureButton, FieldSelect, ValueSelect, PanelButton)
        self.add_dynamic_items(ShowSelect, TurnButton, ShownButton, ForgetButton, ChoicesButton)
        self.add_dynamic_items(PartSelect, PartsButton)

    async def _note_servers(self) -> None:
        if self._closing:
            return
        try:
            await self.services.retention.joined([guild.id for guild in self.guilds])
        except StorageError as error:
            log.warning("which servers the bot is on could not be noted: %s", error)

    async def _find_gateway(self) -> None:
        """Lets reconnections go to the gateway of the API in use; discord.py only asks for it the first time."""
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)

    async def _register_commands(self) -> None:
        """Registers the commands with Discord, for every server and for direct messages."""
        what = "the commands could not be registered"
        passing = (discord.HTTPException, *PASSING)
        registered = await retry(self.tree.sync, SYNC_PAUSES, passing, what, level=logging.WARNING)
        self.command_rights.registered(registered)
        log.info("registered %s", ", ".join(f"/{command.name}" for command in registered))

    async def _warm_up(self) -> None:
        """Lets the engine get ready once the bot is online: importing torch would hold that up for seconds."""
        await self.wait_until_ready()
        await self._executor.start()

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._background.append(task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("%s stopped working", task.get_name(), exc_info=task.exception())
