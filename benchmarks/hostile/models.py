"""The models that hostile prompts name; `python -m benchmarks.hostile.models FOLDER` writes them.

They are written by a process of their own, so that the one that measures never loads torch.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from benchmarks.hostile.prompts import EMBEDDING, LORA, MODEL
from generation.models.catalog import describe
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import choose_placement
from tests.sdxl.loras import kohya
from tests.tiny import TEXT_WIDTHS, save_single_file


def write(folder: Path) -> None:
    """Writes a tiny checkpoint, a LoRA and an embedding that belong to it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = save_single_file(folder / f"{MODEL}.safetensors")
    kohya(load(describe(path), choose_placement("cpu", "float32")), folder / f"{LORA}.safetensors")
    vectors = {name: torch.ones(2, width) for name, width in zip(("clip_l", "clip_g"), TEXT_WIDTHS, strict=True)}
    save_file(vectors, folder / f"{EMBEDDING}.safetensors")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
