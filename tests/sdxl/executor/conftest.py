"""What stands before the functions of the engine, to count their calls and let some fail."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from generation.sdxl.engine import engine, run
from generation.sdxl.latents import vae as vae_room


class Watch:
    """Stands before a function of the engine: counts its calls and lets some of them fail."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.calls = 0
        self.sizes: list[int] = []
        self.failures: list[Exception | None] = []
        self.on_call: Callable[[int], None] = lambda _number: None

    def started(self) -> asyncio.Event:
        """Returns an event of the event loop that is set at the first call."""
        event, loop = asyncio.Event(), asyncio.get_running_loop()

        def set_soon(_number: int) -> None:
            loop.call_soon_threadsafe(event.set)

        self.on_call = set_soon
        return event

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        self.on_call(self.calls)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        if len(args) > 1 and isinstance(args[1], list):
            self.sizes.append(len(args[1]))
        return self._function(*args, **kwargs)


@pytest.fixture
def unet(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch(run.call_unet)
    monkeypatch.setattr(engine, "call_unet", watch)
    return watch


@pytest.fixture
def vae(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch(vae_room.decoding)
    monkeypatch.setattr(engine, "decoding", watch)
    return watch
