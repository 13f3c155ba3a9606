"""The discord.py client: adds the cogs, starts the dispatcher, closes everything in order."""

import asyncio
import logging
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import discord
import yarl
from discord.ext import commands
from discord.gateway import DiscordWebSocket

from bot.cogs.deletions import DeletionsCog
from bot.cogs.forms import FormsCog
from bot.cogs.history import HistoryCog
from bot.cogs.imagine import ImagineCog
from bot.cogs.jobs import JobsCog
from bot.cogs.menus import MenusCog
from bot.cogs.presets import PresetsCog
from bot.cogs.reactions import Desk, ReactionsCog
from bot.cogs.settings import FieldSelect, PanelButton, SettingsCog, ValueSelect
from bot.cogs.tool_forms import ToolFormsCog
from bot.errors import StorageError
from bot.persistence.database import Database
from bot.services.actions.actions import PictureActions
from bot.services.books import DraftBook
from bot.services.images.inputs import InputShelf
from bot.services.images.regions import Divider
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.explain import Explainer
from bot.services.jobs.generation import GenerationService
from bot.services.jobs.recovery import Takeover
from bot.services.people.choices import Choices
from bot.services.people.forget import Forgetting
from bot.services.people.overview import QueueOverview
from bot.services.people.presets import Presets
from bot.services.people.retention import Retention
from bot.services.ports import Stars
from bot.services.requests.preferences import Tastes
from bot.settings import Settings
from bot.ui.discord.command_rights import CommandRights
from bot.ui.discord.direct_messages import Letters
from bot.ui.discord.permissions import invite_link
from bot.ui.discord.persistent import LastingItem
from bot.ui.discord.responses import confess
from bot.ui.discord.retry import PASSING
from bot.ui.discord.tree import EaselTree
from bot.ui.history.presses import ForgetButton, ShownButton, ShowSelect, TurnButton
from bot.ui.history.showing import Bench
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


@dataclass(frozen=True, slots=True)
class Shelf:
    """What people keep with the bot: settings, presets, their history."""

    tastes: Tastes
    explainer: Explainer
    choices: Choices
    presets: Presets
    bench: Bench
    drafts: DraftBook
    forgetting: Forgetting


@dataclass(frozen=True, slots=True)
class Parts:
    """What the client keeps running, and closes in the end."""

    generation: GenerationService
    shelf: Shelf
    actions: PictureActions
    stars: Stars
    dispatcher: Dispatcher
    takeover: Takeover
    overview: QueueOverview
    executor: Executor
    database: Database
    inputs: InputShelf
    divider: Divider
    retention: Retention


