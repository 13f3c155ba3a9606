"""A server's gallery: the channel where starred pictures are shown once, with the number of their stars."""

import logging
from collections.abc import Awaitable, Callable, Sequence

import discord

from bot.domain import Copy, Post
from bot.errors import AnswerExpiredError, DeliveryError, LimitError
from bot.services.access import VisibleJob
from bot.services.images.fit_upload import Fitter
from bot.services.images.originals import shown
from bot.services.keyed_lock import KeyedLock
from bot.services.ports import Stars, Upload
from bot.ui.discord.attachments import as_files
from bot.ui.discord.channels import Room, find_channel, is_age_restricted
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.discord.retry import with_retry
from bot.ui.jobs import text as words

log = logging.getLogger(__name__)

_READING = ("view_channel", "read_message_history")
Originals = Callable[[], Awaitable[Sequence[Upload]]]


class Gallery:
    """Counts stars and keeps one copy of each starred message.

    Args:
        client: The client.
        stars: Where stars and copies are noted.
        fitter: Makes files fit into messages.
        channel: The name or the id of the gallery's channel.
        threshold: How many stars it takes to be copied there.
    """

    def __init__(self, client: discord.Client, stars: Stars, fitter: Fitter, channel: str, threshold: int = 1) -> None:
        self._client = client
        self._fitter = fitter
        self._stars = stars
        self._name = channel.lstrip("#")
        self._threshold = threshold
        self._locks = KeyedLock()

    async def channel(self, job: VisibleJob, person: int) -> discord.TextChannel:
        """Finds the gallery for a picture that a person starred.

        Raises:
            LimitError: There is none, or the picture may not be shown there; the text says what to do.
        """
        guild_id, source_id = job.origin.guild_id, job.origin.channel_id
        if guild_id is None:
            raise LimitError("A gallery is not available in direct messages, only on servers.")
        guild = self._client.get_guild(guild_id)
        channels = [] if guild is None else guild.text_channels
        found = next((each for each in channels if self._name in {each.name, str(each.id)}), None)
        if found is None:
            raise LimitError(f"This server has no gallery: a moderator can make a channel named #{self._name}.")
        source = await find_channel(self._client, source_id)
        if source is None:
            raise LimitError("I cannot see the channel of this picture, so it is not copied to the gallery.")
        if is_age_restricted(source) and not found.is_nsfw():
            raise LimitError(f"#{found.name} is not age-restricted, so pictures from here are not copied to it.")
        if job.wishes.direct:
            raise LimitError("Its author has their pictures sent by direct message, so it is not copied to a gallery.")
        if person != job.origin.user_id and not all_readers_can_read(found, source):
            raise LimitError(f"Not everybody who reads #{found.name} can read this channel; ask its author to star it.")
        return found

    async def star(self, message_id: int, post: Post, job: VisibleJob, person: int, originals: Originals) -> None:
        """Notes a star, and copies the message to the gallery or changes the number there.

        Args:
            message_id: The message that was starred.
            post: What it shows.
            job: The job that it shows, which the person may see.
            person: Who starred it.
            originals: Reads the pictures; asked only where there is no copy yet.

        Raises:
            LimitError: There is no gallery for it.
            DeliveryError: It cannot be posted there.
        """
        gallery = await self.channel(job, person)
        async with self._locks.hold(message_id):
            files = await originals() if await self._stars.copy_of(message_id) is None else ()
            count = await self._stars.add(message_id, post, person)
            if count >= self._threshold and not await self._recount(message_id, job, count):
                copy_id = await self._copy(gallery, message_id, job, files or await originals(), count)
                await self._stars.copied(message_id, job.id, Copy(gallery.id, copy_id))

    async def unstar(self, message_id: int, job: VisibleJob, person: int) -> None:
        """Takes a star back; with too few of them the copy goes."""
        async with self._locks.hold(message_id):
            count = await self._stars.take(message_id, person)
            if count >= self._threshold:
                await self._recount(message_id, job, count)
            else:
                await self._remove(message_id)

    async def remove(self, message_id: int) -> None:
        """Takes a message's copy out of the gallery."""
        async with self._locks.hold(message_id):
            await self._remove(message_id)

    async def _remove(self, message_id: int) -> None:
        copy = await self._stars.copy_of(message_id)
        if copy is None:
            return
        await self._stars.forget(message_id)
        try:
            await with_retry(self._message(copy).delete)
        except DeliveryError as error:
            log.info("a copy stays in the gallery: %s", error)

    async def _recount(self, message_id: int, job: VisibleJob, count: int) -> bool:
        """Changes the number at the copy; False where there is none (any more)."""
        copy = await self._stars.copy_of(message_id)
        if copy is None:
            return False
        text = words.starred(job, message_id, count)
        try:
            await with_retry(lambda: self._message(copy).edit(content=text, allowed_mentions=NO_MENTIONS))
        except AnswerExpiredError:
            return False
        return True

    async def _copy(
        self, gallery: discord.TextChannel, message_id: int, job: VisibleJob, files: Sequence[Upload], count: int
    ) -> int:
        text, spoiler = words.starred(job, message_id, count), job.wishes.spoiler

        async def send(fitting: Sequence[Upload], _notes: Sequence[str]) -> int:
            message = await with_retry(
                lambda: gallery.send(
                    text,
                    files=as_files(fitting, spoiler=spoiler),
                    nonce=f"star-{message_id}",
                    allowed_mentions=NO_MENTIONS,
                )
            )
            return message.id

        return await self._fitter.post_fitting(await shown(job, files), gallery.guild.filesize_limit, send)

    def _message(self, copy: Copy) -> discord.PartialMessage:
        return self._client.get_partial_messageable(copy.channel_id).get_partial_message(copy.message_id)


