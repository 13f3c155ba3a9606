"""Weights out of ncnn's files: the convolutions of a network, in their order. Pure.

A `.param` file lists the layers, one a line: kind, name, how many inputs and outputs, their names, then options as
`number=value`. The `.bin` file holds each convolution's weights behind a mark, in halves or floats, then its biases.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generation.errors import ModelError

_MAGIC = "7767517"
_HALVES, _FLOATS = 0x01306B47, 0
_OUTPUTS, _KERNEL, _HAS_BIAS, _WEIGHTS = "0", "1", "5", "6"

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """A layer's weights, (out, in, k, k), and biases, (out,)."""

    weight: Array
    bias: Array


def convolutions(layers: str, weights: bytes) -> list[Convolution]:
    """Reads all convolutions of a network whose layers with weights are all convolutions.

    Args:
        layers: The `.param` file's text.
        weights: The `.bin` file.

    Raises:
        ModelError: They are no such files, or do not belong together.
    """
    lines = [line.split() for line in layers.splitlines()]
    if not lines or lines[0] != [_MAGIC]:
        raise ModelError("This is no .param file of ncnn.")
    found, position = [], 0
    try:
        for line in lines[2:]:
            if line and line[0] == "Convolution":
                layer, position = _convolution(_options(line), weights, position)
                found.append(layer)
    except (KeyError, ValueError, struct.error) as error:
        raise ModelError(f"The ncnn files are damaged, or do not belong together ({error}).") from error
    if position != len(weights):
        raise ModelError("The ncnn files do not belong together: the weights are longer than the layers need.")
    return found


def _options(line: list[str]) -> dict[str, str]:
    inputs, outputs = int(line[2]), int(line[3])
    return dict(option.split("=", 1) for option in line[4 + inputs + outputs :])


def _convolution(options: dict[str, str], weights: bytes, position: int) -> tuple[Convolution, int]:
    outputs, kernel, count = (int(options[key]) for key in (_OUTPUTS, _KERNEL, _WEIGHTS))
    (mark,) = struct.unpack_from("<I", weights, position)
    if mark not in {_HALVES, _FLOATS}:
        raise ModelError("The ncnn weights are quantised; only halves and floats are read.")
    kind = np.dtype("<f2" if mark == _HALVES else "<f4")
    position += 4
    weight = np.frombuffer(weights, kind, count, position).astype(np.float32)
    position += -(-count * kind.itemsize // 4) * 4
    bias = np.zeros(outputs, np.float32)
    if options.get(_HAS_BIAS) == "1":
        bias = np.frombuffer(weights, "<f4", outputs, position).astype(np.float32)
        position += 4 * outputs
    return Convolution(weight.reshape(outputs, -1, kernel, kernel), bias), position
