"""Pictures that people bring: looked at before they are decoded, and read into plain pixels.

Nothing a file says of itself is believed before it was checked. Reading takes long for a large picture, so keep it
off the event loop.
"""

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from generation.errors import InvalidRequestError
from generation.images.icc import in_srgb
from generation.images.pixels import AlphaMask, Pixels

MAX_BYTES = 25 * 2**20
OWN_BYTES = 64 * 2**20  # what a picture of 4096x4096 that was painted here may take
MAX_PIXELS = 50_000_000  # what a telephone takes; decoded, with its opacity, 200 MB
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
KNOWN = "PNG, JPEG, WebP, GIF or BMP"
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I")  # grey with 16 bits
# What Pillow's readers raise on damaged files, found by damaging many.
DAMAGE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, AttributeError,
    struct.error, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InputPicture:
    """A picture as it was read: upright, eight bits a channel, in sRGB, its first frame.

    Attributes:
        pixels: Its colours; what is transparent is laid over white.
        opacity: How far each pixel is opaque; None for a picture that is so everywhere.
        notes: What people should know of how it was read.
    """

    pixels: Pixels
    opacity: AlphaMask | None = None
    notes: tuple[str, ...] = ()


def digest_of(data: bytes) -> str:
    """Returns the name of a picture by its content: the file's SHA-256."""
    return hashlib.sha256(data).hexdigest()


def read(data: bytes, field: str = "image", most_bytes: int = MAX_BYTES) -> InputPicture:
    """Reads a picture file.

    Args:
        data: The file.
        field: What people call the input, for the error.
        most_bytes: How large the file may be; what is brought was measured when it came, and may be OWN_BYTES later.

    Raises:
        InvalidRequestError: It is too large, no picture, of a kind that is not read, or damaged.
    """
    if len(data) > most_bytes:
        raise InvalidRequestError(
            field, f"{field} has {len(data) / 2**20:.1f} MB; at most {most_bytes // 2**20} MB are possible."
        )
    with _in_words(field), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise InvalidRequestError(field, _too_large(field, f"{width}x{height} pixels"))
        animated = bool(getattr(image, "is_animated", False))
        if animated:
            image.seek(0)
        image.load()
        coloured, usable = in_srgb(_eight_bits(_upright(image)))
        notes = [f"The {field} is an animation: its first frame was taken."] if animated else []
        if not usable:
            notes.append(f"The {field}'s colour profile cannot be used: its colours were taken as they are.")
        return _plain(coloured, tuple(notes))


def measure(data: bytes, field: str = "image") -> tuple[int, int]:
    """Returns a picture's width and height as its file states them; nothing is decoded.

    Raises:
        InvalidRequestError: It is no picture, or of a kind that is not read.
    """
    with _in_words(field), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return image.size


@contextmanager
def _in_words(field: str) -> Iterator[None]:
    """Turns whatever a picture library raises on a bad file into a sentence."""
    try:
        yield
    except InvalidRequestError:
        raise
    except UnidentifiedImageError as error:
        raise InvalidRequestError(field, f"{field} is no picture that I can read: it must be {KNOWN}.") from error
    except Image.DecompressionBombError as error:
        raise InvalidRequestError(field, _too_large(field, "far more pixels than its bytes")) from error
    except MemoryError as error:
        raise InvalidRequestError(field, f"{field} is too large for my memory; bring a smaller one.") from error
    except DAMAGE as error:
        raise InvalidRequestError(
            field, f"{field} is damaged or was not uploaded completely; save it anew and try again."
        ) from error


def _too_large(field: str, what: str) -> str:
    return f"{field} has {what}; at most {MAX_PIXELS // 10**6} million pixels are possible. Bring a smaller one."


def _upright(image: Image.Image) -> Image.Image:
    """Turns a photograph the way it was held; a damaged note about it is no reason to refuse the picture."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except DAMAGE:
        return image
    for step in _UPRIGHT.get(orientation, ()) if isinstance(orientation, int) else ():
        image = image.transpose(step)
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode not in _DEEP:
        return image
    levels = np.asarray(image).astype(np.int64) >> 8
    shallow = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    shallow.info = {name: value for name, value in image.info.items() if name == "icc_profile"}
    return shallow


def _plain(image: Image.Image, notes: tuple[str, ...]) -> InputPicture:
    """Brings every kind of picture to red, green and blue, laid over white where it is transparent."""
    width, height = image.size
    if not image.has_transparency_data:
        return InputPicture(Pixels(width, height, image.convert("RGB").tobytes()), notes=notes)
    layered = image.convert("RGBA")
    alpha = layered.getchannel("A")
    flat = Image.new("RGB", layered.size, "white")
    flat.paste(layered, mask=alpha)
    seen_through = alpha.getextrema() != (255, 255)
    opacity = AlphaMask(width, height, alpha.tobytes()) if seen_through else None
    return InputPicture(Pixels(width, height, flat.tobytes()), opacity, notes)
