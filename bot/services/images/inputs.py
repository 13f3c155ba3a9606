"""Pictures that people bring: looked at once to see that they are whole, kept once their order is accepted."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.domain import InputFile
from bot.errors import LimitError, PictureLostError
from bot.services.keyed_lock import KeyedLock
from bot.services.ports import PictureStore
from bot.services.repositories import InputRepository
from generation.images import loading

READERS = 2  # at a time: a large picture takes some hundred megabytes while it is read
ORDERS = 4  # whose files are fetched at a time; each may have 50 MB in memory
MIB = 2**20


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How much one person may have waiting with jobs that are not finished.

    Attributes:
        files: How many files they brought for them.
        size: Their bytes in all.
    """

    files: int = 20
    size: int = 100 * MIB


class InputStore:
    """Takes pictures in, off the event loop.

    Args:
        pictures: Where they are kept.
        repository: Where it is noted who brought them.
        limits: How much one person may have waiting.
    """

    def __init__(self, pictures: PictureStore, repository: InputRepository, limits: InputLimits | None = None) -> None:
        self._pictures = pictures
        self._repository = repository
        self._limits = limits or InputLimits()
        self._readers = asyncio.Semaphore(READERS)
        self._orders = asyncio.Semaphore(ORDERS)
        self._locks = KeyedLock()

    @asynccontextmanager
    async def turn(self, person: int, sizes: Collection[int]) -> AsyncIterator[None]:
        """Waits until the files of an order may be fetched; a person's orders are served one after the other.

        Args:
            person: Who brings them.
            sizes: Their bytes, as far as known before they are fetched.

        Raises:
            LimitError: The person has too much waiting already.
        """
        async with self._locks.hold(person), self._orders:
            await self._check(person, sizes)
            yield

    async def look_at(self, data: bytes, field: str) -> InputFile:
        """Reads a picture to see that it is whole; nothing is kept yet.

        Args:
            data: The file.
            field: What people call it: "image" or "mask".

        Raises:
            InvalidRequestError: It is no picture that can be used; the text says why.
        """
        async with self._readers:
            return await asyncio.to_thread(look, data, field)

    async def keep(self, person: int, *files: bytes) -> None:
        """Keeps the files of an order that was accepted, and notes first who brought them.

        Raises:
            LimitError: The person has too much waiting already.
            PictureLostError: They cannot be kept.
        """
        await self._check(person, [len(data) for data in files])
        await self._repository.note(person, {loading.digest_of(data): len(data) for data in files})
        try:
            for data in files:
                await self._pictures.put(data)
        except PictureLostError as error:
            raise PictureLostError("I cannot keep the picture you gave me; please tell whoever runs me.") from error

    async def _check(self, person: int, sizes: Collection[int]) -> None:
        if not sizes:
            return
        waiting, limits = await self._repository.waiting(person), self._limits
        if waiting.files + len(sizes) > limits.files:
            raise LimitError(
                f"You have {waiting.files} pictures of your own waiting with your jobs; at most {limits.files} are "
                "possible. Try again when some of the jobs are done."
            )
        if waiting.size + sum(sizes) > limits.size:
            raise LimitError(
                f"Your own pictures that wait with your jobs would come to "
                f"{(waiting.size + sum(sizes)) / MIB:.0f} MB; at most {limits.size / MIB:.0f} MB are possible. Try "
                "again when some of the jobs are done, or use smaller files."
            )


def look(data: bytes, field: str) -> InputFile:
    """Reads a picture to see that it is whole; takes long for a large one.

    Raises:
        InvalidRequestError: It is no picture that can be used; the text says why.
    """
    picture = loading.read(data, field)
    pixels = picture.pixels
    return InputFile(loading.digest_of(data), pixels.width, pixels.height, picture.opacity is not None)
