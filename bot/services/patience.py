"""Writing to the ledger when the database is busy: what happened must be written down, sooner or later."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.errors import StorageError

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)  # on top of the fifteen seconds the database itself waits for a lock


async def insist(write: Callable[[], Awaitable[None]]) -> None:
    """Makes a write that may safely be repeated until the database takes it.

    Raises:
        StorageError: It did not for about two minutes.
    """
    for pause in PAUSES:
        try:
            return await write()
        except StorageError:
            await asyncio.sleep(pause)
    return await write()
