"""A resume point small enough for a repository: what an export adds to the bundled starter, in 8 bits.

    python -m generation.starter.enlarge.compact pack EXPORT RESUME
    python -m generation.starter.enlarge.compact unpack RESUME EXPORT

Differences are rounded to 127 steps of the largest one in each row (symmetric per-row quantisation). Training goes on
from there and makes up for the error; what is shipped is never made from it.
"""

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from generation.models.catalog import STARTER_FILE

_SCALE = ":scale"
_LEVELS = 127


def pack(export: Path, resume: Path, base: Path = STARTER_FILE) -> None:
    """Writes a resume point: int8 differences and a scale per row; vectors whole, in half precision.

    Args:
        export: The checkpoint to keep.
        resume: The file to write.
        base: The checkpoint that will be there when it is unpacked.
    """
    before, _ = _read(base)
    after, metadata = _read(export)
    kept: dict[str, Tensor] = {}
    for key, value in after.items():
        change = value.float() - _before(before, key, value)
        if key in before and not change.any():
            continue
        if change.dim() < 2:
            kept[key] = value.half()
            continue
        scale = change.flatten(1).abs().amax(1).clamp(min=1e-12) / _LEVELS
        kept[key] = (change.flatten(1) / scale[:, None]).round().to(torch.int8).reshape(change.shape)
        kept[key + _SCALE] = scale
    save_file(kept, resume, metadata={**metadata, "same": " ".join(after.keys() - kept.keys())})


def unpack(resume: Path, export: Path, base: Path = STARTER_FILE) -> None:
    """Writes a checkpoint of half precision from a resume point and the checkpoint that it was packed against."""
    before, _ = _read(base)
    kept, metadata = _read(resume)
    weights = {key: before[key] for key in metadata.pop("same").split()}
    for key, value in kept.items():
        if key + _SCALE in kept:
            rows = kept[key + _SCALE].reshape(-1, *[1] * (value.dim() - 1))
            weights[key] = (_before(before, key, value) + value.float() * rows).half()
        elif not key.endswith(_SCALE):
            weights[key] = value
    save_file({key: value.contiguous() for key, value in weights.items()}, export, metadata=metadata)


def _before(weights: dict[str, Tensor], key: str, like: Tensor) -> Tensor:
    """Returns the weight to which a difference is added: zeros where the base has none of that shape."""
    if key in weights and weights[key].shape == like.shape:
        return weights[key].float()
    return torch.zeros(like.shape)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118


def main() -> None:
    """Packs or unpacks."""
    parser = argparse.ArgumentParser(prog="python -m generation.starter.enlarge.compact", description=main.__doc__)
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    (pack if options.what == "pack" else unpack)(options.source, options.target)


if __name__ == "__main__":
    main()
