"""Where the operator's files lie is never said to people: not in refusals, not in recipes, not in files."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from bot.ui.jobs.text import recipe_line
from generation import Catalog, GenerationError, GenerationRequest, GenerationSettings, Hires
from generation.models.catalog import ModelEntry
from generation.request.options import Lora, Refiner
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import choose_placement
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.sdxl.conftest import request

SECRET = "operators-secret-place"


def cut(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, path)
    path.write_bytes(path.read_bytes()[:-1])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of a telltale name, with sound files and broken ones of each kind."""
    data = tmp_path_factory.mktemp(SECRET)
    models = data / "models"
    models.mkdir()
    tiny.save_single_file(models / "tiny.safetensors")
    vae = {key: value.contiguous() for key, value in tiny.parts()["vae"].state_dict().items()}
    save_file(vae, data / "soft.safetensors")
    save_file({"decoder.conv_in.weight": torch.zeros(1)}, models / "odd-vae.safetensors")
    save_file({"x.lora_up.weight": torch.zeros(1)}, models / "odd-lora.safetensors")
    save_file({"clip_l": torch.zeros(1, 4), "clip_g": torch.zeros(1, 4)}, models / "odd-words.safetensors")
    save_file(
        {"conv_first.weight": torch.zeros(1), "body.0.rdb1.conv1.weight": torch.zeros(1)},
        models / "odd-upscaler.safetensors",
    )
    cut(models / "cut.safetensors", {"x": torch.zeros(4)})
    (models / "folder").mkdir()
    (models / "folder" / "model_index.json").write_text("[]")
    return data


@pytest.fixture
async def painter(data: Path) -> AsyncIterator[LocalExecutor]:
    settings = GenerationSettings(data_dir=data, device="cpu", vae=str(data / "soft.safetensors"))
    executor = LocalExecutor(settings, Catalog(settings.models_path))
    yield executor
    await executor.close()


async def test_no_refusal_says_where_the_operators_files_lie(painter: LocalExecutor, data: Path) -> None:
    hostile = str(data / "models" / "tiny.safetensors")
    plain = request(model="tiny")
    asked: list[GenerationRequest] = [
        replace(plain, model="cut"),
        replace(plain, model="folder"),
        replace(plain, model="gone"),
        *(replace(plain, vae=name) for name in ("odd-vae", "gone", "odd-lora")),
        *(replace(plain, loras=(Lora(name),)) for name in ("odd-lora", "gone", "cut")),
        *(replace(plain, prompt=f"embedding:{name}") for name in ("odd-words", "gone", "cut")),
        *(replace(plain, hires=Hires(scale=1, steps=1, method=name)) for name in ("odd-upscaler", "gone")),
        replace(plain, refiner=Refiner(model="cut", at=1)),
    ]
    told = []
    for each in asked:
        with pytest.raises(GenerationError) as refused:
            await painter.generate(each)
        told.append(str(refused.value))
    with pytest.raises(GenerationError, match="is a path"):
        await painter.generate(replace(plain, vae=hostile))

    assert [text for text in told if SECRET in text] == []


async def test_the_operators_vae_is_told_by_its_name_alone(painter: LocalExecutor, data: Path) -> None:
    settings = GenerationSettings(data_dir=data, vae=str(data / "soft.safetensors"))

    result = await painter.generate(request(model="tiny", vae=settings.vae_name))

    (artifact,) = result.artifacts
    assert SECRET.encode() not in artifact.data
    assert "vae soft" in recipe_line(artifact.request)
    assert SECRET not in f"{recipe_line(artifact.request)}{result.notes}"


async def test_a_vae_of_the_operators_that_is_broken_is_named_without_its_folder(data: Path) -> None:
    cut(data / "hard.safetensors", {"decoder.conv_in.weight": torch.zeros(4)})
    settings = GenerationSettings(data_dir=data, device="cpu", vae=str(data / "hard.safetensors"))
    executor = LocalExecutor(settings, Catalog(settings.models_path))

    with pytest.raises(GenerationError, match=r"^hard\.safetensors is damaged") as refused:
        await executor.generate(request(model="tiny", vae=settings.vae_name))
    await executor.close()

    assert SECRET not in str(refused.value)


def test_a_model_that_no_hub_gives_is_named_without_the_cache(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(data / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(GenerationError, match="someone/gone could not be fetched") as refused:
        load(ModelEntry("someone/gone", "someone/gone", ""), choose_placement("cpu", "float32"))

    assert SECRET not in str(refused.value)
