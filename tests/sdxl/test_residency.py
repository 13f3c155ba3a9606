"""Which checkpoints stay in memory, and when the others come."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from generation import CancelToken, Catalog, GenerationCancelledError, GenerationSettings, ModelEntry
from generation.errors import ModelError
from generation.sdxl.engine.model_cache import ModelCache
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import Placement
from generation.sdxl.model.model import Model
from generation.worker import local
from generation.worker.local import LocalExecutor
from tests.sdxl.conftest import request


class Shelf:
    """Stands for the disk: hands out one model under many names and remembers who asked."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.read: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, name: str) -> Model:
        self.read.append(name)
        self.gate.wait(20)
        if name == "damaged":
            raise ModelError("damaged is damaged.")
        return Model(self.model.unet, self.model.vae, self.model.text, self.model.placement)


@pytest.fixture
def shelf(model: Model) -> Shelf:
    return Shelf(model)


@pytest.fixture
def two(shelf: Shelf, model: Model) -> Iterator[ModelCache]:
    """Has room for two checkpoints."""
    cache = ModelCache(shelf, 2 * model.bytes, lambda _name: model.bytes)
    yield cache
    shelf.gate.set()
    cache.close()


def test_switching_between_two_in_memory_reads_nothing(two: ModelCache, shelf: Shelf) -> None:
    models = [two.get(name) for name in "ababa"]

    assert shelf.read == ["a", "b"]
    assert models[0] is models[2] is models[4]


def test_the_least_recently_used_leaves_first(two: ModelCache, shelf: Shelf) -> None:
    for name in ("a", "b", "a", "c"):
        two.get(name)

    assert two.names == ("a", "c")
    two.get("b")
    assert shelf.read == ["a", "b", "c", "b"]


def test_one_that_is_in_use_stays_and_the_next_waits_for_room(two: ModelCache) -> None:
    two.get("a")
    two.get("b")

    assert not two.prefetch("c", in_use={"a", "b"})
    assert two.prefetch("c", in_use={"b"})
    assert isinstance(two.get("c", in_use={"b"}), Model)
    assert two.names == ("b", "c")


def test_a_checkpoint_larger_than_the_budget_is_alone(shelf: Shelf, model: Model) -> None:
    cache = ModelCache(shelf, model.bytes / 2, lambda _name: model.bytes)

    cache.get("a")
    cache.get("b")

    assert cache.names == ("b",)
    cache.close()


def test_the_next_comes_while_nobody_waits_for_it(two: ModelCache, shelf: Shelf) -> None:
    two.get("a")
    shelf.gate.clear()

    assert two.prefetch("b", in_use={"a"})
    assert not two.ready("b")
    shelf.gate.set()
    two.wait(20)

    assert two.ready("b")
    assert shelf.read == ["a", "b"]


def test_one_that_cannot_be_loaded_is_tried_again_when_asked_again(two: ModelCache, shelf: Shelf) -> None:
    for _ in range(2):
        with pytest.raises(ModelError, match="damaged is damaged"):
            two.get("damaged")

    assert shelf.read == ["damaged", "damaged"]
    assert two.empty


def test_nobody_waits_for_one_that_has_failed_already(two: ModelCache, shelf: Shelf) -> None:
    two.prefetch("damaged")
    two.wait(20)
    assert two.ready("damaged")
    shelf.gate.clear()
    two.prefetch("a")
    threading.Timer(0.2, shelf.gate.set).start()

    two.wait(20)

    assert two.ready("a")


def test_a_failure_that_nobody_waits_for_is_tried_anew_and_another_is_kept(two: ModelCache, shelf: Shelf) -> None:
    two.prefetch("damaged")
    two.wait(20)

    two.forget_failures(awaited={"damaged"})
    two.prefetch("damaged")
    assert shelf.read == ["damaged"]
    two.forget_failures(awaited=())
    with pytest.raises(ModelError, match="damaged is damaged"):
        two.get("damaged")

    assert shelf.read == ["damaged", "damaged"]


def test_one_that_came_for_a_cancelled_work_leaves_when_room_is_needed(two: ModelCache) -> None:
    two.get("a")
    two.prefetch("forgotten", in_use={"a"})
    two.wait(20)

    assert two.prefetch("b", in_use={"a"})
    two.get("b", in_use={"a"})

    assert two.names == ("a", "b")


def test_on_a_full_device_the_least_recently_used_gives_way(
    two: ModelCache, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is moved: the test says what fits and notes what would move."""
    first, second = two.get("a"), two.get("b")
    moves: list[tuple[str, str]] = []
    for name, each in (("a", first), ("b", second)):
        each.placement = Placement(torch.device("mps"), model.placement.dtype, model.placement.vae_dtype)
        each.here = name == "a"
    monkeypatch.setattr(Model, "_move", lambda self, to: moves.append(("a" if self is first else "b", str(to))))
    monkeypatch.setattr(Model, "fits", lambda _self: not first.here)

    assert two.to_device(second)
    assert not two.to_device(second)

    assert moves == [("a", "cpu"), ("b", "mps")]
    assert (first.here, second.here) == (False, True)


async def test_the_next_checkpoint_is_read_while_the_present_one_paints(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, str]] = []
    painting, reading = threading.Event(), threading.Event()

    def watched(entry: ModelEntry, placement: Placement) -> Model:
        read.append((entry.name, threading.current_thread().name))
        if entry.name == "zebra":
            reading.set()
            assert painting.wait(20)
        return load(entry, placement)

    monkeypatch.setattr(local, "load", watched)
    executor = LocalExecutor(GenerationSettings(models_dir=models_folder, device="cpu"), Catalog(models_folder))
    await executor.generate(request(steps=1))
    zebra = asyncio.create_task(executor.generate(request(model="zebra", steps=2)))
    assert await asyncio.to_thread(reading.wait, 20)
    await executor.generate(request(steps=4))  # painted to its end while zebra is still being read
    painting.set()
    await zebra
    for name in ("tiny", "zebra", "tiny", "zebra"):
        await executor.generate(request(model=name, steps=1))
    await executor.close()

    assert [name for name, _ in read] == ["tiny", "zebra"]
    assert all(thread.startswith("loader") for _, thread in read)


async def test_a_work_that_waits_for_its_checkpoint_can_be_cancelled(
    models_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(entry: ModelEntry, placement: Placement) -> Model:
        reading.set()
        assert go_on.wait(20)
        return load(entry, placement)

    monkeypatch.setattr(local, "load", slow)
    executor = LocalExecutor(GenerationSettings(models_dir=models_folder, device="cpu"), Catalog(models_folder))
    token = CancelToken()
    waiting = asyncio.create_task(executor.generate(request(), cancel=token))
    assert await asyncio.to_thread(reading.wait, 20)

    token.cancel()
    with pytest.raises(GenerationCancelledError):
        await waiting

    go_on.set()
    await executor.close()
