"""From an accepted request to a job: the public answer begins, the job is kept."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import discord

from bot.domain import Derivation, Origin, Wishes, new_job_id, now
from bot.errors import AnswerExpiredError, DeliveryError, JobTakenError, StorageError
from bot.services.actions import Accepted
from bot.services.generation import GenerationService
from bot.ui import words
from bot.ui.buttons import cancel_view
from bot.ui.private import NO_MENTIONS, acknowledge, whisper
from bot.ui.requests import patiently
from generation import GenerationRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message of the bot's own goes, for whom with which roles, and which message it answers."""

    person: int
    channel_id: int
    guild_id: int | None
    source: discord.MessageReference | None = None
    roles: tuple[int, ...] = ()


async def submit(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    request: GenerationRequest,
    derived: Derivation | None = None,
    wishes: Wishes | None = None,
    complete: Callable[[], Awaitable[GenerationRequest]] | None = None,
) -> bool:
    """Answers a command, a press or a form with a message of its job, and keeps the job.

    Args:
        interaction: What is answered.
        service: Where the job is kept.
        request: What was accepted.
        derived: The earlier job it was made of.
        wishes: How the person wants to be served, where that was read already.
        complete: Makes the request of what takes longer than an answer may, such as fetching files.

    Returns:
        False where the command was lost, or another process of the bot has taken it.

    Raises:
        EaselError: It could not be completed; the command tree tells the person alone.
        GenerationError: Likewise.
    """
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, interaction.user.id)
        wishes = wishes or await service.wishes(interaction.user.id)
        try:
            origin = await acknowledge(interaction, private=wishes.direct and interaction.guild_id is not None)
        except AnswerExpiredError as error:
            log.warning("a command was lost: %s", error)
            return False
        if complete is not None:
            request = await complete()
        undo.pop_all()
    try:
        await service.submit(request, origin, derived, wishes=wishes)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")
        return False
    return True


async def submit_all(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    requests: Sequence[GenerationRequest],
    wishes: Wishes,
    complete: Callable[[], Awaitable[Sequence[GenerationRequest]]] | None = None,
    derived: Derivation | None = None,
) -> None:
    """Answers a command with its first job's message, and posts one for each further job.

    What cannot be posted or kept is told to the person alone; what was submitted before it goes on.
    """
    first, *others = requests
    waiting = deque(others)

    async def completed() -> GenerationRequest:
        if complete is None:
            return first
        head, *tail = await complete()
        waiting.clear()
        waiting.extend(tail)
        return head

    try:
        if await submit(interaction, service, first, derived, wishes, completed) and others:
            await _submit_others(interaction, service, waiting, wishes, derived)
    finally:
        service.withdraw_acceptance(interaction.user.id, len(waiting))


async def _submit_others(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    waiting: deque[GenerationRequest],
    wishes: Wishes,
    derived: Derivation | None,
) -> None:
    count, begun = len(waiting) + 1, 1
    try:
        spot = await _spot(interaction, wishes)
        while waiting:
            await submit_in_channel(spot, interaction.client, service, waiting.popleft(), derived)
            begun += 1
    except (DeliveryError, StorageError) as error:
        await whisper(interaction, f"Only {begun} of {count} jobs were begun: {error}")


async def _spot(interaction: discord.Interaction[Any], wishes: Wishes) -> Spot:
    """Says where further messages go: where the command was used, or to the person's direct messages."""
    person = interaction.user.id
    if interaction.guild_id is not None and wishes.direct:
        channel = await patiently(lambda: interaction.client.create_dm(discord.Object(person)))
        return Spot(person, channel.id, None, roles=_roles(interaction.user))
    return Spot(person, interaction.channel_id or 0, interaction.guild_id, roles=_roles(interaction.user))


async def submit_for_reaction(
    event: discord.RawReactionActionEvent, client: discord.Client, service: GenerationService, accepted: Accepted
) -> None:
    """Posts a message for a job that a reaction asked for, and keeps the job.

    Raises:
        DeliveryError: The message cannot be posted there.
        StorageError: The job could not be kept.
    """
    source = discord.MessageReference(
        message_id=event.message_id, channel_id=event.channel_id, guild_id=event.guild_id, fail_if_not_exists=False
    )
    roles = () if event.member is None else _roles(event.member)
    spot = Spot(event.user_id, event.channel_id, event.guild_id, source, roles)
    await submit_in_channel(spot, client, service, accepted.request, accepted.derived)


async def submit_in_channel(
    spot: Spot,
    client: discord.Client,
    service: GenerationService,
    request: GenerationRequest,
    derived: Derivation | None = None,
) -> None:
    """Posts a message of the bot's own for an accepted request, and keeps the job.

    Raises:
        DeliveryError: The message cannot be posted there.
        StorageError: The job could not be kept.
    """
    channel = client.get_partial_messageable(spot.channel_id, guild_id=spot.guild_id)
    text, job_id = words.begun(request, spot.person), new_job_id()
    answering: dict[str, Any] = {} if spot.source is None else {"reference": spot.source}
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, spot.person)
        message = await patiently(
            lambda: channel.send(
                text, view=cancel_view(job_id), nonce=job_id, allowed_mentions=NO_MENTIONS, **answering
            )
        )
        undo.pop_all()
    origin = Origin(
        user_id=spot.person,
        channel_id=spot.channel_id,
        guild_id=spot.guild_id,
        application_id=client.application_id or 0,
        token="",
        message_id=message.id,
        interaction_id=None,
        asked_at=now(),
        file_limit=_file_limit(client, spot.guild_id),
        roles=spot.roles,
    )
    try:
        await service.submit(request, origin, derived, shown=job_id)
    except StorageError:
        try:
            await patiently(message.delete)
        except DeliveryError as error:
            log.info("a message without a job stays: %s", error)
        raise


def _roles(person: discord.User | discord.Member) -> tuple[int, ...]:
    return tuple(role.id for role in person.roles) if isinstance(person, discord.Member) else ()


def _file_limit(client: discord.Client, guild_id: int | None) -> int:
    guild = None if guild_id is None else client.get_guild(guild_id)
    return discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES if guild is None else guild.filesize_limit
