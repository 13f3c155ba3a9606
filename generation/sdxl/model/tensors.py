"""Whole safetensors files become tensors; what is wrong with one is said in words."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from generation.errors import ModelError
from generation.models.folders import reason
from generation.visible import shortened


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Reads every tensor of a file into main memory.

    Raises:
        ModelError: The file is damaged or cannot be read; the text names it without its folder.
    """
    try:
        return load_file(path)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({reason(error)}).") from error
    except (SafetensorError, KeyError, ValueError) as error:  # the last two: a data type that torch does not have
        raise ModelError(f"{path.name} is damaged ({shortened(error)}); download it again.") from error
