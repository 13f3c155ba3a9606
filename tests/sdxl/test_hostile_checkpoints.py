"""Checkpoints whose files make no sense are refused in words that do not say where they lie."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from generation import ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.catalog import ModelEntry, describe
from generation.prompt.tokenizer import Tokenizer
from generation.sdxl.model.auxiliary import AuxiliaryModels
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import choose_placement
from generation.sdxl.model.tensors import read_tensors
from generation.sdxl.model.upscaler import from_tensors
from tests import tiny, zoo

CPU = choose_placement("cpu", "float32")
UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "conditioner.embedders.1.model."
Tensors = dict[str, Tensor]


def without(start: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if not key.startswith(start)}


def replaced(key: str, *shape: int) -> Callable[[Tensors], Tensors]:
    return lambda tensors: tensors | {key: torch.zeros(shape, dtype=torch.float16)}


CHANGES: dict[str, Callable[[Tensors], Tensors]] = {
    "decoder only": without(f"{VAE}encoder."),
    "no middle": without(f"{UNET}middle_block"),
    "no second encoder's layers": without(f"{TEXT}transformer"),
    "flat output": replaced(f"{UNET}out.2.weight"),
    "flat words": replaced(f"{TEXT}token_embedding.weight", 4),
    "words of no width": replaced(f"{TEXT}token_embedding.weight", 4, 0),
    "wide but empty": replaced(f"{UNET}input_blocks.1.0.out_layers.3.weight", 2**40, 0),
    "zero channels": replaced(f"{UNET}input_blocks.0.0.weight", 0, 4, 3, 3),
    "endless layers": lambda tensors: (
        tensors | {f"{TEXT}transformer.resblocks.{number}.ln_1.weight": torch.zeros(1) for number in range(20_000)}
    ),
    "numbers without end": lambda tensors: tensors | {f"{UNET}input_blocks.{'9' * 5000}.0.op.weight": torch.zeros(1)},
    "diffusers' names": lambda tensors: {key.replace(".resblocks.", ".layers."): each for key, each in tensors.items()},
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "secret-place"
    folder.mkdir()
    return folder


def refusal(entry: ModelEntry) -> str:
    with pytest.raises(ModelError) as refused:
        load(entry, CPU)
    return str(refused.value)


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_file_that_makes_no_sense_is_refused_in_words(
    models_folder: Path, secret: Path, change: Callable[[Tensors], Tensors]
) -> None:
    path = secret / "odd.safetensors"
    tensors = {key: each.contiguous() for key, each in change(load_file(models_folder / "tiny.safetensors")).items()}
    save_file(tensors, path, {"easel.config": json.dumps(tiny.CONFIG)})

    told = refusal(ModelEntry("odd", path, ""))

    assert "odd.safetensors" in told
    assert "secret-place" not in told


@pytest.mark.parametrize(
    "config",
    [
        {"unet": {"attention_head_dim": [2]}},
        {"unet": {"attention_head_dim": 3000}},
        {"vae": {"norm_num_groups": 7}},
        {"text_encoder": {"num_attention_heads": 3}},
        {"text_encoder_2": {"num_attention_heads": 4096}},
        {"tokenizer": {"merges": ["zz q"]}},
    ],
    ids=str,
)
def test_an_impossible_architecture_is_refused_in_words(secret: Path, config: dict[str, Any]) -> None:
    path = tiny.save_single_file(secret / "odd.safetensors", config={**tiny.CONFIG, **config})

    assert "secret-place" not in refusal(describe(path))


@pytest.fixture(scope="session")
def sound_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "tiny"
    for component, part in tiny.parts().items():
        part.half().save_pretrained(folder / component)
    (folder / "model_index.json").write_text("{}", encoding="utf-8")
    for name in ("scheduler", "tokenizer"):
        (folder / name).mkdir()
    return folder


FILES: Mapping[str, tuple[str, bytes]] = {
    "cut weights": ("text_encoder_2/model.safetensors", b"\x10\0\0\0\0\0\0\0{"),
    "index of shards without a map": ("unet/diffusion_pytorch_model.safetensors.index.json", b"{}"),
    "index of shards, a list": ("unet/diffusion_pytorch_model.safetensors.index.json", b"[]"),
    "config of the VAE, a list": ("vae/config.json", b"[]"),
    "config of the VAE, cut": ("vae/config.json", b'{"block'),
    "config of the VAE, nonsense": ("vae/config.json", b'{"block_out_channels": []}'),
    "config of a text encoder": ("text_encoder/config.json", b'{"num_attention_heads": 0, "hidden_size": "x"}'),
    "config of the UNet": ("unet/config.json", b'{"sample_size": 32, "block_out_channels": [3]}'),
    "scheduler, cut": ("scheduler/scheduler_config.json", b"{"),
    "scheduler, a list": ("scheduler/scheduler_config.json", b"[]"),
    "scheduler, a number": ("scheduler/scheduler_config.json", b'{"prediction_type": 3}'),
    "merges, no text": ("tokenizer/merges.txt", b"\xff\xfe\x00"),
    "merges of nothing": ("tokenizer/merges.txt", b"zz q\n"),
}


@pytest.mark.parametrize(("place", "content"), FILES.values(), ids=list(FILES))
def test_a_folder_that_makes_no_sense_is_refused_in_words(
    sound_folder: Path, secret: Path, place: str, content: bytes
) -> None:
    folder = secret / "odd"
    shutil.copytree(sound_folder, folder)
    if place.endswith("index.json"):
        (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "shard.safetensors")
    (folder / place).write_bytes(content)

    assert "secret-place" not in refusal(describe(folder))


def test_a_pipe_in_a_folder_is_never_opened(sound_folder: Path, secret: Path) -> None:
    folder = secret / "odd"
    shutil.copytree(sound_folder, folder)
    os.mkfifo(folder / "scheduler" / "scheduler_config.json")

    assert "is neither a file nor a folder" in refusal(ModelEntry("odd", folder, ""))


def test_a_sound_folder_is_loaded(sound_folder: Path) -> None:
    assert load(describe(sound_folder), CPU).latent_channels == 4


@pytest.mark.parametrize("merges", [("a",), ("a b c",), ("zz q",), ("\x1b",)], ids=repr)
def test_a_vocabulary_that_cannot_be_merged_is_refused_in_words(merges: tuple[str, ...]) -> None:
    with pytest.raises(ModelError, match="vocabulary is damaged"):
        Tokenizer(merges)


@pytest.mark.parametrize("dtype", ["F4", "F8_E8M0", "C64", "U16"])
def test_every_data_type_is_read_or_refused_in_words(secret: Path, dtype: str) -> None:
    size = {"F4": 1, "F8_E8M0": 2, "C64": 16, "U16": 4}[dtype]
    header = json.dumps({"a": {"dtype": dtype, "shape": [2], "data_offsets": [0, size]}})
    (secret / "odd.safetensors").write_bytes(zoo.raw(header.encode(), b"1" * size))

    with suppress(ModelError):
        assert "a" in read_tensors(secret / "odd.safetensors")


def test_an_upscaler_without_end_is_refused() -> None:
    with pytest.raises(ModelError, match="it has 1000 blocks"):
        from_tensors("odd", {f"body.{number}.rdb1.conv1.weight": torch.zeros(1) for number in range(1000)})


@pytest.mark.parametrize("name", ["gone", "cut"])
def test_a_file_that_changed_after_it_was_listed_is_refused_without_its_folder(secret: Path, name: str) -> None:
    path = secret / f"{name}.safetensors"
    if name == "cut":
        path.write_bytes(zoo.tensors({"clip_l": (1, 4), "clip_g": (1, 6)})[:-1])

    with pytest.raises(ModelError) as refused:
        read_tensors(path)

    assert "secret-place" not in str(refused.value)
    with pytest.raises(ModelError):
        AuxiliaryModels(AuxiliaryFiles(secret)).embedding(name)
