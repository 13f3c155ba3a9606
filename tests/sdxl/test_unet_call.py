"""The UNet call: attention without detours, compiling in the background, and memory that is short from the start."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.bench.loop import unet_call
from generation.catalog import describe
from generation.sdxl import model as model_room
from generation.sdxl.attention import PlainAttention, streamline
from generation.sdxl.checkpoint import load
from generation.sdxl.compiled import USUAL, CompiledUnet
from generation.sdxl.memory import WORKING, Rung, choose_rung
from generation.sdxl.model import Model
from tests.sdxl.conftest import CPU

GB = 10**9
SDXL = [int(5.13 * GB), int(0.25 * GB), int(1.39 * GB), int(0.17 * GB)]


@pytest.fixture
def own_model(models_folder: Path) -> Model:
    """A model of the test's own, that it may change."""
    return load(describe(models_folder / "tiny.safetensors"), CPU)


def test_a_unet_without_detours_gives_the_same_numbers(own_model: Model) -> None:
    call = unet_call(own_model, 64)
    expected: Any = call()

    streamline(own_model.unet)

    torch.testing.assert_close(call(), expected, atol=1e-5, rtol=1e-5)
    direct = [module for module in own_model.unet.modules() if isinstance(module, PlainAttention)]
    assert len(direct) == 2 * (2 * 1 + 2 * 2 + 3 * 2 + 3 * 1 + 2)  # self and cross, in every block of the tiny UNet


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


def test_a_usual_shape_is_compiled_in_the_background_and_then_used(own_model: Model) -> None:
    compiler = Compiler()
    with ThreadPoolExecutor(1) as background:
        own_model.compiled = CompiledUnet(own_model.unet, background, compiler)
        call = unet_call(own_model, 64)
        expected: Any = [call() for _ in range(USUAL)][-1]
    assert compiler.calls == 1  # the warm-up; people were painted for eagerly

    again: Any = call()

    assert compiler.calls == 2
    assert torch.equal(expected, again)


def test_an_unusual_shape_is_not_compiled(own_model: Model) -> None:
    compiler = Compiler()
    with ThreadPoolExecutor(1) as background:
        own_model.compiled = CompiledUnet(own_model.unet, background, compiler)
        for side in (64, 72, 80, 88):
            unet_call(own_model, side)()

    assert compiler.calls == 0


def test_what_cannot_be_compiled_is_called_eagerly(own_model: Model, caplog: pytest.LogCaptureFixture) -> None:
    compiler = Compiler()
    compiler.failure = RuntimeError("no C++ compiler")
    with ThreadPoolExecutor(1) as background:
        own_model.compiled = CompiledUnet(own_model.unet, background, compiler)
        call = unet_call(own_model, 64)
        for _ in range(USUAL):
            call()

    call()

    assert compiler.calls == 1
    assert "called eagerly: no C++ compiler" in caplog.text


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

    own_model.come()
    own_model.stay()

    assert own_model.rung is Rung.OFFLOADED
    assert own_model.offload
