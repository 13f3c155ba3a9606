"""What one signal after the other does to a bot that runs."""

import asyncio
import os

import pytest

from bot.bootstrap import _Stop


async def test_the_first_signal_cancels_the_second_hurries_the_third_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = list[str]()
    monkeypatch.setattr(os, "_exit", lambda code: done.append(f"exit {code}"))
    ready = asyncio.Event()
    stops = list[_Stop]()

    async def serve() -> None:
        stops.append(_Stop())
        stops[0].hurry = lambda: done.append("hurry")
        ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            done.append("closing")
            await asyncio.sleep(0)  # a second cancellation would interrupt this
            done.append("closed")

    serving = asyncio.create_task(serve())
    await ready.wait()
    stops[0]._next()
    await asyncio.sleep(0)
    stops[0]._next()
    with pytest.raises(asyncio.CancelledError):
        await serving
    stops[0]._next()

    assert done == ["closing", "hurry", "closed", "exit 1"]
