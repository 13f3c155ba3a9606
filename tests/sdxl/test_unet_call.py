"""The UNet call: attention without detours, compiling in the background, and memory that is short from the start."""

import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.activations import GEGLU
from torch import Tensor, nn

from generation.bench.loop import unet_call
from generation.bench.models import RANDOM_SDXL, open_model
from generation.models.catalog import describe
from generation.sdxl.acceleration.compiled import BLOCKS, MOST_KINDS, MOST_SHAPES, USUAL, BlockwiseUnet, CompiledUnet
from generation.sdxl.model import model as model_room
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import WORKING, Placement, Rung, choose_rung
from generation.sdxl.model.fused_modules import (
    ChannelsLastNorm,
    HalvedGEGLU,
    HalvedLinear,
    PlainAttention,
    fuse_modules,
    group_norm_last,
)
from generation.sdxl.model.model import Model
from tests.sdxl.conftest import CPU

GB = 10**9
META: Any = {"device": "meta", "dtype": torch.float16}
SDXL = [int(5.13 * GB), int(0.25 * GB), int(1.39 * GB), int(0.17 * GB)]


@pytest.fixture
def own_model(models_folder: Path) -> Model:
    """A model of the test's own, that it may change."""
    return load(describe(models_folder / "tiny.safetensors"), CPU)


def test_a_unet_without_detours_gives_the_same_numbers(own_model: Model) -> None:
    call = unet_call(own_model, 64)
    expected: Any = call()

    fuse_modules(own_model.unet)

    torch.testing.assert_close(call(), expected, atol=1e-5, rtol=1e-5)
    direct = [module for module in own_model.unet.modules() if isinstance(module, PlainAttention)]
    assert any(isinstance(module, ChannelsLastNorm) for module in own_model.unet.modules())
    assert len(direct) == 2 * (2 * 1 + 2 * 2 + 3 * 2 + 3 * 1 + 2)  # self and cross, in every block of the tiny UNet


