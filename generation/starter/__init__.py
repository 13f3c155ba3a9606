"""The built-in small model: its weights, and in `train` the recipe that made them."""

from importlib import resources
from pathlib import Path

NAME = "starter"
FILE = "easel-starter.safetensors"


def weights() -> Path:
    """Returns where the bundled checkpoint lies."""
    return Path(str(resources.files("generation.starter").joinpath(FILE)))
