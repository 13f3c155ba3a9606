"""A server's gallery: the channel where starred pictures are shown once, with the number of their stars."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import discord

from bot.domain import Copy, Post
from bot.errors import AnswerExpiredError, DeliveryError, LimitError
from bot.services.fitting import post_fitting
from bot.services.originals import shown
from bot.services.ports import Stars, Upload
from bot.ui import words
from bot.ui.lines import Lines
from bot.ui.private import NO_MENTIONS
from bot.ui.requests import patiently
from bot.ui.uploads import as_files

log = logging.getLogger(__name__)

Originals = Callable[[], Awaitable[Sequence[Upload]]]


class Gallery:
    """Counts stars and keeps one copy of each starred message.

    Args:
        client: The client.
        stars: Where stars and copies are noted.
        channel: The name or the id of the gallery's channel.
    """

    def __init__(self, client: discord.Client, stars: Stars, channel: str) -> None:
        self._client = client
        self._stars = stars
        self._name = channel.lstrip("#")
        self._lines = Lines()

    async def channel(self, guild_id: int | None, source_id: int) -> discord.TextChannel:
        """Finds the gallery of a server for a message of one of its channels.

        Raises:
            LimitError: There is none, or the picture may not be shown there; the text says what to do.
            DeliveryError: The message's channel cannot be seen.
        """
        if guild_id is None:
            raise LimitError("A gallery is not available in direct messages, only on servers.")
        guild = self._client.get_guild(guild_id)
        channels = [] if guild is None else guild.text_channels
        found = next((each for each in channels if self._name in {each.name, str(each.id)}), None)
        if found is None:
            raise LimitError(f"This server has no gallery: a moderator can make a channel named #{self._name}.")
        source: object = found.guild.get_channel_or_thread(source_id)
        if source is None:  # a thread that is archived
            source = await patiently(lambda: self._client.fetch_channel(source_id))
        if _nsfw(source) and not found.is_nsfw():
            raise LimitError(f"#{found.name} is not age-restricted, so pictures from here are not copied to it.")
        return found

    async def star(self, message_id: int, post: Post, person: int, originals: Originals) -> None:
        """Notes a star, and copies the message to the gallery or changes the number there.

        Args:
            message_id: The message.
            post: What it shows.
            person: Whose star it is.
            originals: Reads the pictures; asked only where a new copy is posted.

        Raises:
            LimitError: There is no gallery.
            DeliveryError: It cannot be posted there.
        """
        origin = post.job.origin
        gallery = await self.channel(origin.guild_id, origin.channel_id)
        async with self._lines.of(message_id):
            files = await originals() if await self._stars.copy_of(message_id) is None else ()
            count = await self._stars.add(message_id, post, person)
            if not await self._recount(message_id, post, count):
                copy_id = await self._copy(gallery, message_id, post, files or await originals(), count)
                await self._stars.copied(message_id, post.job.id, Copy(gallery.id, copy_id))

    async def unstar(self, message_id: int, post: Post, person: int) -> None:
        """Takes a star back; with the last one the copy goes."""
        async with self._lines.of(message_id):
            count = await self._stars.take(message_id, person)
            if count:
                await self._recount(message_id, post, count)
            else:
                await self._remove(message_id)

    async def remove(self, message_id: int) -> None:
        """Takes a message's copy out of the gallery."""
        async with self._lines.of(message_id):
            await self._remove(message_id)

    async def _remove(self, message_id: int) -> None:
        copy = await self._stars.copy_of(message_id)
        if copy is None:
            return
        await self._stars.forget(message_id)
        try:
            await patiently(self._message(copy).delete)
        except DeliveryError as error:
            log.info("a copy stays in the gallery: %s", error)

    async def _recount(self, message_id: int, post: Post, count: int) -> bool:
        """Changes the number at the copy; False where there is none (any more)."""
        copy = await self._stars.copy_of(message_id)
        if copy is None:
            return False
        text = words.starred(post, message_id, count)
        try:
            await patiently(lambda: self._message(copy).edit(content=text, allowed_mentions=NO_MENTIONS))
        except AnswerExpiredError:
            return False
        return True

    async def _copy(
        self, gallery: discord.TextChannel, message_id: int, post: Post, files: Sequence[Upload], count: int
    ) -> int:
        text, spoiler = words.starred(post, message_id, count), post.job.wishes.spoiler

        async def send(fitting: Sequence[Upload], _notes: Sequence[str]) -> int:
            message = await patiently(
                lambda: gallery.send(
                    text,
                    files=as_files(fitting, spoiler=spoiler),
                    nonce=f"star-{message_id}",
                    allowed_mentions=NO_MENTIONS,
                )
            )
            return message.id

        return await post_fitting(await shown(post.job, files), gallery.guild.filesize_limit, send)

    def _message(self, copy: Copy) -> discord.PartialMessage:
        return self._client.get_partial_messageable(copy.channel_id).get_partial_message(copy.message_id)


def _nsfw(channel: object) -> bool:
    return isinstance(channel, (discord.TextChannel, discord.Thread, discord.VoiceChannel)) and channel.is_nsfw()