def test_channels_stay_last_from_end_to_end(own_model: Model) -> None:
    fuse_modules(own_model.unet)
    first: list[str] = []

    def look(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def after(_module: nn.Module, _given: Any, answer: Any) -> None:
            if isinstance(answer, Tensor) and answer.ndim == 4:
                first.extend([name] * (not answer.is_contiguous(memory_format=torch.channels_last)))

        return after

    for name, module in own_model.unet.named_modules():
        module.register_forward_hook(look(name))
    unet_call(own_model, 64)()

    assert first == []


def test_the_halves_of_a_gated_projection_are_the_same_apart() -> None:
    whole: Any = GEGLU(64, 96)
    tokens = torch.randn(2, 48, 64, generator=torch.Generator().manual_seed(0))
    halves, gated = whole.proj(tokens).chunk(2, dim=-1), whole(tokens)

    whole.__class__, whole.proj.__class__ = HalvedGEGLU, HalvedLinear

    torch.testing.assert_close(whole.proj.apart(tokens), halves)
    assert all(half.is_contiguous() for half in whole.proj.apart(tokens))
    assert torch.equal(whole(tokens), gated)


class Compiler:
    """Stands for torch.compile: counts the calls of what it made, and fails where it should."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: Exception | None = None

    def __call__(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        def compiled(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.failure is not None:
                raise self.failure
            return forward(*args, **kwargs)

        return compiled


class Stand:
    """Stands for a UNet and does no more."""

    def __init__(self, unet: Any) -> None:
        self._unet = unet

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        return self._unet(latents, timesteps, **conditions)

    def forget(self) -> None:
        """Has nothing to forget."""

    def release(self) -> bool:
        return False


def test_a_usual_shape_is_compiled_in_the_background_and_then_used(own_model: Model) -> None:
    compiler = Compiler()
    with ThreadPoolExecutor(1) as background:
        own_model.faster = CompiledUnet(own_model.unet, background, compiler)
        call = unet_call(own_model, 64)
        expected: Any = [call() for _ in range(USUAL)][-1]
    assert compiler.calls == 1  # the warm-up; people were painted for eagerly

    again: Any = call()

    assert compiler.calls == 2
    assert torch.equal(expected, again)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # torch itself, when it imports its compiler
def test_compiled_blocks_work_with_the_weights_of_the_unet_itself(own_model: Model) -> None:
    fuse_modules(own_model.unet)
    call = unet_call(own_model, 64)
    twin = BlockwiseUnet(own_model.unet)
    with torch.no_grad():
        for weight in own_model.unet.parameters():
            weight.mul_(0.9)  # as merging a LoRA does
    expected: Any = call()

    own_model.faster = Stand(twin)
    with torch.compiler.set_stance("force_eager"):  # compiling itself takes half a minute
        found: Any = call()

    assert torch.equal(found, expected)


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_every_kind_of_block_is_compiled_on_whatever_thread(own_model: Model) -> None:
    fuse_modules(own_model.unet)
    calls = [unet_call(own_model, side) for side in (64, 72)]
    expected: list[Any] = [call() for call in calls]
    own_model.faster = Stand(BlockwiseUnet(own_model.unet, backend="eager"))

    def compile_all() -> list[Any]:
        with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
            return [call() for call in calls]

    with ThreadPoolExecutor(1) as elsewhere:
        found = elsewhere.submit(compile_all).result()

    torch.testing.assert_close(found, expected)


@pytest.mark.ci
def test_the_blocks_of_sdxl_may_be_compiled_for_every_shape() -> None:
    nowhere = Placement(torch.device("meta"), torch.float16, torch.float16)
    unet: Any = open_model(RANDOM_SDXL, Path(), nowhere).unet
    kinds: dict[type, set[Any]] = defaultdict(set)

    def note(block: nn.Module, given: tuple[Tensor, ...]) -> None:
        kinds[type(block)].add((given[0].shape, *(weight.shape for weight in block.parameters())))

    for module in unet.modules():
        if isinstance(module, BLOCKS):
            module.register_forward_pre_hook(note)
    latents, text, pooled, ids = (torch.empty(2, *shape, **META) for shape in ((4, 64, 64), (77, 2048), (1280,), (6,)))
    told = {"text_embeds": pooled, "time_ids": ids}
    unet(latents, torch.empty(2, device="meta"), encoder_hidden_states=text, added_cond_kwargs=told)

    assert MOST_SHAPES * max(map(len, kinds.values())) <= MOST_KINDS


@pytest.mark.parametrize("settled", [True, False])
def test_weights_that_move_spoil_only_the_compiling_that_is_under_way(own_model: Model, settled: bool) -> None:
    compiler, moved = Compiler(), threading.Event()
    compiler.failure = RuntimeError("the weights are gone")
    with ThreadPoolExecutor(1) as background:
        if not settled:
            background.submit(moved.wait)
        unet = CompiledUnet(own_model.unet, background, compiler)
        own_model.faster = unet
        call = unet_call(own_model, 64)
        for _ in range(USUAL):
            call()
        if settled:
            background.submit(lambda: None).result()  # behind the compiling

        unet.forget()
        moved.set()
        call()

    assert compiler.calls == (1 if settled else 2)


def test_an_unusual_shape_is_not_compiled(own_model: Model) -> None:
    compiler = Compiler()
    with ThreadPoolExecutor(1) as background:
        own_model.faster = CompiledUnet(own_model.unet, background, compiler)
        for side in (64, 72, 80, 88):
            unet_call(own_model, side)()

    assert compiler.calls == 0


def test_what_cannot_be_compiled_is_called_as_it_is(own_model: Model, caplog: pytest.LogCaptureFixture) -> None:
    compiler = Compiler()
    compiler.failure = RuntimeError("no C++ compiler")
    with ThreadPoolExecutor(1) as background:
        own_model.faster = CompiledUnet(own_model.unet, background, compiler)
        call = unet_call(own_model, 64)
        for _ in range(USUAL):
            call()

    call()

    assert compiler.calls == 1
    assert "called as it is: no C++ compiler" in caplog.text


@pytest.mark.parametrize(
    ("free", "rung"),
    [
        (None, Rung.RESIDENT),
        (11.5 * GB, Rung.RESIDENT),  # a card of 12 GB
        (7.5 * GB, Rung.OFFLOADED),  # of 8 GB
        (5.6 * GB, Rung.STREAMED),  # of 6 GB
    ],
)
def test_the_rung_is_chosen_from_what_is_free(free: float | None, rung: Rung) -> None:
    assert choose_rung(None if free is None else int(free), SDXL) is rung


def test_a_model_that_never_fitted_whole_goes_on_stage_by_stage(
    own_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_room, "free_memory", lambda _device: own_model.bytes - 1 + WORKING)

    own_model.to_device()
    own_model.reset_offloading()

    assert own_model.rung is Rung.OFFLOADED
    assert own_model.offload


@pytest.mark.parametrize("offset", [0.3, 2.0, 10.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_group_normalisation_with_channels_last_is_as_exact_as_torchs(dtype: torch.dtype, offset: float) -> None:
    draw = torch.Generator().manual_seed(0)
    pixels = (torch.randn(2, 40, 24, 17, generator=draw) + offset).to(dtype)
    weight, bias = torch.randn(2, 40, generator=draw).to(dtype)
    exact = torch.nn.functional.group_norm(pixels.double(), 8, weight.double(), bias.double(), 1e-5)
    rounded = torch.nn.functional.group_norm(pixels.float(), 8, weight.float(), bias.float(), 1e-5).to(dtype)

    found = group_norm_last(pixels.to(memory_format=torch.channels_last), 8, weight, bias, 1e-5)

    assert found.is_contiguous(memory_format=torch.channels_last)
    assert found.dtype is dtype
    assert (found.double() - exact).abs().mean() <= 1.5 * (rounded.double() - exact).abs().mean() + 1e-5
