"""Calls to Discord that survive a bad moment of the network, and refusals in our own words."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import discord

from bot.errors import AnswerExpiredError, ClosedMessagesError, DeliveryError, UnreachableError, UploadTooLargeError
from bot.services.retry import retry

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
CALL_SECONDS = 90.0  # an upload of 25 MB on a slow line
PASSING = (aiohttp.ClientError, TimeoutError, OSError, discord.DiscordServerError)

_UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE, _UNKNOWN_WEBHOOK = 10003, 10008, 10015
_TOO_LARGE, _INVALID_TOKEN = 40005, 50027
_NO_ACCESS, _CANNOT_DM, _NO_PERMISSION = 50001, 50007, 50013

T = TypeVar("T")


async def with_retry(call: Callable[[], Awaitable[T]]) -> T:
    """Makes a call that may safely be repeated, again and again while the trouble is a passing one.

    Raises:
        UnreachableError: Discord could not be reached, or had too many requests, for some 15 seconds.
        DeliveryError: Discord refused it.
    """

    async def once() -> T:
        async with asyncio.timeout(CALL_SECONDS):
            return await call()

    try:
        return await retry(once, PAUSES, is_passing, "Discord did not answer")
    except PASSING as error:
        raise UnreachableError("Discord could not be reached.") from error
    except discord.HTTPException as error:
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise UnreachableError("Discord asks for a pause.") from error
        raise refusal(error) from error


def is_passing(error: BaseException) -> bool:
    """Whether another try may succeed: Discord could not be reached, or asks for a pause."""
    if isinstance(error, PASSING):
        return True
    return isinstance(error, discord.HTTPException) and error.status == HTTPStatus.TOO_MANY_REQUESTS


def refusal(error: discord.HTTPException) -> DeliveryError:
    """Puts a refusal of Discord's into our own words."""
    if error.status == 401 or error.code in {_INVALID_TOKEN, _UNKNOWN_WEBHOOK, _UNKNOWN_MESSAGE}:
        return AnswerExpiredError("The answer can no longer be edited.")
    if error.status == 413 or error.code == _TOO_LARGE:
        return UploadTooLargeError("The files are too large for Discord.")
    if error.code == _CANNOT_DM:
        return ClosedMessagesError("This person takes no direct messages.")
    known = {
        _UNKNOWN_CHANNEL: "The channel is gone.",
        _NO_ACCESS: "I cannot see the channel; I need the permission View Channel.",
        _NO_PERMISSION: "I may not post here; I need the permissions Send Messages and Attach Files.",
    }
    return DeliveryError(known.get(error.code, f"Discord refused it (error {error.code or error.status})."))
