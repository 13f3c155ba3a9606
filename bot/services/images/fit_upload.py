"""Pictures that are too large for Discord are posted smaller; the originals stay in the store."""

import asyncio
import hashlib
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from cachetools import LRUCache
from PIL import Image

from bot.errors import LimitError, UploadTooLargeError
from bot.services.images.grid import PAINTED
from bot.services.ports import Upload
from generation import metadata

DIRECT_MESSAGE_LIMIT = 10 * 2**20  # bytes of a file in a direct message
REQUEST_LIMIT = 24 * 2**20  # Discord refuses requests of about 25 MiB
QUALITIES = (95, 85, 70)
SMALLEST = 64  # times smaller a side may get before we give up
NOTE = "Shown as JPEG because of Discord's upload limit; the originals are kept."

T = TypeVar("T")
Fitted = tuple[tuple[Upload, ...], tuple[str, ...]]
_Key = tuple[int, tuple[tuple[str, bytes], ...]]
Encode = Callable[[Upload], Upload]
Post = Callable[[tuple[Upload, ...], tuple[str, ...]], Awaitable[T]]


class Fitter:
    """Makes pictures fit, a few at a time, and remembers for a while what it has made.

    Args:
        encoders: Sets of files that are encoded at a time; a large picture takes some 200 MB meanwhile.
        memory: Bytes of smaller forms that are remembered.
        turns: Requests for originals that one person may have under way.
    """

    def __init__(self, encoders: int = 2, memory: int = 64 * 2**20, turns: int = 2) -> None:
        self._places = asyncio.Semaphore(encoders)
        self._turns = turns
        self._under_way: Counter[int] = Counter()
        self._made: LRUCache[_Key, tuple[Upload, ...]] = LRUCache(memory, getsizeof=_bytes)

    @contextmanager
    def turn(self, person: int) -> Iterator[None]:
        """Counts one of a person's requests for originals.

        Raises:
            LimitError: They have as many under way as they may.
        """
        if self._under_way[person] >= self._turns:
            raise LimitError("The pictures you asked for before are still on their way; try again when they are here.")
        self._under_way[person] += 1
        try:
            yield
        finally:
            self._under_way[person] -= 1
            if not self._under_way[person]:
                del self._under_way[person]

    async def fit(self, files: Sequence[Upload], file_limit: int) -> Fitted:
        """Makes files fit into one message: as they are, else as lossless WebP, else as JPEG.

        Args:
            files: PNG files, or a grid of them.
            file_limit: The largest file in bytes that may be uploaded there.

        Returns:
            The files to post, and what to tell people about it.
        """
        if _fits(files, file_limit):
            return tuple(files), ()
        async with self._places:
            smaller = await self._shrink(files, file_limit)
        return smaller, () if smaller[0].name.endswith(".webp") else (NOTE,)

    async def post_fitting(self, files: Sequence[Upload], file_limit: int, post: Post[T]) -> T:
        """Makes files fit and posts them; once more and smaller if Discord finds them too large all the same."""
        try:
            return await post(*await self.fit(files, file_limit))
        except UploadTooLargeError:
            return await post(*await self.fit(files, file_limit // 4))  # the limit we were told was not the true one

    async def fit_each(self, files: Sequence[Upload], file_limit: int) -> tuple[list[Upload], tuple[str, ...]]:
        """Makes only those files smaller that are too large, however many there are.

        Returns:
            The files, and what to tell people about it.
        """
        fitting: list[Upload] = []
        notes: tuple[str, ...] = ()
        for file in files:
            (smaller,), said = await self.fit([file], file_limit)
            fitting.append(smaller)
            notes = notes or said
        return fitting, notes

    async def _shrink(self, files: Sequence[Upload], file_limit: int) -> tuple[Upload, ...]:
        key = await asyncio.to_thread(_key, files, file_limit)
        if (known := self._made.get(key)) is not None:
            return known
        made = await asyncio.to_thread(_shrink, files, file_limit)
        if _bytes(made) <= self._made.maxsize:
            self._made[key] = made
        return made


def _bytes(files: Sequence[Upload]) -> int:
    return sum(len(file.data) for file in files)


def _key(files: Sequence[Upload], file_limit: int) -> _Key:
    return file_limit, tuple((file.name, hashlib.sha256(file.data).digest()) for file in files)


def _fits(files: Sequence[Upload], file_limit: int) -> bool:
    sizes = [len(file.data) for file in files]
    return max(sizes) <= file_limit and sum(sizes) <= REQUEST_LIMIT


def _shrink(files: Sequence[Upload], file_limit: int) -> tuple[Upload, ...]:
    smaller: tuple[Upload, ...] = ()
    for encode in _encodings():
        smaller = tuple(encode(file) for file in files)
        if _fits(smaller, file_limit):
            break
    return smaller


def _encodings() -> Iterator[Encode]:
    """Gives ever smaller forms: lossless, then of lower quality, then of half the side."""
    yield partial(_encoded, ending="webp", lossless=True, quality=20)
    scale = 1
    while scale <= SMALLEST:
        for quality in QUALITIES:
            yield partial(_encoded, ending="jpg", scale=scale, quality=quality)
        scale *= 2


def _encoded(file: Upload, ending: str, scale: int = 1, **options: int) -> Upload:
    original = Image.open(io.BytesIO(file.data), formats=(*PAINTED, "JPEG"))
    original.load()
    parameters = original.info.get(metadata.A1111_KEY)
    exif = metadata.exif_of(parameters) if isinstance(parameters, str) else b""
    image: Image.Image = original.convert("RGB")
    if scale > 1:
        image = image.reduce(scale)
    data = io.BytesIO()
    image.save(data, {"webp": "WEBP", "jpg": "JPEG"}[ending], exif=exif, **options)
    return Upload(f"{file.name.rpartition('.')[0]}.{ending}", data.getvalue())
