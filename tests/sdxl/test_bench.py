"""The engine's half of the bench finds figures that make sense, on the tiny model."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from generation.bench.compare import compare_with_diffusers
from generation.bench.loop import engine_of, overhead, paint, request
from generation.bench.measure import Bench
from generation.bench.models import RANDOM_TINY, open_model
from generation.scheduling.batch_table import read_table
from generation.sdxl.model.model import Model
from generation.settings import GenerationSettings
from tests.sdxl.conftest import CPU


@pytest.fixture(scope="module")
def random_model() -> Model:
    return open_model(RANDOM_TINY, Path(), CPU)


def test_a_model_of_random_weights_paints(random_model: Model) -> None:
    (pictures,) = paint(engine_of(random_model), [request(64, 2)])

    assert (pictures[0].width, pictures[0].height) == (64, 64)


def test_the_loop_takes_at_least_as_long_as_the_calls_in_it(random_model: Model) -> None:
    assert 1 < overhead(random_model, 64, 6, 1) < 5


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' scheduler
def test_both_sides_of_the_comparison_paint_the_same_work(random_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    hook = random_model.unet.register_forward_pre_hook(lambda _module, inputs: rows.append(len(inputs[0])))
    monkeypatch.setattr("generation.bench.compare.SINGLE_STEPS", 4)
    monkeypatch.setattr("generation.bench.compare.MIXED_STEPS", (2, 3))

    compared = compare_with_diffusers(random_model, 64, 1)

    hook.remove()
    assert sum(rows) == 2 * 2 * (1 + 3 * 4 + 1 + 2 + 3)  # two sides, two rows for guidance
    assert compared.single > 0
    assert compared.mixed8 > 0


def test_what_was_calibrated_is_what_the_engine_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda _count: None)
    bench = Bench(GenerationSettings(data_dir=tmp_path, device="cpu"), RANDOM_TINY, quick=True, say=lambda _what: None)
    bench.side = 64

    path, table = bench.calibrate()

    assert path == tmp_path / "calls.json"
    assert sorted(table.seconds) == [32 * 32, 64 * 64, 128 * 128]
    assert read_table(tmp_path, bench.model.key) == table


class Counting:
    """Stands for a UNet and counts its calls."""

    def __init__(self, unet: Any) -> None:
        self._unet = unet
        self.calls = 0

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        self.calls += 1
        return self._unet(latents, timesteps, **conditions)

    def forget(self) -> None:
        """Has nothing to forget."""

    def release(self) -> bool:
        return False


def test_the_bare_loop_calls_the_unet_as_the_bot_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda _count: None)
    bench = Bench(GenerationSettings(data_dir=tmp_path, device="cpu"), RANDOM_TINY, quick=True, say=lambda _what: None)
    bench.side = 64
    unet = Counting(bench.model.unet)
    monkeypatch.setattr("generation.bench.measure.accelerate", lambda _model, _settings: unet)

    assert bench.bare_rate(2, 1)(1) > 0

    assert unet.calls == 2
