"""Reactions on results: re-roll, upscale, delete, originals by direct message, the gallery."""

import logging
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.errors import ClosedMessagesError, DeliveryError, LimitError, NotKeptError
from bot.services.access import Actor, VisibleJob
from bot.services.actions.actions import FORGOTTEN, check_user
from bot.services.keyed_lock import KeyedLock
from bot.ui.discord.context import reactor_of
from bot.ui.discord.cooldown import Cooldown
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.discord.retry import with_retry
from bot.ui.jobs.picture_buttons import is_result
from bot.ui.jobs.submitting import submit_for_reaction
from bot.ui.results.reactions import MEANINGS, Meaning, plain
from bot.ui.results.recipe_card import recipe_card

if TYPE_CHECKING:
    from bot.client import EaselClient

log = logging.getLogger(__name__)

HINT_SECONDS = 30.0
HINT_PAUSE_SECONDS = 60.0  # for one person in one channel
REACTION_SCALE = 2.0
ONE_OF_MANY = "This message shows {} pictures: take out the one you mean with U1 to U{}, and react to that."
CLOSED = "I cannot write to you: allow direct messages from this server, then react again."

Event = discord.RawReactionActionEvent
_PAINTING = (Meaning.REROLL, Meaning.UPSCALE)


@dataclass(frozen=True, slots=True)
class Reacted:
    """What was reacted to, and by whom; `number` counts the job's pictures from 1, None is all of them."""

    job: VisibleJob
    number: int | None
    actor: Actor


class ReactionsCog(commands.Cog):
    """Listens to reactions, also on messages that the client has never seen."""

    def __init__(self, client: "EaselClient") -> None:
        self._client = client
        self._actions = client.services.actions
        self._locks = KeyedLock()
        self._hinted = Cooldown(HINT_PAUSE_SECONDS)

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, event: Event) -> None:
        """Does what a person's reaction on one of our messages means."""
        if not self._concerns_us(event):
            return
        try:
            await self._added(event, MEANINGS[plain(str(event.emoji))])
        except ClosedMessagesError:
            if event.guild_id is None:
                raise
            await self._hint(event)

    @commands.Cog.listener()
    async def on_raw_reaction_remove(self, event: Event) -> None:
        """Takes back what can be taken back: a job that waits, a star."""
        if self._concerns_us(event):
            await self._removed(event, MEANINGS[plain(str(event.emoji))])

    def _concerns_us(self, event: Event) -> bool:
        own = self._client.user
        if own is None or event.user_id == own.id or (event.member is not None and event.member.bot):
            return False
        return event.message_author_id in {None, own.id} and plain(str(event.emoji)) in MEANINGS

    async def _added(self, event: Event, meaning: Meaning) -> None:
        async with self._locks.hold((event.message_id, event.user_id)):
            actor, actions = await reactor_of(self._client, event), self._actions
            post = await actions.posts.find(event.message_id)
            if post is None:
                await self._unknown(event, meaning, actor)
                return
            job = await actions.access.require(post.job, actor)
            if meaning in _PAINTING:
                await self._paint(event, meaning, Reacted(job, post.number, actor))
            elif meaning is Meaning.DELETE:
                await self._client.remover.remove(event.message_id, actor)
            elif meaning is Meaning.LETTER:
                await self._write(event, job, post.number)
            else:
                originals = partial(actions.originals, job, post.number)
                await self._client.gallery.star(event.message_id, post, job, event.user_id, originals)

    async def _removed(self, event: Event, meaning: Meaning) -> None:
        async with self._locks.hold((event.message_id, event.user_id)):
            actions = self._actions
            if meaning in _PAINTING:
                job = await actions.posts.asked_by(_reaction(event), event.user_id)
                if job is not None:
                    await actions.generation.withdraw(job)
            elif meaning is Meaning.STAR:
                shown = await actions.shown_by(event.message_id, await reactor_of(self._client, event))
                if shown is not None:
                    await self._client.gallery.unstar(event.message_id, shown[0], event.user_id)

    async def _paint(self, event: Event, meaning: Meaning, to: Reacted) -> None:
        actions = self._actions
        check_user(to.job, to.actor, for_all=actions.rules.reactions_for_all)
        if await actions.posts.asked_by(_reaction(event), event.user_id) is not None:
            return
        if meaning is Meaning.REROLL:
            accepted = await actions.reroll(to.job, to.number, to.actor, _reaction(event))
        else:
            accepted = await actions.upscale(to.job, _the_one(to), REACTION_SCALE, to.actor, _reaction(event))
        await submit_for_reaction(event, self._client, actions.generation, accepted)

    async def _write(self, event: Event, job: VisibleJob, number: int | None) -> None:
        """Sends the originals by direct message."""
        text, attached = recipe_card(job, number, self._client.command_name)
        with self._client.direct_messages.fitter.turn(event.user_id):
            files = await self._actions.originals(job, number)
            await self._client.direct_messages.send(event.user_id, text, [*attached, *files])

    async def _hint(self, event: Event) -> None:
        """Says in public for half a minute that a person's direct messages are closed, and nothing of the picture.

        At most once a minute for one person in one channel.
        """
        if not self._hinted.passes((event.user_id, event.channel_id)):
            return
        channel = self._client.get_partial_messageable(event.channel_id, guild_id=event.guild_id)
        hint = f"<@{event.user_id}> {CLOSED}"
        await with_retry(lambda: channel.send(hint, delete_after=HINT_SECONDS, allowed_mentions=NO_MENTIONS))

    async def _unknown(self, event: Event, meaning: Meaning, actor: Actor) -> None:
        """Handles a message that no job is known of: only an old result of ours concerns us."""
        channel = self._client.get_partial_messageable(event.channel_id, guild_id=event.guild_id)
        try:
            message = await with_retry(lambda: channel.fetch_message(event.message_id))
        except DeliveryError as error:
            log.info("what a reaction was made to cannot be seen: %s", error)
            return
        if message.author != self._client.user or not is_result(message):
            return
        if meaning is not Meaning.DELETE:
            raise NotKeptError(FORGOTTEN)
        asked = message.interaction_metadata
        await self._client.remover.remove(message.id, actor, None if asked is None else asked.user.id)


def _the_one(to: Reacted) -> int:
    """Returns the number of the one picture that a message shows.

    Raises:
        LimitError: It shows several.
    """
    count = len(to.job.pictures)
    if to.number is None and count > 1:
        raise LimitError(ONE_OF_MANY.format(count, count))
    return to.number or 1


def _reaction(event: Event) -> str:
    return f"{event.message_id}:{plain(str(event.emoji))}"
