"""A job's status message: edited only when something changed, and at most every three seconds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress

from bot.errors import DeliveryError

log = logging.getLogger(__name__)

EDIT_SECONDS = 3.0

Show = Callable[[], Awaitable[None]]


class StatusLine:
    """Carries the newest news of one job to its message; older news that was not shown yet is dropped.

    News that looks like what is shown already is no reason for an edit.

    Args:
        every: Seconds between two edits.
    """

    def __init__(self, every: float = EDIT_SECONDS) -> None:
        self._every = every
        self._newest: tuple[Hashable, Show] | None = None
        self._shown: Hashable = None
        self._news = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._edit())

    def tell(self, looks: Hashable, show: Show) -> None:
        """Takes news.

        Args:
            looks: What people see of it; equal news looks the same.
            show: What to call to show it.
        """
        self._newest = looks, show
        self._news.set()

    async def close(self) -> None:
        """Stops editing; an edit under way is finished first, so that it cannot overtake the result."""
        self._newest = None
        self._closing.set()
        self._news.set()
        await self._task

    async def _edit(self) -> None:
        while not self._closing.is_set():
            await self._news.wait()
            self._news.clear()
            newest, self._newest = self._newest, None
            if newest is not None and newest[0] != self._shown:
                self._shown, show = newest
                await _try(show)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), self._every)


async def _try(show: Show) -> None:
    try:
        await show()
    except DeliveryError as error:
        log.debug("a status message could not be edited: %s", error)
