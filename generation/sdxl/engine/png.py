"""Pixels become PNG files with their recipe inside. Runs beside the device's thread, never on it."""

import struct
import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngInfo

from generation.images.pixels import Pixels
from generation.metadata import png_texts
from generation.request.request import GenerationRequest
from generation.request.result import Artifact
from generation.sdxl.sampling.sigmas import levels, schedule, steps_before

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _AVERAGE = 2, 3
_BAND = 64  # rows


def encode(pixels: Pixels, request: GenerationRequest, model_hash: str | None = None) -> Artifact:
    """Encodes one picture, losslessly and fast.

    Args:
        pixels: The picture.
        request: The request that paints this very picture alone; written into the file.
        model_hash: The checkpoint's short hash, where it is one file.
    """
    info = PngInfo()
    for key, text in png_texts(request, model_hash, refined_in_steps(request)).items():
        if text.isascii():
            info.add_text(key, text)
        else:
            info.add_itxt(key, text)
    header = struct.pack(">IIBBBBB", pixels.width, pixels.height, 8, _RGB, 0, 0, 0)
    texts = [(name, data) for name, data, *_ in info.chunks]
    chunks = [(b"IHDR", header), *texts, (b"IDAT", _compressed(pixels)), (b"IEND", b"")]
    file = _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)
    return Artifact(file, "image/png", request)


def refined_in_steps(request: GenerationRequest) -> GenerationRequest:
    """Returns the same request with its refiner's `at` in steps, one at least; without it where none is left for it."""
    refiner = request.refiner
    if refiner is None or refiner.strength or refiner.at >= 1:
        return request
    steps, strength = request.steps, 1.0 if request.init is None else request.init.strength
    if request.hires is not None:
        steps, strength = request.hires.steps, request.hires.strength
    zero = request.prediction == "v_prediction_zsnr"
    sigmas = schedule(request.scheduler, request.sampler, steps, strength, zero_terminal=zero)
    before = steps_before(sigmas, refiner.at, levels(zero_terminal=zero))
    left = len(sigmas) - 1 - before
    if left < 1 or steps < 2:
        return replace(request, refiner=None)
    return replace(request, refiner=replace(refiner, at=float(min(max(before, 1), steps - 1))))


def _compressed(pixels: Pixels) -> bytes:
    """Filters every row by the mean of its left and upper neighbour and compresses runs and frequencies only.

    Generated pictures are smooth and grainy: searching for repetitions, as the usual settings do, takes most of
    the time and finds next to nothing. Bands of rows stay in the processor's cache on their way.
    """
    rows = np.frombuffer(pixels.rgb, np.uint8).reshape(pixels.height, 3 * pixels.width)
    above = np.zeros((1, rows.shape[1]), np.uint8)
    compressor = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    parts = []
    for start in range(0, pixels.height, _BAND):
        band = rows[start : start + _BAND]
        parts.append(compressor.compress(_filtered(band, np.concatenate([above, band[:-1]])).data))
        above = band[-1:]
    return b"".join([*parts, compressor.flush()])


def _filtered(rows: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Applies PNG's filter 3, Average (ISO/IEC 15948, 9.2): each byte less floor((left + above) / 2)."""
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _AVERAGE
    filtered[:, 1:4] = rows[:, :3] - (above[:, :3] >> 1)
    left, above = rows[:, :-3], above[:, 3:]
    mean = (left ^ above) >> 1
    mean += left & above  # the floor of the mean, in eight bits
    np.subtract(rows[:, 3:], mean, out=filtered[:, 4:])
    return filtered


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
