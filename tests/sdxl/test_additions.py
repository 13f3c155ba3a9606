"""What is kept of the files that requests name beside their checkpoints."""

import gc
import weakref
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save_file

from generation.models.auxiliary import AuxiliaryFiles
from generation.sdxl.model.auxiliary import KEPT_EMBEDDINGS, AuxiliaryModels


def write(path: Path) -> None:
    save_file({"clip_l": torch.zeros(1, 4), "clip_g": torch.zeros(1, 6)}, path)


def test_an_embedding_is_read_once_in_whatever_capitals_it_is_named(tmp_path: Path) -> None:
    write(tmp_path / "apple.safetensors")
    additions = AuxiliaryModels(AuxiliaryFiles(tmp_path))
    names = ["".join(letters) for letters in product(*zip("apple", "APPLE", strict=True))]

    vectors = [additions.embedding(name)["clip_l"] for name in names]

    assert all(each is vectors[0] for each in vectors)


def test_embeddings_without_end_do_not_fill_memory(tmp_path: Path) -> None:
    additions = AuxiliaryModels(AuxiliaryFiles(tmp_path))
    names = [f"tree{number}" for number in range(KEPT_EMBEDDINGS + 4)]
    for name in names:
        write(tmp_path / f"{name}.safetensors")

    loaded = [weakref.ref(additions.embedding(name)["clip_l"]) for name in names]
    gc.collect()

    assert sum(tensor() is not None for tensor in loaded) == KEPT_EMBEDDINGS


def test_what_is_used_again_is_read_once(tmp_path: Path) -> None:
    for name in [f"tree{number}" for number in range(KEPT_EMBEDDINGS + 1)]:
        write(tmp_path / f"{name}.safetensors")
    additions = AuxiliaryModels(AuxiliaryFiles(tmp_path))
    first = additions.embedding("tree0")

    for number in range(KEPT_EMBEDDINGS + 1):
        additions.embedding(f"tree{number}")
        assert additions.embedding("tree0") is first
