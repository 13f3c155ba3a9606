"""From accepted requests to jobs: the jobs are kept, then their messages begin. Many of them get a thread."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import discord

from bot.domain import DeliveryPreferences, Derivation, Job, Origin, now
from bot.errors import AnswerExpiredError, DeliveryError, EaselError, JobTakenError
from bot.services.actions.actions import Accepted
from bot.services.jobs.admission import AdmittedRequest
from bot.services.jobs.generation import GenerationService
from bot.ui.discord.context import Interaction
from bot.ui.discord.responses import acknowledge, send_ephemeral
from bot.ui.discord.retry import with_retry
from bot.ui.jobs.threads import head
from generation.typed_text import TypedText

log = logging.getLogger(__name__)

Completed = Callable[[], Awaitable[Sequence[AdmittedRequest]]]


@dataclass(frozen=True, slots=True)
class _Acknowledged:
    """Accepted requests whose person has an answer: where the first job's message goes, and where further ones do."""

    wishes: DeliveryPreferences
    origin: Origin
    beside: Origin
    requests: Sequence[AdmittedRequest]


async def submit(
    interaction: Interaction,
    service: GenerationService,
    request: AdmittedRequest,
    derived: Derivation | None = None,
    wishes: DeliveryPreferences | None = None,
    complete: Callable[[], Awaitable[AdmittedRequest]] | None = None,
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

    async def completed() -> list[AdmittedRequest]:
        return [request if complete is None else await complete()]

    await submit_all(interaction, service, [request], wishes, completed, derived)


async def submit_all(
    interaction: Interaction,
    service: GenerationService,
    requests: Sequence[AdmittedRequest],
    wishes: DeliveryPreferences | None = None,
    complete: Completed | None = None,
    derived: Derivation | None = None,
) -> None:
    """Answers a command with its first job's message, and posts one for each further job; otherwise as `submit`.

    All are kept before any further message is posted, so a restart in between loses none. What cannot be posted is
    told to the person alone; what was begun before it goes on.
    """
    accepted = await _accepted(interaction, service, requests, wishes, complete)
    if accepted is None:
        return
    origins = [accepted.origin, *[accepted.beside] * (len(accepted.requests) - 1)]
    try:
        first, *others = await service.keep(accepted.requests, origins, derived, accepted.wishes)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")
        return
    service.begin(first)
    await _announce(interaction, service, others)


async def submit_many(
    interaction: Interaction,
    service: GenerationService,
    requests: Sequence[AdmittedRequest],
    wishes: DeliveryPreferences,
    prompt: TypedText | str,
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
    accepted = await _accepted(interaction, service, requests, wishes, None, thread=True)
    if accepted is None:
        return
    first = replace(accepted.beside, interaction_id=accepted.origin.interaction_id)  # a job is made of it once
    origins = [first, *[accepted.beside] * (len(accepted.requests) - 1)]
    try:
        jobs = await service.keep(accepted.requests, origins, None, accepted.wishes)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")
        return
    try:
        thread = await head(interaction, accepted.origin, prompt, jobs)
        if thread is not None:
            jobs = await service.move(jobs, thread)
    except (EaselError, discord.DiscordException, ValueError) as error:  # the jobs are kept: they must have their turn
        log.warning("many jobs follow one by one: %s", error)
    await _announce(interaction, service, jobs)


async def submit_for_reaction(
    event: discord.RawReactionActionEvent, client: discord.Client, service: GenerationService, accepted: Accepted
) -> None:
    """Keeps a job that a reaction asked for, and posts its message: where it was made, or by direct message.

    Raises:
        DeliveryError: The message cannot be posted there.
        StorageError: The job could not be kept.
    """
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, event.user_id)
        wishes, origin = await service.wishes(event.user_id), _origin_of(event, client)
        if wishes.direct:
            origin = await to_direct_messages(client, origin)
        undo.pop_all()
    await service.announce(await service.keep([accepted.request], [origin], accepted.derived, wishes))


def _origin_of(event: discord.RawReactionActionEvent, client: discord.Client) -> Origin:
    return Origin(
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


async def _accepted(
    interaction: Interaction,
    service: GenerationService,
    requests: Sequence[AdmittedRequest],
    wishes: DeliveryPreferences | None,
    complete: Completed | None,
    *,
    thread: bool = False,
) -> _Acknowledged | None:
    """Answers in time, then completes the requests; None where Discord took no answer any more.

    With `thread` all jobs have messages of their own, otherwise all but the first.
    """
    person = interaction.user.id
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, person, len(requests))
        wishes = wishes or await service.wishes(person)
        try:
            origin = await acknowledge(interaction, private=wishes.direct and interaction.guild_id is not None)
        except AnswerExpiredError as error:
            log.warning("a command was lost: %s", error)
            return None
        if complete is not None:
            requests = await complete()
        beside = replace(origin, token="", message_id=0, interaction_id=None)
        if wishes.direct and (thread or len(requests) > 1):
            beside = await to_direct_messages(interaction.client, beside)
        undo.pop_all()
    return _Acknowledged(wishes, origin, beside, requests)


async def to_direct_messages(client: discord.Client, origin: Origin) -> Origin:
    """Moves the message of a job to its author's direct messages, so that nothing of it is public."""
    if origin.guild_id is None:
        return origin
    channel = await with_retry(lambda: client.create_dm(discord.Object(origin.user_id)))
    limit = discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
    return replace(origin, channel_id=channel.id, guild_id=None, file_limit=limit)


async def _announce(interaction: Interaction, service: GenerationService, jobs: Sequence[Job]) -> None:
    try:
        await service.announce(jobs)
    except DeliveryError as error:
        await send_ephemeral(interaction, str(error))


def _file_limit(client: discord.Client, guild_id: int | None) -> int:
    guild = None if guild_id is None else client.get_guild(guild_id)
    return discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES if guild is None else guild.filesize_limit
