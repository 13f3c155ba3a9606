from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generation.starter.enlarge.compact import pack, unpack


@pytest.fixture
def base(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    weights = {
        "same": torch.randn(4, 3),
        "matrix": torch.randn(8, 5),
        "vector": torch.randn(6),
        "grown": torch.randn(2, 2),
    }
    save_file({key: value.half() for key, value in weights.items()}, tmp_path / "base.safetensors", {"config": "old"})
    return tmp_path / "base.safetensors"


def test_a_resume_point_gives_back_the_export(base: Path, tmp_path: Path) -> None:
    export, resume, again = (tmp_path / f"{name}.safetensors" for name in ("export", "resume", "again"))
    weights = load_file(base)
    step = torch.randn(8, 5) * torch.logspace(-4, 0, 8)[:, None]
    changed = {
        "same": weights["same"],
        "matrix": (weights["matrix"].float() + step).half(),
        "vector": weights["vector"] + 1,
        "grown": torch.randn(3, 2, 1, 1).half(),
        "new": torch.randn(2, 3).half(),
    }
    save_file(changed, export, {"config": "new"})

    pack(export, resume, base)
    unpack(resume, again, base)

    found = load_file(again)
    assert found.keys() == changed.keys()
    assert torch.equal(found["same"], changed["same"])
    assert torch.equal(found["vector"], changed["vector"])
    bound = step.abs().amax(1, keepdim=True) / 127 + 2e-3  # half a step, and half precision's rounding
    assert ((found["matrix"].float() - changed["matrix"].float()).abs() <= bound).all()
    for key in ("grown", "new"):
        assert (found[key].float() - changed[key].float()).abs().max() < 0.03
