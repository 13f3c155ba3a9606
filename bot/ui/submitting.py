"""From accepted requests to jobs: the jobs are kept, then their messages begin. Many of them get a thread."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import discord

from bot.domain import Derivation, Job, Origin, Wishes, now
from bot.errors import AnswerExpiredError, DeliveryError, JobTakenError
from bot.services.actions import Accepted
from bot.services.generation import GenerationService
from bot.ui.private import acknowledge, whisper
from bot.ui.requests import patiently
from bot.ui.threads import head
from generation import GenerationRequest

log = logging.getLogger(__name__)

Completed = Callable[[], Awaitable[Sequence[GenerationRequest]]]


async def submit(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    request: GenerationRequest,
    derived: Derivation | None = None,
    wishes: Wishes | None = None,
    complete: Callable[[], Awaitable[GenerationRequest]] | None = None,
) -> None:
    """Answers a command, a press or a form with a message of its job, and keeps the job.

    Args:
        interaction: What is answered.
        service: Where the job is kept.
        request: What was accepted.
        derived: The earlier job it was made of.
        wishes: How the person wants to be served, where that was read already.
        complete: Makes the request of what takes longer than an answer may, such as fetching files.

    Raises:
        EaselError: It could not be completed or kept; the command tree tells the person alone.
        GenerationError: Likewise.
    """

    async def completed() -> list[GenerationRequest]:
        return [request if complete is None else await complete()]

    await submit_all(interaction, service, [request], wishes, completed, derived)


async def submit_all(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    requests: Sequence[GenerationRequest],
    wishes: Wishes | None = None,
    complete: Completed | None = None,
    derived: Derivation | None = None,
) -> None:
    """Answers a command with its first job's message, and posts one for each further job; otherwise as `submit`.

    All are kept before any further message is posted, so a restart in between loses none. What cannot be posted is
    told to the person alone; what was begun before it goes on.
    """
    wishes, origin, requests = await _accepted(interaction, service, requests, wishes, complete)
    if origin is None:
        return
    beside = [await _beside(interaction, origin, wishes)] * (len(requests) - 1)
    try:
        first, *others = await service.keep(requests, [origin, *beside], derived, wishes)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")
        return
    service.begin(first)
    await _announce(interaction, service, others)


async def submit_many(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    requests: Sequence[GenerationRequest],
    wishes: Wishes,
    prompt: str,
) -> None:
    """Answers with one message for all jobs of a prompt and posts their own ones in a thread under it.

    Where there can be no thread the message says so, and they follow it. Otherwise as `submit_all`.

    Args:
        interaction: What is answered.
        service: Where the jobs are kept.
        requests: What was accepted.
        wishes: How the person wants to be served.
        prompt: With its choices.
    """
    wishes, origin, requests = await _accepted(interaction, service, requests, wishes, None)
    if origin is None:
        return
    beside = await _beside(interaction, origin, wishes)
    first = replace(beside, interaction_id=origin.interaction_id)  # a job is made of it once
    try:
        jobs = await service.keep(requests, [first, *[beside] * (len(requests) - 1)], None, wishes)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")
        return
    thread = await head(interaction, origin, prompt, jobs)
    if thread is not None:
        jobs = await service.move(jobs, thread)
    await _announce(interaction, service, jobs)


async def submit_for_reaction(
    event: discord.RawReactionActionEvent, client: discord.Client, service: GenerationService, accepted: Accepted
) -> None:
    """Keeps a job that a reaction asked for, and posts its message.

    Raises:
        DeliveryError: The message cannot be posted there.
        StorageError: The job could not be kept.
    """
    origin = Origin(
        user_id=event.user_id,
        channel_id=event.channel_id,
        guild_id=event.guild_id,
        application_id=client.application_id or 0,
        token="",
        message_id=0,
        interaction_id=None,
        asked_at=now(),
        file_limit=_file_limit(client, event.guild_id),
        roles=() if event.member is None else tuple(role.id for role in event.member.roles),
    )
    await service.announce(await service.keep([accepted.request], [origin], accepted.derived))


async def _accepted(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    requests: Sequence[GenerationRequest],
    wishes: Wishes | None,
    complete: Completed | None,
) -> tuple[Wishes, Origin | None, Sequence[GenerationRequest]]:
    """Answers in time, then completes the requests; without an origin where Discord took no answer any more."""
    person = interaction.user.id
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, person, len(requests))
        wishes = wishes or await service.wishes(person)
        try:
            origin = await acknowledge(interaction, private=wishes.direct and interaction.guild_id is not None)
        except AnswerExpiredError as error:
            log.warning("a command was lost: %s", error)
            return wishes, None, requests
        if complete is not None:
            requests = await complete()
        undo.pop_all()
    return wishes, origin, requests


async def _beside(interaction: discord.Interaction[Any], origin: Origin, wishes: Wishes) -> Origin:
    """Says where further messages go: where the command was used, or to the person's direct messages."""
    beside = replace(origin, token="", message_id=0, interaction_id=None)
    if origin.guild_id is None or not wishes.direct:
        return beside
    channel = await patiently(lambda: interaction.client.create_dm(discord.Object(origin.user_id)))
    limit = discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
    return replace(beside, channel_id=channel.id, guild_id=None, file_limit=limit)


async def _announce(interaction: discord.Interaction[Any], service: GenerationService, jobs: Sequence[Job]) -> None:
    try:
        await service.announce(jobs)
    except DeliveryError as error:
        await whisper(interaction, str(error))


def _file_limit(client: discord.Client, guild_id: int | None) -> int:
    guild = None if guild_id is None else client.get_guild(guild_id)
    return discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES if guild is None else guild.filesize_limit
