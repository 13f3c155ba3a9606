"""❌: a message and its copy in the gallery are deleted, or its job is cancelled."""

from dataclasses import dataclass

import discord

from bot.domain import JobState
from bot.errors import NotKeptError
from bot.services.actions import FORGOTTEN, Actor, PictureActions, check_owner, check_place
from bot.ui.gallery import Gallery
from bot.ui.requests import patiently


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
            if not (actor.moderator or actor.guild_id is None or actor.person == asker):
                raise NotKeptError(FORGOTTEN)
        else:
            check_place(post.job, actor)
            if post.job.state in {JobState.QUEUED, JobState.RUNNING}:
                await self.actions.generation.cancel(post.job.id, actor.person, moderator=actor.moderator)
                return
            check_owner(post, actor)
        channel = self.client.get_partial_messageable(actor.channel_id, guild_id=actor.guild_id)
        await patiently(channel.get_partial_message(message_id).delete)
        await self.gallery.remove(message_id)
