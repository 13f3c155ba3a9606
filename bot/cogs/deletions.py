"""Messages that people delete in Discord itself: what they showed is hidden from others, here and in the gallery."""

import logging

import discord
from discord.ext import commands

from bot.errors import StorageError
from bot.ui.results.removing import Remover

log = logging.getLogger(__name__)


class DeletionsCog(commands.Cog):
    """Listens to deleted messages, also to those that the client has never seen."""

    def __init__(self, remover: Remover) -> None:
        self._remover = remover

    @commands.Cog.listener()
    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """Hides what one message showed."""
        await self._hide(event.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Hides what several messages showed."""
        for message_id in sorted(event.message_ids):
            await self._hide(message_id)

    async def _hide(self, message_id: int) -> None:
        try:
            await self._remover.deleted(message_id)
        except StorageError as error:  # it is noticed when someone asks for the picture by its id
            log.warning("a deleted message could not be noted: %s", error)