def all_readers_can_read(gallery: discord.TextChannel, source: Room) -> bool:
    """Whether everybody who can read a gallery can read another channel too, as far as roles and overwrites tell.

    Permissions that single members have count against it where they open the gallery or close the other channel.
    """
    if isinstance(source, discord.Thread):
        if source.is_private() or source.parent is None:
            return False
        source = source.parent
    for role in gallery.guild.roles:
        if _reads(gallery, role) and not _reads(source, role):
            return False
    opened = any(_says(rights, allowed=True) for rights in _for_members(gallery))
    closed = any(_says(rights, allowed=False) for rights in _for_members(source))
    return not opened and not closed and not _roles_part(gallery, source)


def _roles_part(gallery: discord.TextChannel, source: discord.abc.GuildChannel) -> bool:
    """Whether somebody with several roles may read a gallery by one of them and be kept out of a channel by another.

    No role that is kept out of the channel reads the gallery by itself. With another role it may, unless the gallery
    keeps the first one out too, and opens to no role that the channel is not opened to.
    """
    for name in _READING:
        denied, opened = (_roles_told(source, name, allowed=allowed) for allowed in (False, True))
        also_denied, also_opened = (_roles_told(gallery, name, allowed=allowed) for allowed in (False, True))
        if denied and not (denied <= also_denied and also_opened <= opened):
            return True
    return False


def _roles_told(channel: discord.abc.GuildChannel, name: str, *, allowed: bool) -> set[int]:
    """Lists the roles but @everyone to which a channel's overwrites grant or deny a permission."""
    return {
        who.id
        for who, rights in channel.overwrites.items()
        if isinstance(who, discord.Role) and not who.is_default() and getattr(rights, name) is allowed
    }


def _for_members(channel: discord.abc.GuildChannel) -> list[discord.PermissionOverwrite]:
    return [rights for who, rights in channel.overwrites.items() if not isinstance(who, discord.Role)]


def _says(rights: discord.PermissionOverwrite, *, allowed: bool) -> bool:
    return any(getattr(rights, name) is allowed for name in _READING)


def _reads(channel: discord.abc.GuildChannel, role: discord.Role) -> bool:
    granted = channel.permissions_for(role)
    return granted.view_channel and granted.read_message_history
