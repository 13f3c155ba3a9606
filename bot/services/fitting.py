"""Pictures that are too large for Discord are posted smaller; the originals stay in the store."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from PIL import Image

from bot.errors import UploadTooLargeError
from bot.services.ports import Upload
from generation import recipe

REQUEST_LIMIT = 24 * 2**20  # Discord refuses requests of about 25 MiB
QUALITIES = (95, 85, 70)
SMALLEST = 64  # times smaller a side may get before we give up
NOTE = "Shown as JPEG because of Discord's upload limit; the originals are kept."

T = TypeVar("T")
Encode = Callable[[Upload], Upload]
Post = Callable[[tuple[Upload, ...], tuple[str, ...]], Awaitable[T]]


async def fit(files: Sequence[Upload], file_limit: int) -> tuple[tuple[Upload, ...], tuple[str, ...]]:
    """Makes files fit into one message: as they are, else as lossless WebP, else as JPEG.

    Args:
        files: PNG files, or a grid of them.
        file_limit: The largest file in bytes that may be uploaded there.

    Returns:
        The files to post, and what to tell people about it.
    """
    if _fits(files, file_limit):
        return tuple(files), ()
    smaller = await asyncio.to_thread(_shrink, files, file_limit)
    return smaller, () if smaller[0].name.endswith(".webp") else (NOTE,)


async def post_fitting(files: Sequence[Upload], file_limit: int, post: Post[T]) -> T:
    """Makes files fit and posts them; once more and smaller if Discord finds them too large all the same."""
    try:
        return await post(*await fit(files, file_limit))
    except UploadTooLargeError:
        return await post(*await fit(files, file_limit // 4))  # the limit we were told was not the true one


async def fit_each(files: Sequence[Upload], file_limit: int) -> tuple[list[Upload], tuple[str, ...]]:
    """Makes only those files smaller that are too large, however many there are.

    Returns:
        The files, and what to tell people about it.
    """
    fitting: list[Upload] = []
    notes: tuple[str, ...] = ()
    for file in files:
        (smaller,), said = await fit([file], file_limit)
        fitting.append(smaller)
        notes = notes or said
    return fitting, notes


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
    original = Image.open(io.BytesIO(file.data))
    original.load()
    parameters = original.info.get(recipe.A1111_KEY)
    exif = recipe.exif_of(parameters) if isinstance(parameters, str) else b""
    image: Image.Image = original.convert("RGB")
    if scale > 1:
        image = image.reduce(scale)
    data = io.BytesIO()
    image.save(data, {"webp": "WEBP", "jpg": "JPEG"}[ending], exif=exif, **options)
    return Upload(f"{file.name.rpartition('.')[0]}.{ending}", data.getvalue())