class EaselClient(commands.AutoShardedBot):
    """The bot on Discord. Bootstrap fits its parts before it is started."""

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

    def fit(self, parts: Parts) -> None:
        """Takes in what the client works with."""
        self._parts = parts
        self.generation = parts.generation
        self.tastes = parts.shelf.tastes
        self.choices = parts.shelf.choices
        self.bench = parts.shelf.bench
        self.drafts = parts.shelf.drafts
        self.forgetting = parts.shelf.forgetting
        self.actions = parts.actions
        self.divider = parts.divider
        self.panels = Panels()
        self.command_name = self._settings.command
        self.command_rights = CommandRights(self, self._settings.command)
        self.fitter = parts.shelf.bench.fitter
        self._letters = Letters(self, self.fitter)
        self._gallery = Gallery(self, parts.stars, self.fitter, self._settings.gallery, self._settings.gallery_stars)
        self.remover = Remover(self, parts.actions, self._gallery)

    async def setup_hook(self) -> None:
        """Runs once after the login: nothing here waits for the model's weights or for the commands' registration."""
        await self._find_gateway()
        await self._add_commands()
        await self.generation.models.refresh()
        await self._parts.dispatcher.prepare()
        resumed = await self._parts.takeover.begin()
        if resumed:
            log.info("%d jobs go on from before the restart", resumed)
        self._run("takeover", self._parts.takeover.keep())
        self._run("retention", self._parts.retention.keep())
        self._run("models", self.generation.models.keep_fresh())
        self._run("dispatcher", self._parts.dispatcher.run(self._settings.slots))
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
            await self._parts.retention.left(guild.id, [channel.id for channel in guild.channels])
        except StorageError as error:
            log.warning("that a server was left is noted at the next start: %s", error)

    async def on_message(self, message: discord.Message, /) -> None:
        """Ignores what people write: there are no commands in messages."""

    async def on_raw_app_command_permissions_update(self, event: discord.RawAppCommandPermissionsUpdateEvent) -> None:
        """Reads a server's settings for commands again once they change."""
        self.command_rights.forget(event.guild.id)

    async def on_press(self, interaction: discord.Interaction[Any], item: LastingItem[Any]) -> None:
        """Lets a component act that was used."""
        await item.act(interaction)

    async def on_error(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Tells a person alone what went wrong with their press, form or reaction; discord.py calls this from all."""
        cause, about = sys.exception(), args[0] if args else None
        if cause is not None and isinstance(about, discord.Interaction):
            await confess(about, cause)
        elif cause is not None and isinstance(about, discord.RawReactionActionEvent):
            await self._letters.confess(about.user_id, cause)
        else:
            await super().on_error(event, *args, **kwargs)

    async def close(self) -> None:
        """Refuses new orders, gives running jobs their grace, parks the rest, then closes everything in order."""
        if self._closing:
            return
        self._closing = True
        self.generation.close()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._parts.dispatcher.finish(self._settings.grace_seconds)
        await self._parts.executor.close()
        await self._parts.dispatcher.close()
        await self._parts.takeover.end()
        await self._parts.database.close()
        await super().close()

    async def _add_commands(self) -> None:
        shelf = self._parts.shelf
        history = shelf.bench.history
        await self.add_cog(
            ImagineCog(self.generation, shelf.tastes, shelf.explainer, self._parts.inputs, self._settings.command)
        )
        await self.add_cog(JobsCog(self.actions, self._parts.overview))
        await self.add_cog(SettingsCog(shelf.choices))
        await self.add_cog(PresetsCog(shelf.presets, history, shelf.tastes))
        await self.add_cog(HistoryCog(shelf.bench, shelf.drafts, self.generation.models))
        menus = MenusCog(shelf.bench, self.actions, shelf.drafts)
        await self.add_cog(menus)
        for entry in menus.menus():
            self.tree.add_command(entry)
        await self.add_cog(FormsCog(self.actions, shelf.tastes, self._parts.inputs, shelf.drafts))
        await self.add_cog(ToolFormsCog(self.actions, self.divider, self._parts.inputs))
        await self.add_cog(ReactionsCog(self._desk()))
        await self.add_cog(DeletionsCog(self.remover))
        self.add_dynamic_items(CancelButton, PictureButton, FieldSelect, ValueSelect, PanelButton)
        self.add_dynamic_items(ShowSelect, TurnButton, ShownButton, ForgetButton, ChoicesButton)
        self.add_dynamic_items(PartSelect, PartsButton)

    def _desk(self) -> Desk:
        return Desk(self, self.actions, self.remover, self._gallery, self._letters, self.command_name)

    async def _note_servers(self) -> None:
        if self._closing:
            return
        try:
            await self._parts.retention.joined([guild.id for guild in self.guilds])
        except StorageError as error:
            log.warning("which servers the bot is on could not be noted: %s", error)

    async def _find_gateway(self) -> None:
        """Lets reconnections go to the gateway of the API in use; discord.py only asks for it the first time."""
        _, url, _ = await self.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)

    async def _register_commands(self) -> None:
        """Registers the commands with Discord, for every server and for direct messages."""
        for pause in (*SYNC_PAUSES, None):
            try:
                registered = await self.tree.sync()
            except (discord.HTTPException, *PASSING) as error:
                if pause is None:
                    raise
                log.warning("the commands could not be registered (%s); trying again in %.0f s", error, pause)
                await asyncio.sleep(pause)
            else:
                self.command_rights.registered(registered)
                log.info("registered %s", ", ".join(f"/{command.name}" for command in registered))
                return

    async def _warm_up(self) -> None:
        """Lets the engine get ready once the bot is online: importing torch would hold that up for seconds."""
        await self.wait_until_ready()
        await self._parts.executor.start()

    def _run(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._background.append(task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("%s stopped working", task.get_name(), exc_info=task.exception())
