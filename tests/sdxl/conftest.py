"""A tiny SDXL, saved as people download checkpoints, and an executor that paints with it."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from generation import Catalog, GenerationRequest, GenerationResult, GenerationSettings
from generation.models.catalog import describe
from generation.sdxl.engine.preview_stream import EVERY_SECONDS
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import Placement, choose_placement
from generation.sdxl.model.model import Model
from generation.worker.local import LocalExecutor
from tests import tiny

torch.set_num_threads(1)

CPU = Placement(torch.device("cpu"), torch.float32, torch.float32)


@pytest.fixture(autouse=True)
def _denormal_numbers() -> Iterator[None]:
    """Gives the process its smallest numbers back: a training rounds them to zero, and other tests need them."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds tiny.safetensors, and another of the same shape with other weights."""
    folder = tmp_path_factory.mktemp("models")
    tiny.save_single_file(folder / "tiny.safetensors")
    tiny.save_single_file(folder / "zebra.safetensors", tiny.parts(seed=1))
    return folder


@pytest.fixture(scope="session")
def model(models_folder: Path) -> Model:
    """The tiny model, loaded from its single file."""
    return load(describe(models_folder / "tiny.safetensors"), choose_placement("cpu", "float32"))


@pytest.fixture
def preview_seconds() -> float:
    """Seconds between two previews; a module or a test may have its own."""
    return EVERY_SECONDS


@pytest.fixture
async def executor(models_folder: Path, preview_seconds: float) -> AsyncIterator[LocalExecutor]:
    """A local executor over the tiny models, on the CPU."""
    settings = GenerationSettings(models_dir=models_folder, device="cpu")
    local = LocalExecutor(settings, Catalog(models_folder), preview_seconds=preview_seconds)
    yield local
    await local.close()


def request(**changes: object) -> GenerationRequest:
    """Makes a small request of the tiny model."""
    values: dict[str, object] = {
        "prompt": "a red apple", "model": "tiny", "width": 64, "height": 64, "steps": 3, "seed": 5,
    }  # fmt: skip
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def pixels(result: GenerationResult, index: int = 0) -> NDArray[np.int16]:
    """Returns one picture of a result as integers, (height, width, 3)."""
    image = Image.open(io.BytesIO(result.artifacts[index].data))
    return np.asarray(image).astype(np.int16)
