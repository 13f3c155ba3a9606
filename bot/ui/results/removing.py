"""❌: a message and its copy in the gallery are deleted, or its job is cancelled."""

from dataclasses import dataclass

import discord

from bot.domain import JobState
from bot.errors import NotKeptError
from bot.services.access import Actor
from bot.services.actions.actions import FORGOTTEN, PictureActions, check_owner
from bot.ui.discord.retry import with_retry
from bot.ui.results.gallery import Gallery


@dataclass(frozen=True, slots=True)
class Remover:
    """Deletes what its owner or a moderator wants gone."""

    client: discord.Client
    actions: PictureActions
    gallery: Gallery

    async def remove(self, message_id: int, actor: Actor, asker: int | None = None) -> None:
        """Deletes a result, or cancels the job that is to become one.

        Args:
            message_id: The message.
            actor: Who wants it gone.
            asker: Whose command it answers as far as Discord knows; asked where the job is not known any more.

        Raises:
            LimitError: It is another person's, or just being finished.
            NotKeptError: The job is not known any more, and so not whose it was.
            DeliveryError: It cannot be deleted.
        """
        post = await self.actions.posts.find(message_id)
        if post is None:
            if not (actor.guild_id is None or actor.may_act_for(asker)):
                raise NotKeptError(FORGOTTEN)
        else:
            await self.actions.access.require(post.job, actor)
            if post.job.state in {JobState.QUEUED, JobState.RUNNING}:
                await self.actions.cancel(post.job.id, actor)
                return
            check_owner(post, actor)
        channel = self.client.get_partial_messageable(actor.channel_id, guild_id=actor.guild_id)
        await with_retry(channel.get_partial_message(message_id).delete)
        await self.deleted(message_id)

    async def deleted(self, message_id: int) -> None:
        """Hides what a message showed once it is deleted, by whatever means, and takes its copy out of the gallery."""
        await self.actions.posts.deleted(message_id)
        await self.gallery.remove(message_id)
