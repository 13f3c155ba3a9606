"""What main memory keeps of a model on a card: what comes, what leaves, and what LoRAs do to it.

There is no card here: what would be copied to one is copied within main memory.
"""

import gc
import weakref
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from generation.models.catalog import describe
from generation.request.options import Lora
from generation.sdxl.acceleration.compiled import BlockwiseUnet
from generation.sdxl.acceleration.cuda_graphs import GraphedUnet
from generation.sdxl.engine.model_cache import ModelCache
from generation.sdxl.model import lora as lora_room
from generation.sdxl.model import model as model_room
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import Placement, Rung
from generation.sdxl.model.fused_modules import fuse_modules
from generation.sdxl.model.lora import LoadedLora, read
from generation.sdxl.model.model import Model
from generation.sdxl.model.pinned_weights import ALIGNED, CHUNK, PinnedWeights, pack
from tests.sdxl.conftest import CPU
from tests.sdxl.loras import UNET, kohya, weight

CARD = Placement(torch.device("mps"), torch.float32, torch.float32)


class Pool:
    """Stands for memory that can be pinned, of which there may be little."""

    def __init__(self, chunks: int = 99) -> None:
        self.left = chunks
        self.taken: list[int] = []
        self.returns = 0

    def take(self, size: int) -> Tensor:
        if not self.left:
            raise RuntimeError("CUDA error: out of memory")
        self.left -= 1
        self.taken.append(size)
        return torch.zeros(size, dtype=torch.uint8)

    def give_back(self) -> None:
        self.returns += 1


class Card:
    """Stands for a card's memory; counts what comes there, and may be full."""

    def __init__(self) -> None:
        self.came = 0
        self.room = 10**9

    def __call__(self, kept: Tensor, _device: torch.device) -> Tensor:
        if self.came == self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.came += 1
        return kept.clone()


@pytest.fixture
def card() -> Card:
    return Card()


@pytest.fixture
def model(models_folder: Path, card: Card) -> Model:
    """The tiny model, loaded and settled on a card, where it has not come yet."""
    found = load(describe(models_folder / "tiny.safetensors"), CPU)
    fuse_modules(found.unet)
    found.copies = PinnedWeights(card)
    found.settle(CARD)
    found.copies.keep((found.unet, found.vae, *found.text.modules), Pool())
    return found


@pytest.fixture
def fur(model: Model, tmp_path: Path) -> LoadedLora:
    kohya(model, tmp_path / "fur.safetensors")
    return LoadedLora(Lora("fur", 0.8, 0.5), read(tmp_path / "fur.safetensors"))


def weights(*modules: nn.Module) -> list[Tensor]:
    return [each for module in modules for each in (*module.parameters(), *module.buffers())]


def everything(model: Model) -> list[Tensor]:
    return weights(model.unet, model.vae, *model.text.modules)


