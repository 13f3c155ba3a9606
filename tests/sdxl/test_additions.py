"""What is kept of the files that requests name beside their checkpoints."""

import gc
import weakref
from itertools import product
from pathlib import Path

import torch
from safetensors.torch import save_file

from generation.extras import Extras
from generation.sdxl.additions import KEPT_EMBEDDINGS, Additions


def test_names_without_end_for_one_embedding_do_not_fill_memory(tmp_path: Path) -> None:
    save_file({"clip_l": torch.zeros(1, 4), "clip_g": torch.zeros(1, 6)}, tmp_path / "appletree.safetensors")
    additions = Additions(Extras(tmp_path))
    starts = ["".join(letters) for letters in product(*zip("applet", "APPLET", strict=True))]

    names = [f"{start}{end}" for end in ("ree", "REE") for start in starts]
    loaded = [weakref.ref(additions.embedding(name)["clip_l"]) for name in names]
    gc.collect()

    assert len(loaded) > KEPT_EMBEDDINGS
    assert sum(tensor() is not None for tensor in loaded) == KEPT_EMBEDDINGS


def test_what_is_used_again_is_read_once(tmp_path: Path) -> None:
    for name in [f"tree{number}" for number in range(KEPT_EMBEDDINGS + 1)]:
        save_file({"clip_l": torch.zeros(1, 4), "clip_g": torch.zeros(1, 6)}, tmp_path / f"{name}.safetensors")
    additions = Additions(Extras(tmp_path))
    first = additions.embedding("tree0")

    for number in range(KEPT_EMBEDDINGS + 1):
        additions.embedding(f"tree{number}")
        assert additions.embedding("tree0") is first
