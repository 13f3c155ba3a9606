"""Pixels become PNG files with their recipe inside. Runs beside the device's thread, never on it."""

import io
import zlib

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.pixels import Pixels
from generation.recipe import png_texts
from generation.request import GenerationRequest
from generation.result import Artifact


def encode(pixels: Pixels, request: GenerationRequest, model_hash: str | None = None) -> Artifact:
    """Encodes one picture, losslessly and fast.

    Args:
        pixels: The picture.
        request: The request that paints this very picture alone; written into the file.
        model_hash: The checkpoint's short hash, where it is one file.
    """
    image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    info = PngInfo()
    for key, text in png_texts(request, model_hash).items():
        if text.isascii():
            info.add_text(key, text)
        else:
            info.add_itxt(key, text)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info, compress_level=1, compress_type=zlib.Z_HUFFMAN_ONLY)
    return Artifact(file.getvalue(), "image/png", request)
