"""The texts in a picture file, read without its pixels: a huge, cut-off or damaged picture still tells its recipe.

PNG's chunks are read here (ISO/IEC 15948, 11.3.4), because Pillow reads those behind the pixels only by decoding
them, and refuses longer texts. JPEG, WebP and GIF are left to Pillow, which looks at their headers alone.
"""

import struct
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from generation.errors import InvalidRequestError, ModelError
from generation.images.loading import DAMAGE
from generation.models.folders import reason, status_of
from generation.request.options import UNNAMED
from generation.visible import visible

KNOWN = "PNG, JPEG, WebP or GIF"
MAX_TEXT = 16 * 2**20  # bytes of one text, unpacked; ComfyUI's largest graphs take some MB
MAX_TEXTS = 64 * 2**20  # bytes of all texts of a file
MAX_CHUNKS = 1_000_000
MAX_FILE = 512 * 2**20  # bytes of what Pillow may read whole
_FORMATS = ("JPEG", "WEBP", "GIF")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_RAW_EXIF = "Raw profile type exif"  # how ImageMagick keeps it


@dataclass(slots=True)
class FileTexts:
    """What a picture file says beside its pixels.

    Attributes:
        texts: Its texts by their keys.
        exif: Its EXIF block.
    """

    texts: dict[str, str] = field(default_factory=dict)
    exif: Image.Exif = field(default_factory=Image.Exif)


def texts_of(path: Path) -> FileTexts:
    """Reads the texts and the EXIF block of a picture file.

    Raises:
        InvalidRequestError: There is no such file, it cannot be read, or it is no picture of a kind that is read.
    """
    with _in_words(visible(path.name)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's about sizes and tags: no pixel is decoded, a tag may be odd
        size = status_of(path).st_size
        with path.open("rb") as file:
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return _of_png(file)
            if size > MAX_FILE:
                raise ModelError(f"{visible(path.name)} is larger than {MAX_FILE // 2**20} MB.")
            file.seek(0)
            return _of_other(file)


@contextmanager
def _in_words(name: str) -> Iterator[None]:
    """Turns whatever a hostile file makes the readers raise into a refusal."""
    try:
        yield
    except ModelError as error:
        raise InvalidRequestError("file", str(error)) from error
    except UnidentifiedImageError as error:
        raise InvalidRequestError("file", f"{name} is no picture that can be read: it must be {KNOWN}.") from error
    except IsADirectoryError as error:
        raise InvalidRequestError("file", f"{name} is a folder, a picture was expected.") from error
    except Image.DecompressionBombError as error:
        raise InvalidRequestError("file", f"{name} has far more pixels than a picture can have.") from error
    except MemoryError as error:
        raise InvalidRequestError("file", f"{name} is too large for this machine's memory.") from error
    except DAMAGE as error:
        why = reason(error) if isinstance(error, OSError) and error.strerror else "it is damaged or cut off"
        raise InvalidRequestError("file", f"{name} cannot be read ({why}).") from error


def without_digests(png: bytes, digests: Sequence[str]) -> bytes:
    """Takes the names of input pictures out of a PNG of ours that an earlier version wrote.

    Args:
        png: The file; one of another kind is returned as it is.
        digests: The SHA-256 of the pictures it was painted from.
    """
    if not digests or not png.startswith(_SIGNATURE):
        return png
    parts, place = [_SIGNATURE], len(_SIGNATURE)
    while place + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        if kind == b"IDAT" or place + 12 + length > len(png):
            break
        data = png[place + 8 : place + 8 + length]
        for digest in digests:
            data = data.replace(digest.encode(), UNNAMED.encode())
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
        place += 12 + length
    return b"".join([*parts, png[place:]])


def _of_png(file: BinaryIO) -> FileTexts:
    found, left = FileTexts(), MAX_TEXTS
    for kind, data in _chunks(file):
        if kind == b"eXIf":
            _load_exif(found, data)
            continue
        key, text = _text_of(kind, data, min(left, MAX_TEXT))
        if key and text is not None:
            found.texts[key] = text
            left -= len(text)
    raw = found.texts.pop(_RAW_EXIF, None)
    if raw is not None and not found.exif:
        _load_exif(found, _unhexed(raw))
    return found


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Gives the chunks that may hold texts, as far as the file goes; all others are skipped unread."""
    for _ in range(MAX_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return
        if kind not in {*_TEXTS, b"eXIf"} or length > MAX_TEXT:
            file.seek(length + 4, 1)
            continue
        data = file.read(length)
        if len(data) < length:
            return
        yield kind, data
        file.seek(4, 1)


def _text_of(kind: bytes, data: bytes, most: int) -> tuple[str, str | None]:
    """Returns a chunk's key and text; None for a text that is damaged or longer than it may be."""
    raw_key, _, rest = data.partition(b"\0")
    encoding, packed = "latin-1", kind == b"zTXt"
    if packed:
        rest = rest[1:]
    elif kind == b"iTXt":
        encoding, packed = "utf-8", rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # behind the language and the translated key
    text = _unpacked(rest, most) if packed else rest[: most + 1]
    if text is None or len(text) > most:
        return "", None
    return raw_key.decode("latin-1"), text.decode(encoding, errors="replace")


def _unpacked(data: bytes, most: int) -> bytes | None:
    unpacking = zlib.decompressobj()
    try:
        return unpacking.decompress(data, most + 1)
    except zlib.error:
        return None


def _of_other(file: BinaryIO) -> FileTexts:
    with Image.open(file, formats=_FORMATS) as image:
        texts = {str(key): text for key, text in image.info.items() if isinstance(text, str)}
        found = FileTexts({key: text for key, text in texts.items() if len(text) <= MAX_TEXT})
        _load_exif(found, image.info.get("exif", b""))
        return found


def _load_exif(found: FileTexts, data: object) -> None:
    """Reads an EXIF block; a damaged one is no reason to leave the file's texts."""
    if not isinstance(data, bytes) or len(data) > MAX_TEXT:
        return
    exif = Image.Exif()
    try:
        exif.load(data)
        exif.get_ifd(0x8769)
    except DAMAGE:
        return
    found.exif = exif


def _unhexed(raw: str) -> bytes:
    try:
        return bytes.fromhex("".join(raw.split("\n")[3:]))
    except ValueError:
        return b""
