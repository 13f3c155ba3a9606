"""The composition root: the one file that knows every part."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

import aiohttp
import discord

from bot.client import EaselClient
from bot.domain import Action, Owner
from bot.errors import SettingsError
from bot.logs import log_to_stderr
from bot.persistence.choices import SqlChoices, SqlPresets
from bot.persistence.database import Database
from bot.persistence.drafts import SqlDrafts
from bot.persistence.history import SqlHistory
from bot.persistence.inputs import SqlInputs
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.posts import SqlPosts, SqlStars
from bot.persistence.retention import SqlRetention
from bot.persistence.speeds import SqlSpeeds
from bot.persistence.upkeep import remove_copies, report, upgrade_safely
from bot.persistence.workers import SqlWorkers, this_process
from bot.services.actions.actions import PictureActions, Rules
from bot.services.actions.tools import Toolbox
from bot.services.images.fit_upload import Fitter
from bot.services.images.inputs import MIB, InputLimits, InputStore
from bot.services.images.regions import Segmenter
from bot.services.jobs.admission import Admission
from bot.services.jobs.costs import CostModel
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.explain import Explainer
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.forecast import Forecast
from bot.services.jobs.generation import GenerationService, HouseRules
from bot.services.jobs.limits import RequestLimits
from bot.services.jobs.price import PriceLimit
from bot.services.jobs.recovery import JobRecovery
from bot.services.jobs.status_board import EDIT_SECONDS, StatusBoard
from bot.services.models import ModelRegistry
from bot.services.people.choices import Choices
from bot.services.people.forget import Forgetting
from bot.services.people.history import History
from bot.services.people.overview import QueueOverview
from bot.services.people.presets import Presets
from bot.services.people.remembering import RememberedChoices, RememberedPresets
from bot.services.people.retention import GIB, Limits, Retention, Traces
from bot.services.ports import Ports
from bot.services.requests.preferences import PreferenceReader
from bot.services.requests.resolve import Defaults
from bot.services.services import Services
from bot.settings import DISCORD_API, Settings
from bot.ui.discord import escape
from bot.ui.jobs.messenger import DiscordMessenger
from generation import Catalog, Executor, ProcessExecutor
from generation.models.auxiliary import AuxiliaryFiles
from generation.prompt import parser
from generation.prompt.token_count import TokenCounter

log = logging.getLogger(__name__)

CLOSING_SECONDS = 10.0

HOW_TO_GET_ONE = (
    "For Discord, create an application at https://discord.com/developers/applications, copy its bot token, and put "
    "DISCORD_TOKEN=... into the file .env (docs/install.md shows every step)."
)
HALF_SET = (
    "DISCORD_API_URL is set but DISCORD_TOKEN is not. Set both to use that Discord, or neither to use the playground."
)


def run(settings: Settings) -> None:
    """Runs the bot until it is stopped: on Discord, or without a token on the playground.

    Raises:
        EaselError: A setting is wrong, or Discord or the database cannot be reached; the text says what to do.
    """
    log_to_stderr(settings.log_level)
    with suppress(asyncio.CancelledError):
        if settings.discord_token is not None:
            asyncio.run(serve(settings, settings.discord_token.get_secret_value()))
        elif settings.discord_api_url != DISCORD_API:
            raise SettingsError(HALF_SET)
        else:
            asyncio.run(play(settings))


async def play(settings: Settings) -> None:
    """Runs a Discord on loopback and the bot on it, in this event loop, until the task is cancelled.

    The page's address is printed, alone on its line, and the next one whenever that was used; another one is opened
    where there is a display.
    """
    from playground import Playground, open_page  # noqa: PLC0415 - a bot on Discord has no use for it

    stop = _Stop()
    stop.on_signals()
    async with AsyncExitStack() as stack:
        try:
            playground = await stack.enter_async_context(Playground(settings.playground_port))
        except OSError as error:
            raise SettingsError(f"The playground cannot listen at port {settings.playground_port}: {error}.") from error

        def print_address() -> None:
            sys.stdout.write(f"{playground.page_url}\n")
            sys.stdout.flush()

        playground.door.on_used = print_address
        print_address()
        threading.Thread(target=open_page, args=(playground.further_url(),), daemon=True).start()
        await serve(_at_play(settings, playground.api_url), playground.world.token, stop=stop)


def _at_play(settings: Settings, api_url: str) -> Settings:
    """Keeps what happens on the playground apart from the jobs and pictures of people on Discord."""
    apart = {"data_dir": settings.data_dir / "playground", "models_dir": settings.models_path, "database_url": None}
    return settings.model_copy(update={**apart, "discord_api_url": api_url})


async def serve(
    settings: Settings,
    token: str,
    executor: Executor | None = None,
    edit_seconds: float = EDIT_SECONDS,
    *,
    stop: "_Stop | None" = None,
) -> None:
    """Runs the bot in this event loop until the task is cancelled.

    Args:
        settings: Everything an operator can set.
        token: The bot's token.
        executor: What paints; the local device, in a process of its own, by default.
        edit_seconds: Seconds between two edits of a job's message.
        stop: What signals do, where they are handled already.
    """
    stop = stop or _Stop()
    stop.on_signals()
    await upgrade_safely(settings.database)
    client = build(settings, executor or ProcessExecutor(settings), edit_seconds)
    stop.hurry = client.services.dispatcher.hurry
    async with client, _beside(report(settings.database, FilePictureStore(settings.pictures_path))):
        try:
            await _stay_online(client, token)
        except discord.LoginFailure as error:
            raise SettingsError("DISCORD_TOKEN was refused by Discord: copy the bot's token anew.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SettingsError(f"Discord cannot be reached at {settings.discord_api_url}.") from error


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Does something meanwhile, which is cut short when the rest has ended."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _stay_online(client: EaselClient, token: str) -> None:
    """Runs the client as a task of its own: discord.py swallows a cancellation that meets it while it reconnects."""
    online = asyncio.create_task(client.start(token), name="discord")
    try:
        await asyncio.shield(online)
    finally:
        await _uninterrupted(client.close())
        online.cancel()
        await asyncio.wait([online], timeout=CLOSING_SECONDS)


async def _uninterrupted(work: Coroutine[Any, Any, None]) -> None:
    """Awaits work to its end, also if this task is cancelled meanwhile: a half closed bot keeps the process alive."""
    task = asyncio.create_task(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    task.result()


def build(settings: Settings, executor: Executor, edit_seconds: float = EDIT_SECONDS) -> EaselClient:
    """Fits all parts together; nothing is started."""
    point_at(settings.discord_api_url)
    client = EaselClient(settings)
    database = Database(settings.database)
    pictures = FilePictureStore(settings.pictures_path)
    worker = this_process()
    ledger = SqlJobs(database, worker.id)
    models = ModelRegistry(_catalog(settings), AuxiliaryFiles(settings.models_path, settings.vae))
    tools = Toolbox(models, settings.max_size, settings.max_upscaled)
    messenger = DiscordMessenger(client, tools, show_reroll=settings.show_reroll)
    ports = Ports(ledger, SqlSpeeds(database), pictures, messenger)
    costs = CostModel()
    queue = FairQueue(
        settings.max_waiting,
        costs.estimate,
        settings.max_running,
        settings.group_seconds,
        long=max(settings.slots - 1, 1),
    )
    forecast = Forecast(queue, costs, executor.sharing, settings.slots)
    fitter = Fitter()
    board = StatusBoard(queue, forecast, ports.messenger, edit_seconds=edit_seconds)
    rules = HouseRules(_defaults(settings), settings.role_weights)
    price = PriceLimit(costs, models, rules.defaults, settings.max_job_seconds)
    dispatcher = Dispatcher(queue, executor, ports, price, board, fitter)
    recovery = JobRecovery(SqlWorkers(database, worker), ledger, queue, dispatcher)
    choices, presets = RememberedChoices(SqlChoices(database)), RememberedPresets(SqlPresets(database))
    memories = (choices.drop, presets.drop, forget_texts)
    histories, posts = SqlHistory(database), SqlPosts(database)
    preferences = PreferenceReader(choices, presets)
    admission = Admission(RequestLimits(models, rules.defaults, price))
    generation = GenerationService(admission, queue, ports.ledger, dispatcher, preferences, rules)
    traces = Traces(partial(remove_copies, settings.database), database.forget_deleted, memories)
    actions = PictureActions(generation, ledger, posts, pictures, tools, _rules(settings))
    services = Services(
        actions=actions,
        choices=Choices(choices, preferences, generation),
        dispatcher=dispatcher,
        segmenter=Segmenter(pictures),
        drafts=SqlDrafts(database),
        explainer=Explainer(generation, queue, price, TokenCounter(AuxiliaryFiles(settings.models_path))),
        fitter=fitter,
        forgetting=Forgetting(histories, pictures, database.forget_deleted, memories),
        generation=generation,
        history=History(histories, ledger, posts, pictures),
        inputs=InputStore(pictures, SqlInputs(database), _input_limits(settings)),
        overview=QueueOverview(queue, board, ledger),
        presets=Presets(presets, choices, generation, settings.max_presets),
        recovery=recovery,
        retention=Retention(SqlRetention(database), pictures, _limits(settings), traces),
        stars=SqlStars(database),
        preferences=preferences,
    )
    client.attach(services, executor, database)
    return client


def forget_texts(_owner: Owner) -> None:
    """Drops what is remembered of typed texts: their parsed and their rendered form."""
    escape.forget()
    parser.forget()


def point_at(api_url: str) -> None:
    """Points discord.py at a REST address; it learns the gateway's address from there."""
    discord.http.Route.BASE = api_url.rstrip("/")


