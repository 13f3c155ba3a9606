"""The streams in which gateway payloads travel: plain text, zlib-stream, zstd-stream."""

import sys
import zlib
from collections.abc import Callable

Compress = Callable[[bytes], bytes]


def compressor(name: str | None) -> Compress | None:
    """Returns what compresses payload after payload as pieces of one long stream.

    Args:
        name: What the bot asked for: zlib-stream, zstd-stream, or nothing.

    Raises:
        ValueError: There is no such stream here.
    """
    match name:
        case None:
            return None
        case "zlib-stream":
            return _zlib()
        case "zstd-stream":
            return _zstd()
    raise ValueError(f"{name!r} is not a stream that this gateway speaks")


def _zlib() -> Compress:
    stream = zlib.compressobj()
    return lambda data: stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)


if sys.version_info >= (3, 14):

    def _zstd() -> Compress:
        from compression.zstd import ZstdCompressor  # noqa: PLC0415

        stream = ZstdCompressor()
        return lambda data: stream.compress(data, ZstdCompressor.FLUSH_BLOCK)

else:

    def _zstd() -> Compress:
        try:
            import zstandard  # noqa: PLC0415 - discord.py asks for zstd only where this is installed
        except ImportError as error:
            raise ValueError("zstd-stream needs the package zstandard here") from error

        stream = zstandard.ZstdCompressor().compressobj()
        return lambda data: stream.compress(data) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
