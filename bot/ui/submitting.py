"""From an accepted request to a job: the public answer begins, the job is kept."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

import discord

from bot.domain import Derivation, Origin, new_job_id, now
from bot.errors import AnswerExpiredError, DeliveryError, JobTakenError, StorageError
from bot.services.actions import Accepted
from bot.services.generation import GenerationService
from bot.ui import words
from bot.ui.buttons import cancel_view
from bot.ui.private import NO_MENTIONS, acknowledge
from bot.ui.requests import patiently
from generation import GenerationRequest

log = logging.getLogger(__name__)


async def submit(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    request: GenerationRequest,
    derived: Derivation | None = None,
    complete: Callable[[], Awaitable[GenerationRequest]] | None = None,
) -> None:
    """Answers a command, a press or a form with a message of its job, and keeps the job.

    Args:
        interaction: What is answered.
        service: Where the job goes.
        request: Accepted already.
        derived: What it was made of, where it was.
        complete: Makes the request of what takes longer than an answer may, such as fetching files.

    Raises:
        EaselError: It could not be completed; the command tree tells the person alone.
        GenerationError: Likewise.
    """
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, interaction.user.id)
        try:
            origin = await acknowledge(interaction)
        except AnswerExpiredError as error:
            log.warning("a command was lost: %s", error)
            return
        if complete is not None:
            request = await complete()
        undo.pop_all()
    try:
        await service.submit(request, origin, derived)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")


async def submit_for_reaction(
    event: discord.RawReactionActionEvent, client: discord.Client, service: GenerationService, accepted: Accepted
) -> None:
    """Posts a message for a job that a reaction asked for, and keeps the job.

    Raises:
        DeliveryError: The message cannot be posted there.
        StorageError: The job could not be kept.
    """
    channel = client.get_partial_messageable(event.channel_id, guild_id=event.guild_id)
    text, job_id = words.begun(accepted.request, event.user_id), new_job_id()
    source = discord.MessageReference(
        message_id=event.message_id, channel_id=event.channel_id, guild_id=event.guild_id, fail_if_not_exists=False
    )
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, event.user_id)
        message = await patiently(
            lambda: channel.send(
                text, view=cancel_view(job_id), nonce=job_id, reference=source, allowed_mentions=NO_MENTIONS
            )
        )
        undo.pop_all()
    origin = Origin(
        user_id=event.user_id,
        channel_id=event.channel_id,
        guild_id=event.guild_id,
        application_id=client.application_id or 0,
        token="",
        message_id=message.id,
        interaction_id=None,
        asked_at=now(),
        file_limit=_file_limit(client, event.guild_id),
        roles=() if event.member is None else tuple(role.id for role in event.member.roles),
    )
    try:
        await service.submit(accepted.request, origin, accepted.derived, shown=job_id)
    except StorageError:
        try:
            await patiently(message.delete)
        except DeliveryError as error:
            log.info("a message without a job stays: %s", error)
        raise


def _file_limit(client: discord.Client, guild_id: int | None) -> int:
    guild = None if guild_id is None else client.get_guild(guild_id)
    return discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES if guild is None else guild.filesize_limit
