"""What every executor does: requests in, pictures out."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Protocol

from generation.request.cancellation import CancelToken
from generation.request.request import GenerationRequest
from generation.request.result import GenerationResult, Progress
from generation.scheduling.batch_table import BatchTable

OnProgress = Callable[[Progress], None]
Inputs = Mapping[str, bytes]  # files by their SHA-256
NO_INPUTS: Inputs = MappingProxyType({})
UNMEASURED = BatchTable()


class Executor(Protocol):
    """Paints requests somewhere: on this machine's device, or on many."""

    async def start(self) -> None:
        """Begins to get ready in the background; returns at once."""
        ...

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: OnProgress | None = None,
        cancel: CancelToken | None = None,
        inputs: Inputs = NO_INPUTS,
    ) -> GenerationResult:
        """Paints one request; may be called any number of times at once.

        Args:
            request: What to paint.
            on_progress: Called on the event loop with the newest progress; older news may be left out.
            cancel: Stops the work within one UNet call.
            inputs: The files of `request.inputs` by their SHA-256.

        Raises:
            GenerationCancelledError: `cancel` was set.
            GenerationError: It cannot be painted; the text is for people.
        """
        ...

    def sharing(self, model: str) -> BatchTable:
        """Tells how many pictures share a UNet call of a model, as far as that is known yet."""
        ...

    async def close(self) -> None:
        """Ends everything under way and waits for the device to be free."""
        ...


async def let_go(painted: "asyncio.Future[Any]") -> None:
    """Waits until the device's thread has dropped a cancelled work, however often the waiting itself is cancelled."""
    while not painted.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([painted])
    if not painted.cancelled():
        painted.exception()  # seen, so that asyncio does not report it as forgotten