def values(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [each.detach().clone() for each in tensors]


def equal(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


def predict(model: Model) -> Tensor:
    """Calls the UNet with two rows that are always the same."""
    draw = torch.Generator().manual_seed(0)
    (text,) = model.encode("a red apple", None)
    ids = torch.tensor([[64.0, 64, 0, 0, 64, 64]])
    return model.predict(torch.randn(1, 4, 8, 8, generator=draw), torch.tensor([500]), text, ids)


@given(sizes=st.lists(st.integers(0, 5000), max_size=40))
def test_what_is_packed_lies_apart_aligned_and_within_its_chunk(sizes: list[int]) -> None:
    places, chunks = pack(sizes, chunk=4096)

    for number in range(len(chunks)):
        inside = sorted((start, size) for (where, start), size in zip(places, sizes, strict=True) if where == number)
        assert all(start % ALIGNED == 0 and start + size <= chunks[number] for start, size in inside)
        assert all(start + size <= after for (start, size), (after, _) in pairwise(inside))


def test_chunks_are_powers_of_two_and_hold_hardly_more_than_what_they_keep() -> None:
    sizes = [126_484_480] + [59_000_000] * 40 + [26_214_400] * 100 + [3_276_800] * 600 + [2560] * 900  # much like SDXL

    _, chunks = pack(sizes)

    assert all(chunk & (chunk - 1) == 0 for chunk in chunks)
    assert set(chunks[:-1]) == {CHUNK}
    assert sum(sizes) <= sum(chunks) <= 1.05 * sum(sizes)


def test_kept_weights_lie_in_few_chunks_with_their_values_and_their_layout() -> None:
    convolution = nn.Conv2d(4, 6, 3)
    convolution.weight.data = convolution.weight.data.contiguous(memory_format=torch.channels_last)
    module = nn.Sequential(convolution, nn.BatchNorm2d(6), nn.Linear(5, 7))
    before, strides = values(weights(module)), [each.stride() for each in weights(module)]
    pool, copies = Pool(), PinnedWeights()

    copies.keep([module], pool)

    assert equal(weights(module), before)
    assert [each.stride() for each in weights(module)] == strides
    assert len({each.untyped_storage().data_ptr() for each in weights(module)}) == len(pool.taken) == 1
    assert copies.spare == pool.taken[0] - sum(each.nbytes for each in weights(module))


def test_what_cannot_be_pinned_is_kept_where_it_was_and_a_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    module = nn.ModuleList(nn.Linear(4096, 4096) for _ in range(3))  # 64 MiB each
    before = values(weights(module))
    pool, copies = Pool(chunks=1), PinnedWeights(Card())

    copies.keep([module], pool)

    assert "cannot be pinned" in caplog.text
    assert equal(weights(module), before)
    assert all(each.untyped_storage().nbytes() == each.nbytes for each in weights(module))  # the chunk is given up
    assert (pool.returns, copies.spare) == (1, 0)
    assert copies.move(module, CARD.device)
    assert equal(weights(module), before)


def test_a_module_that_is_not_kept_takes_its_weights_along() -> None:
    module, copies = nn.Linear(3, 3), PinnedWeights()

    assert copies.move(module, torch.device("meta"))
    assert not copies.move(module, torch.device("meta"))
    assert module.weight.is_meta


def test_coming_and_leaving_paint_the_same_and_leaving_copies_nothing(model: Model, card: Card) -> None:
    at_home = [each.data_ptr() for each in everything(model)]
    parameters = [id(each) for each in model.unet.parameters()]
    model.to_device()
    expected, there = predict(model), [each.data_ptr() for each in everything(model)]

    model.evict_to_host()

    assert [each.data_ptr() for each in everything(model)] == at_home
    model.to_device()
    assert torch.equal(predict(model), expected)
    assert not set(there) & set(at_home)
    assert card.came == 2 * len(there)
    assert [id(each) for each in model.unet.parameters()] == parameters


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch itself, when it imports its compiler
def test_a_compiled_twin_goes_along(model: Model) -> None:
    twin: Any = BlockwiseUnet(model.unet)._twin
    model.to_device()
    assert [each.data_ptr() for each in weights(twin)] == [each.data_ptr() for each in weights(model.unet)]

    model.evict_to_host()

    assert [each.data_ptr() for each in weights(twin)] == [each.data_ptr() for each in weights(model.unet)]


def test_a_card_that_is_full_half_way_keeps_nothing(model: Model, card: Card) -> None:
    at_home = [each.data_ptr() for each in everything(model)]
    card.room = 20
    with pytest.raises(torch.OutOfMemoryError):
        model.copies.move(model.unet, CARD.device)
    assert [each.data_ptr() for each in everything(model)] == at_home

    card.room = 10**9

    assert model.copies.move(model.unet, CARD.device)
    assert not {each.data_ptr() for each in weights(model.unet)} & set(at_home)


def test_loras_come_out_of_weights_that_leave_and_go_in_again_bit_by_bit(model: Model, fur: LoadedLora) -> None:
    originals = values(everything(model))
    model.to_device()
    model.use_loras([fur])
    merged = values(everything(model))

    model.evict_to_host()

    assert model.loras == ()
    assert equal(everything(model), originals)
    model.to_device()
    assert equal(everything(model), originals)
    assert model.use_loras([fur])
    assert equal(everything(model), merged)
    assert not equal(merged, originals)


def test_a_lora_needs_no_second_copy_of_what_is_kept(
    model: Model, fur: LoadedLora, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = values(everything(model))
    model.to_device()
    copied: list[str] = []
    to = Tensor.to

    def watched(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        copied.extend(["copied"] if kwargs.get("copy") else [])
        return to(self, *args, **kwargs)

    monkeypatch.setattr(Tensor, "to", watched)
    model.use_loras([fur])
    model.use_loras([])

    assert copied == []
    assert equal(everything(model), originals)


def test_while_offloading_each_stage_has_its_loras_whenever_it_comes(model: Model, fur: LoadedLora, card: Card) -> None:
    model.to_device()
    model.use_loras([fur])
    expected = predict(model)
    merged = values(weights(model.unet))
    model.evict_to_host()
    model.offload = True
    model.to_device()

    model.use_loras([fur])

    assert torch.equal(predict(model), expected)
    assert model.copies.original(next(iter(model.vae.parameters()))) is None
    model.bring("vae")
    came = card.came
    model.bring("vae")
    assert card.came == came
    assert torch.equal(predict(model), expected)
    assert equal(weights(model.unet), merged)
    model.use_loras([])
    assert not torch.equal(predict(model), expected)


def test_offloading_that_ends_leaves_the_loras_in_every_stage(model: Model, fur: LoadedLora) -> None:
    model.to_device()
    model.use_loras([fur])
    merged = values(everything(model))

    model.offload = True
    model.bring("vae")
    model.reset_offloading()

    assert equal(everything(model), merged)


def test_layers_that_come_and_go_by_themselves_have_loras_in_main_memory(
    model: Model, fur: LoadedLora, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = values(everything(model))
    monkeypatch.setattr(model_room, "choose_rung", lambda _free, _parts: Rung.STREAMED)
    monkeypatch.setattr(model.unet, "enable_group_offload", lambda *_args, **_options: None, raising=False)
    model.to_device()
    before = weight(model, "unet", UNET).data_ptr()

    model.use_loras([fur])

    assert weight(model, "unet", UNET).data_ptr() == before
    model.bring("text")
    assert not equal(weights(*model.text.modules), originals[-len(weights(*model.text.modules)) :])
    model.evict_to_host()
    assert equal(everything(model), originals)


def test_a_lora_for_which_memory_is_short_is_in_no_weight(
    model: Model, fur: LoadedLora, monkeypatch: pytest.MonkeyPatch
) -> None:
    originals = values(everything(model))
    model.to_device()
    change, calls = lora_room.change, 0

    def short(parts: lora_room.Parts, like: Tensor) -> Tensor:
        nonlocal calls
        calls += not like.is_meta
        if calls == 2 and not like.is_meta:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return change(parts, like)

    monkeypatch.setattr(lora_room, "change", short)
    with pytest.raises(torch.OutOfMemoryError):
        model.use_loras([fur])

    assert equal(everything(model), originals)
    assert model.loras == ()
    assert model.use_loras([fur])


def test_on_a_card_a_checkpoint_is_pinned_when_it_was_read(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool()
    monkeypatch.setattr(model_room, "PinnedMemory", lambda: pool)
    model = load(describe(models_folder / "tiny.safetensors"), CPU)

    model.settle(Placement(torch.device("cuda"), torch.float32, torch.float32))

    assert all(model.copies.rests(each) for each in everything(model))
    assert len({each.untyped_storage().data_ptr() for each in everything(model)}) == len(pool.taken)
    assert sum(pool.taken) - model.copies.spare == sum(each.nbytes for each in everything(model))


def test_what_is_pinned_in_vain_counts_within_the_budget(models_folder: Path) -> None:
    def read_and_pinned(_name: str) -> Model:
        found = load(describe(models_folder / "tiny.safetensors"), CPU)
        found.copies.keep((found.unet, found.vae, *found.text.modules), Pool())
        return found

    one = read_and_pinned("a")
    assert one.held == one.bytes + one.copies.spare > one.bytes
    for budget, kept in ((2 * one.held, ("a", "b")), (2 * one.held - 1, ("b",))):
        cache = ModelCache(read_and_pinned, budget)
        cache.get("a")
        cache.get("b")
        assert cache.names == kept
        cache.close()


def test_a_checkpoint_that_is_let_go_leaves_its_memory_to_the_next_at_once(models_folder: Path, card: Card) -> None:
    found = load(describe(models_folder / "tiny.safetensors"), CPU)
    found.copies = PinnedWeights(card)
    found.copies.keep((found.unet, found.vae, *found.text.modules), Pool())
    found.settle(CARD)
    found.faster = GraphedUnet(found.unet)
    found.to_device()
    found.evict_to_host()
    parts = [weakref.ref(each) for each in (found.unet, found.vae, *found.text.modules)]
    gc.disable()

    del found

    gone = [part() is None for part in parts]
    gc.enable()
    assert all(gone)
