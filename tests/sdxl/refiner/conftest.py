"""A base, another checkpoint of its kind and a refiner, all tiny."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from generation import (
    Catalog,
    GenerationRequest,
    GenerationSettings,
    Refiner,
)
from generation.models.catalog import describe
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.sdxl.conftest import CPU, request


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds a base, another checkpoint of its kind, and a refiner."""
    models = tmp_path_factory.mktemp("ensemble")
    tiny.save_single_file(models / "tiny.safetensors")
    tiny.save_single_file(models / "zebra.safetensors", tiny.parts(seed=1))
    tiny.save_single_file(models / "expert.safetensors", tiny.refiner_parts(), tiny.REFINER_CONFIG)
    return models


@pytest.fixture(scope="module")
def expert(folder: Path) -> Model:
    return load(describe(folder / "expert.safetensors"), CPU)


@pytest.fixture
def executor(folder: Path) -> Iterator[LocalExecutor]:
    local = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))
    yield local
    asyncio.run(local.close())


def asked(**changes: object) -> GenerationRequest:
    return request(
        **({"sampler": "euler", "scheduler": "simple", "steps": 5, "refiner": Refiner(model="expert")} | changes)
    )
