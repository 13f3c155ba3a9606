"""One message for many jobs, and the thread under it that their own messages go to."""

import logging
from collections.abc import Sequence

import discord

from bot.domain import Job, Origin
from bot.errors import DeliveryError
from bot.ui.discord.context import Interaction
from bot.ui.discord.escape import plain
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.discord.retry import with_retry
from bot.ui.jobs import text as words
from generation.typed_text import TypedText

log = logging.getLogger(__name__)

NAME_LIMIT = 100  # Discord's
_EXISTS = 160004  # there is a thread under this message already
_PARENTS = (discord.ChannelType.text, discord.ChannelType.news)


async def head(interaction: Interaction, origin: Origin, prompt: TypedText | str, jobs: Sequence[Job]) -> int | None:
    """Turns the answer into the message above many jobs, and opens a thread under it.

    Args:
        interaction: What is answered.
        origin: The answer.
        prompt: What made them all, with its choices.
        jobs: The jobs.

    Returns:
        The thread's id; None where there is none, which the message says then.
    """
    if jobs[0].origin.channel_id != origin.channel_id:
        await _say(interaction, words.many(prompt, origin.user_id, len(jobs), " in your direct messages"))
        return None
    text, why_not = words.many(prompt, origin.user_id, len(jobs)), _obstacle(interaction)
    if why_not is None:
        await _say(interaction, text)
        try:
            return await _open(interaction, origin, prompt)
        except DeliveryError as error:
            log.info("no thread can be opened for many jobs: %s", error)
            why_not = f"I cannot open a thread here ({error.args[0].rstrip('.')})"
    await _say(interaction, f"{text}\n-# {why_not}, so they follow one by one." if why_not else text)
    return None


async def _open(interaction: Interaction, origin: Origin, prompt: TypedText | str) -> int:
    """Opens the thread; it has the id of the message that it stands under."""
    channel = interaction.client.get_partial_messageable(origin.channel_id, guild_id=origin.guild_id)
    message = channel.get_partial_message(origin.message_id)
    name = plain(prompt, NAME_LIMIT) or "Pictures"

    async def create() -> None:
        try:
            await message.create_thread(name=name)
        except discord.HTTPException as error:
            if error.code != _EXISTS:  # an earlier try arrived, only its answer was lost
                raise

    await with_retry(create)
    return origin.message_id


def _obstacle(interaction: Interaction) -> str | None:
    """Says why no thread can be opened here; "" where it needs no word: in a thread one is already."""
    if interaction.guild_id is None:
        return "Direct messages have no threads"
    if isinstance(interaction.channel, discord.Thread):
        return ""
    granted = interaction.app_permissions
    needed = {"Create Public Threads": granted.create_public_threads}
    needed["Send Messages in Threads"] = granted.send_messages_in_threads
    if lacking := [name for name, has in needed.items() if not has]:
        return f"I may not open a thread here: I lack the permission {', '.join(lacking)}"
    if interaction.channel is not None and interaction.channel.type not in _PARENTS:
        return "There are no threads here"
    return None


async def _say(interaction: Interaction, text: str) -> None:
    try:
        await with_retry(lambda: interaction.edit_original_response(content=text, allowed_mentions=NO_MENTIONS))
    except DeliveryError as error:
        log.info("the message above many jobs cannot be changed: %s", error)
