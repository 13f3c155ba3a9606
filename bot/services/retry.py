"""One retry policy (tenacity) for calls that may safely be repeated, and the one for writes to the database."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_attempt,
    stop_never,
    wait_chain,
    wait_fixed,
)

from bot.errors import EaselError, StorageError

log = logging.getLogger(__name__)

T = TypeVar("T")

# Seconds between tries of a write, on top of the fifteen seconds that the database itself waits for a lock.
WRITE_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


async def retry(
    call: Callable[[], Awaitable[T]],
    pauses: Sequence[float],
    passing: type[Exception] | tuple[type[Exception], ...] | Callable[[BaseException], bool],
    what: str,
    *,
    level: int = logging.INFO,
    forever: bool = False,
) -> T:
    """Repeats a call while its error is a passing one; raises the last error as it is.

    Args:
        call: What is repeated.
        pauses: Seconds before the second try, the third and so on.
        passing: The errors after which another try may succeed.
        what: What failed, for the log.
        level: At which level each failed try is logged.
        forever: Repeat the last pause for ever instead of giving up.
    """

    def report(state: RetryCallState) -> None:
        error = state.outcome and state.outcome.exception()
        seconds = state.next_action.sleep if state.next_action else 0.0
        # the text of a library's error may hold an address with a token
        reason = str(error) if isinstance(error, EaselError) else type(error).__name__
        log.log(level, "%s (%s); trying again in %.1f s", what, reason, seconds)

    async def once() -> T:  # tenacity does not await what a lambda returns
        return await call()

    policy = AsyncRetrying(
        stop=stop_never if forever else stop_after_attempt(len(pauses) + 1),
        wait=wait_chain(*map(wait_fixed, pauses)),
        retry=retry_if_exception_type(passing) if isinstance(passing, type | tuple) else retry_if_exception(passing),
        before_sleep=report,
        reraise=True,
    )
    return await policy(once)


async def retry_write(write: Callable[[], Awaitable[None]]) -> None:
    """Makes a write that may safely be repeated until the database takes it.

    Raises:
        StorageError: It did not for about two minutes.
    """
    await retry(write, WRITE_PAUSES, StorageError, "the database did not take a write")
