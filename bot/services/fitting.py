"""Pictures that are too large for Discord are posted smaller; the originals stay in the store."""

import asyncio
import io
from collections.abc import Sequence

from PIL import Image

from bot.services.ports import Upload

REQUEST_LIMIT = 24 * 2**20  # Discord refuses requests of about 25 MiB
QUALITIES = (95, 85, 70)
NOTE = "Shown as JPEG because of Discord's upload limit; the originals are kept."


async def fit(files: Sequence[Upload], file_limit: int) -> tuple[tuple[Upload, ...], tuple[str, ...]]:
    """Makes files fit into one message.

    Args:
        files: PNG files.
        file_limit: The largest file in bytes that may be uploaded there.

    Returns:
        The files to post, and what to tell people about it.
    """
    if _fits(files, file_limit):
        return tuple(files), ()
    return await asyncio.to_thread(_shrink, files, file_limit), (NOTE,)


def _fits(files: Sequence[Upload], file_limit: int) -> bool:
    sizes = [len(file.data) for file in files]
    return max(sizes) <= file_limit and sum(sizes) <= REQUEST_LIMIT


def _shrink(files: Sequence[Upload], file_limit: int) -> tuple[Upload, ...]:
    """Lowers the quality, then halves the sides, until everything fits."""
    scale = 1
    while True:
        for quality in QUALITIES:
            smaller = tuple(_jpeg(file, quality, scale) for file in files)
            if _fits(smaller, file_limit) or scale > 64:
                return smaller
        scale *= 2


def _jpeg(file: Upload, quality: int, scale: int) -> Upload:
    image: Image.Image = Image.open(io.BytesIO(file.data)).convert("RGB")
    if scale > 1:
        image = image.reduce(scale)
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Upload(file.name.rpartition(".")[0] + ".jpg", data.getvalue())
