"""Files that people attach to a command: looked at before, fetched from Discord after its answer."""

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

import discord

from bot.domain import InputFile, Order
from bot.errors import DeliveryError
from bot.services.inputs import InputShelf
from bot.ui.requests import patiently
from generation import InvalidRequestError
from generation.intake import KNOWN, MAX_BYTES


class Brought(Protocol):
    """A file that was not read yet, and what is said of it."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def content_type(self) -> str | None:
        """Such as "image/png", where it is known."""

    @property
    def width(self) -> int | None:
        """Pixels, where they are known."""

    @property
    def height(self) -> int | None:
        """Pixels, where they are known."""

    def read(self) -> Awaitable[bytes]:
        """Fetches it."""


Files = Mapping[str, Brought]  # by the option's name
_UNREAD = "0" * 64


def expecting(order: Order, files: Files) -> Order:
    """Completes an order with what Discord says of its files, so that most mistakes are told before any is fetched.

    Raises:
        InvalidRequestError: A file is too large, or says of itself that it is no picture.
    """
    for field, file in files.items():
        if file.size > MAX_BYTES:
            size = f"{file.size / 2**20:.1f} MB"
            raise InvalidRequestError(field, f"{field} has {size}; at most {MAX_BYTES // 2**20} MB are possible.")
        if file.content_type is not None and not file.content_type.startswith("image/"):
            raise InvalidRequestError(field, f"{field} is no picture but {file.content_type}; it must be {KNOWN}.")
    supposed = {
        field: InputFile(_UNREAD, file.width or 1024, file.height or 1024, transparent=True)
        for field, file in files.items()
    }
    return with_files(order, supposed)


async def bring(files: Files, shelf: InputShelf) -> dict[str, InputFile]:
    """Fetches a command's files from Discord and takes them in.

    Raises:
        InvalidRequestError: One is no picture that can be used.
        PictureLostError: One cannot be kept.
        DeliveryError: Discord does not give one out.
    """
    return {
        field: await shelf.take(await patiently(partial(_read, file, field)), field) for field, file in files.items()
    }


def with_files(order: Order, files: Mapping[str, InputFile]) -> Order:
    """Puts files that were taken in into an order."""
    return replace(order, image=files.get("image"), mask=files.get("mask"))


async def _read(file: Brought, field: str) -> bytes:
    try:
        return await file.read()
    except discord.NotFound as error:
        raise DeliveryError(f"Discord no longer has the {field}; attach it anew.") from error
