"""Answers that only one person sees, and the first answer to a command or a press."""

import logging

import discord

from bot.domain import Origin, now
from bot.errors import AnswerExpiredError, EaselError
from bot.services.retry import retry
from bot.ui.discord.context import Interaction
from bot.ui.discord.retry import PASSING
from generation import GenerationError

log = logging.getLogger(__name__)

NO_MENTIONS = discord.AllowedMentions.none()
_ALREADY_ACKNOWLEDGED, _UNKNOWN_INTERACTION = 40060, 10062
_PAUSES = (0.1, 0.2, 0.4)
_TOO_LATE = "Discord did not take the answer within its three seconds."
BROKEN = "Something went wrong on my side. It has been logged; please try again."


async def send_ephemeral(interaction: Interaction, text: str) -> None:
    """Tells a person something alone, whether or not the interaction was answered before."""
    text = text[:2000]
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=NO_MENTIONS)
    else:
        await interaction.response.send_message(text, ephemeral=True, allowed_mentions=NO_MENTIONS)


def in_words(cause: BaseException) -> str:
    """Returns what a person is told of a failure; one that nobody foresaw is logged and told without its innards."""
    if isinstance(cause, (EaselError, GenerationError)):
        return str(cause)
    log.error("something that a person did failed", exc_info=cause)
    return BROKEN


async def report_error(interaction: Interaction, cause: BaseException) -> None:
    """Tells a person alone what went wrong; a public answer that was begun is taken away first."""
    text = in_words(cause)
    try:
        if interaction.response.type is discord.InteractionResponseType.deferred_channel_message:
            await interaction.delete_original_response()
        await send_ephemeral(interaction, text)
    except (discord.HTTPException, *PASSING) as failure:
        log.warning("a person could not be told that something failed: %s", failure)


async def acknowledge(interaction: Interaction, *, private: bool = False) -> Origin:
    """Answers a command within Discord's three seconds: a message that thinks, public or for the person alone.

    Raises:
        AnswerExpiredError: Discord no longer takes an answer to it.
    """
    message_id = await _defer(interaction, thinking=True, ephemeral=private)
    if message_id is None:
        message_id = (await interaction.original_response()).id
    if interaction.channel_id is None:
        raise AnswerExpiredError("The command came from no channel.")
    return Origin(
        user_id=interaction.user.id,
        channel_id=interaction.channel_id,
        guild_id=interaction.guild_id,
        application_id=interaction.application_id,
        token=interaction.token,
        message_id=message_id,
        interaction_id=interaction.id,
        asked_at=now(),
        file_limit=interaction.filesize_limit,
        roles=tuple(role.id for role in getattr(interaction.user, "roles", ())),
    )


async def defer_ephemeral(interaction: Interaction) -> None:
    """Answers within Discord's three seconds with a message that thinks, for the person alone.

    Raises:
        AnswerExpiredError: Discord no longer takes an answer to it.
    """
    await _defer(interaction, thinking=True, ephemeral=True)


async def defer_update(interaction: Interaction) -> None:
    """Answers a press within Discord's three seconds without showing anything; raises as `defer_ephemeral` does."""
    await _defer(interaction)


async def _defer(interaction: Interaction, **how: bool) -> int | None:
    """Defers, trying again where the connection was dropped; returns the message's id if Discord tells it."""

    async def once() -> int | None:
        response = await interaction.response.defer(**how)
        return None if response is None else response.message_id

    try:
        return await retry(once, _PAUSES, PASSING, "the first answer to a command was dropped")
    except PASSING as error:
        raise AnswerExpiredError(_TOO_LATE) from error
    except discord.HTTPException as error:
        if error.code == _ALREADY_ACKNOWLEDGED:  # an earlier try arrived, only its answer was lost
            return None
        if error.code == _UNKNOWN_INTERACTION:
            raise AnswerExpiredError(_TOO_LATE) from error
        raise
