"""Files from and to Discord: those attached to a command, inspected before and fetched after its answer; uploads."""

import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Protocol, TypeVar

import aiohttp
import discord

from bot.domain import Derivation, InputFile, Order
from bot.errors import DeliveryError
from bot.services.images.inputs import MIB, InputStore
from bot.services.images.originals import KeptPicture
from bot.services.ports import Upload
from bot.ui.discord.retry import with_retry
from generation import InvalidRequestError
from generation.images.loading import KNOWN, MAX_BYTES


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
FETCH_SECONDS = 60.0
_UNREAD = "0" * 64
_CHUNK = 64 * 1024

T = TypeVar("T")


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


@dataclass(frozen=True, slots=True)
class Attached:
    """A command's files, who brings them, and what they were painted as, where that was here.

    Attributes:
        files: By the option's name.
        shelf: Where they are taken in.
        person: Who brings them.
        derived: The earlier job that one of them is a picture of.
    """

    files: Files
    shelf: InputStore
    person: int
    derived: Derivation | None = None

    async def take_in(self, use: Callable[[Mapping[str, InputFile]], Awaitable[T]]) -> T:
        """Fetches the files, lets an order be made of them, and keeps them once that is done.

        What is refused leaves no file. Pictures that were painted here are kept already and count for nobody.

        Args:
            use: Makes and accepts what is ordered; gets the files by the option's name.

        Raises:
            InvalidRequestError: A file is no picture that can be used.
            LimitError: The person has too many pictures of their own waiting.
            PictureLostError: A file cannot be kept.
            DeliveryError: Discord does not give one out.
        """
        brought = {field: file for field, file in self.files.items() if not isinstance(file, KeptPicture)}
        async with self.shelf.turn(self.person, [file.size for file in brought.values()]):
            data = {field: await with_retry(partial(_read, file, field)) for field, file in self.files.items()}
            pictures = {field: await self.shelf.look_at(content, field) for field, content in data.items()}
            made = await use(pictures)
            await self.shelf.keep(self.person, *(data[field] for field in brought))
        return made


def with_files(order: Order, files: Mapping[str, InputFile]) -> Order:
    """Puts files that were taken in into an order."""
    return replace(order, image=files.get("image"), mask=files.get("mask"))


async def _read(file: Brought, field: str) -> bytes:
    if isinstance(file, discord.Attachment):
        return await _fetch(file.url, field)
    return await file.read()


async def _fetch(url: str, field: str) -> bytes:
    """Fetches an attachment; no more of it is read than is allowed, whatever Discord says of its size.

    Raises:
        InvalidRequestError: It is larger than that.
        DeliveryError: Discord does not give it out.
    """
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        if response.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            raise DeliveryError(f"Discord no longer has the {field}; attach it again.")
        if response.status != HTTPStatus.OK:
            raise ConnectionError(f"an attachment could not be fetched: status {response.status}")
        data = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            data += chunk
            if len(data) > MAX_BYTES:
                raise InvalidRequestError(field, f"{field} is larger than {MAX_BYTES // MIB} MB.")
    return bytes(data)


def as_files(uploads: Sequence[Upload], *, spoiler: bool = False) -> list[discord.File]:
    """Returns files for one request; each retry needs new ones, as sending consumes them."""
    return [discord.File(io.BytesIO(upload.data), filename=upload.name, spoiler=spoiler) for upload in uploads]
