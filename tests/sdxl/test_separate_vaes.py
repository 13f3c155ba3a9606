"""Separate VAEs count as part of their model: in what is offloaded, in what it takes, in what it gives up."""

import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from generation.models.auxiliary import AuxiliaryFiles
from generation.sdxl.model import model as model_room
from generation.sdxl.model.auxiliary import AuxiliaryModels
from generation.sdxl.model.device import WORKING, Placement
from generation.sdxl.model.model import Model
from generation.sdxl.model.pinned_weights import PinnedWeights


@pytest.fixture
def painter(model: Model, tmp_path: Path) -> Model:
    """A model beside which lie the separate VAEs soft, hard and loud."""
    for name in ("soft", "hard", "loud"):
        save_file(
            {key: value.contiguous() for key, value in model.vae.state_dict().items()}, tmp_path / f"{name}.safetensors"
        )
    return Model(model.unet, model.vae, model.text, model.placement, AuxiliaryModels(AuxiliaryFiles(tmp_path)))


def bytes_of(module: torch.nn.Module) -> int:
    return sum(weight.nbytes for weight in module.parameters())


@pytest.mark.parametrize("read_while_offloading", [False, True])
def test_while_offloading_only_the_vae_in_use_lies_on_the_device(
    painter: Model, monkeypatch: pytest.MonkeyPatch, read_while_offloading: bool
) -> None:
    """Nothing is moved: the test notes what would lie where."""
    lies: dict[torch.nn.Module, str] = {}

    def moved(module: torch.nn.Module, device: torch.device | str) -> torch.nn.Module:
        lies[module] = str(device)
        return module

    for kind in {type(module) for module in (painter.unet, painter.vae, *painter.text.modules)}:
        monkeypatch.setattr(kind, "to", moved)
    painter.placement = Placement(torch.device("mps"), torch.float32, torch.float32)
    own, made = painter.vae, []
    painter.offload = read_while_offloading
    for name in ("soft", "hard", "soft"):
        painter.use_vae(name)
        made.append(painter.vae)
    soft, hard = made[0], made[1]
    assert [lies[soft], lies[hard]] == ["cpu" if read_while_offloading else "mps"] * 2

    painter.offload = True
    painter.bring("vae")

    assert [lies[each] for each in (soft, hard, own, painter.unet)] == ["mps", "cpu", "cpu", "cpu"]
    painter.bring("unet")
    assert [lies[each] for each in (soft, hard, own, painter.unet)] == ["cpu", "cpu", "cpu", "mps"]


def test_the_last_two_separate_vaes_are_kept_and_counted(painter: Model) -> None:
    without, each = painter.bytes, bytes_of(painter.vae)
    own, sizes, made = painter.vae, [], []
    for name in ("soft", "hard", "soft", "loud"):
        painter.use_vae(name)
        sizes.append(painter.bytes - without)
        made.append(weakref.ref(painter.vae))

    assert sizes == [each, 2 * each, 2 * each, 2 * each]
    assert [vae() is None for vae in made] == [False, True, False, False]
    painter.use_vae("")
    assert painter.vae is own
    painter.use_vae("hard")  # is read again
    assert torch.equal(painter.vae.decoder.conv_out.weight, own.decoder.conv_out.weight)
    assert painter.bytes == without + 2 * each


def test_the_device_needs_room_for_the_separate_vaes_too(painter: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    free = painter.bytes + WORKING
    monkeypatch.setattr(model_room, "free_memory", lambda _device: free)
    assert painter.fits()

    painter.use_vae("soft")

    assert not painter.fits()


def test_on_a_card_a_separate_vae_is_kept_in_main_memory_while_it_is_used(painter: Model) -> None:
    """There is no card here: what would be copied to one is copied within main memory."""
    painter.placement = Placement(torch.device("cuda"), torch.float32, torch.float32)
    painter.copies = PinnedWeights(lambda kept, _device: kept.clone())

    for name in ("soft", "hard", "loud"):
        painter.use_vae(name)
        original = painter.copies.original(painter.vae.decoder.conv_out.weight)
        assert original is not None
        assert torch.equal(original, painter.vae.decoder.conv_out.weight)
        assert original.data_ptr() != painter.vae.decoder.conv_out.weight.data_ptr()

    painter.use_vae("")
    assert painter.copies.original(painter.vae.decoder.conv_out.weight) is None
