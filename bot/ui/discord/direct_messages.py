"""Direct messages: a word to one person, and originals in a letter."""

import logging
from collections.abc import Sequence

import discord

from bot.domain import new_job_id
from bot.errors import DeliveryError
from bot.services.images.fit_upload import DIRECT_MESSAGE_LIMIT, Fitter
from bot.services.images.originals import batches
from bot.services.ports import Upload
from bot.ui.discord.attachments import as_files
from bot.ui.discord.cooldown import Cooldown
from bot.ui.discord.responses import NO_MENTIONS, in_words
from bot.ui.discord.retry import with_retry

log = logging.getLogger(__name__)

ONCE_SECONDS = 60.0


class DirectMessages:
    """Writes to people where they alone read it.

    Args:
        client: The client.
        fitter: Makes files fit into messages.
        told: Keeps the same words from being said to the same person again at once.
    """

    def __init__(self, client: discord.Client, fitter: Fitter, told: Cooldown | None = None) -> None:
        self._client = client
        self.fitter = fitter
        self._told = told or Cooldown(ONCE_SECONDS)

    async def tell(self, person: int, text: str) -> None:
        """Tells a person something; the same again within a minute is left unsaid.

        Raises:
            DeliveryError: They take no direct messages.
        """
        if self._told.passes((person, text)):
            await self._send(await self._channel(person), text, [])

    async def report_error(self, person: int, cause: BaseException) -> None:
        """Tells a person alone why what they did, such as a reaction, did nothing."""
        try:
            await self.tell(person, in_words(cause))
        except DeliveryError as error:
            log.info("a person could not be told why their reaction did nothing: %s", error)

    async def send(self, person: int, text: str, files: Sequence[Upload]) -> None:
        """Sends a text and files, in as many messages as they need.

        Raises:
            DeliveryError: They take no direct messages.
        """
        channel = await self._channel(person)
        fitting, notes = await self.fitter.fit_each(files, DIRECT_MESSAGE_LIMIT)
        first, *others = batches(fitting)
        await self._send(channel, "\n".join([text, *(f"-# {note}" for note in notes)]), first)
        for batch in others:
            await self._send(channel, "", batch)

    async def _channel(self, person: int) -> discord.DMChannel:
        return await with_retry(lambda: self._client.create_dm(discord.Object(person)))

    async def _send(self, channel: discord.DMChannel, text: str, files: Sequence[Upload]) -> None:
        nonce = new_job_id()
        await with_retry(lambda: channel.send(text, files=as_files(files), nonce=nonce, allowed_mentions=NO_MENTIONS))
