"""Pictures that people bring: read once to see that they are whole, and kept with their job."""

import asyncio

from bot.domain import InputFile
from bot.errors import PictureLostError
from bot.services.ports import PictureStore
from generation import intake

READERS = 2  # at a time: a large picture takes some hundred megabytes while it is read


class InputShelf:
    """Takes pictures in, off the event loop."""

    def __init__(self, pictures: PictureStore) -> None:
        self._pictures = pictures
        self._readers = asyncio.Semaphore(READERS)

    async def take(self, data: bytes, field: str) -> InputFile:
        """Reads a picture and keeps it.

        Args:
            data: The file.
            field: What people call it: "image" or "mask".

        Raises:
            InvalidRequestError: It is no picture that can be used; the text says why.
            PictureLostError: It cannot be kept.
        """
        async with self._readers:
            looked_at = await asyncio.to_thread(look, data, field)
        try:
            await self._pictures.put(data)
        except PictureLostError as error:
            raise PictureLostError(f"I cannot keep the {field} you gave me; please tell whoever runs me.") from error
        return looked_at


def look(data: bytes, field: str) -> InputFile:
    """Reads a picture to see that it is whole; takes long for a large one.

    Raises:
        InvalidRequestError: It is no picture that can be used; the text says why.
    """
    picture = intake.read(data, field)
    pixels = picture.pixels
    return InputFile(intake.digest_of(data), pixels.width, pixels.height, picture.opacity is not None)