def _catalog(settings: Settings) -> Catalog:
    return Catalog(settings.models_path, settings.model)


def _defaults(settings: Settings) -> Defaults:
    return Defaults(
        steps=settings.default_steps,
        cfg=settings.default_cfg,
        sampler=settings.default_sampler,
        scheduler=settings.default_scheduler,
        negative=settings.default_negative,
        count=settings.default_count,
        vae=settings.vae_name,
        max_size=settings.max_size,
        max_upscaled=settings.max_upscaled,
    )


def _input_limits(settings: Settings) -> InputLimits:
    return InputLimits(settings.max_inputs, settings.max_input_mb * MIB)


def _limits(settings: Settings) -> Limits:
    return Limits(settings.keep_days, round(settings.max_disk * GIB), settings.keep_server_days)


def _rules(settings: Settings) -> Rules:
    return Rules(
        buttons_for_all=settings.buttons == "everyone",
        reactions_for_all=settings.reactions == "everyone",
        vary=Action(f"vary_{settings.vary}"),
        variations=settings.variations,
    )


class _Stop:
    """What signals do: the first one stops in good order, the second at once, a third ends the process.

    A second cancellation would interrupt closing, and what is half closed keeps the process alive.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._signals = 0
        self.hurry: Callable[[], None] | None = None

    def on_signals(self) -> None:
        """Handles SIGINT and SIGTERM from now on."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, ValueError):  # Windows has none, nor has a loop beside the main thread
                asyncio.get_running_loop().add_signal_handler(number, self._next)

    def _next(self) -> None:
        self._signals += 1
        if self._signals == 1 and self._task is not None:
            self._task.cancel()
        elif self._signals == 2:
            log.warning("stopping without waiting for running jobs; they go on after the next start")
            if self.hurry is not None:
                self.hurry()
        elif self._signals > 2:
            log.error("ended by a third signal before everything was closed; the database is as after a crash")
            os._exit(1)
