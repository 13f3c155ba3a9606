"""The bench's figures as people and programs get them."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot import bootstrap
from bot.bench import serving
from bot.bench.report import AIMS, tables, value_at
from bot.bench.run import BenchOptions, bench
from bot.errors import EaselError
from bot.settings import Settings

FIGURES: dict[str, Any] = {
    "versions": {"easel": "0.1.0", "device": "a card", "dtype": "float16", "torch": "2.13", "diffusers": "0.42"},
    "model": "starter",
    "engine": {
        "overhead": 1.004,
        "speeds": [{"side": 512, "pictures": 2, "mode": "eager", "steps_per_second": 12.5, "share": 0.47}],
    },
    "serving": {"r2": 0.5, "idle_ms": 90.0},
}


def shown() -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    for table in tables(FIGURES):
        console.print(table)
    return console.export_text(styles=True)


def test_what_was_measured_is_shown_beside_its_aim() -> None:
    text = shown()

    assert "1.004" in text
    assert "at most 1.02" in text
    assert "90 ms" in text
    assert "47%" in text
    assert "diffusers" in text


def test_what_was_not_measured_is_left_out() -> None:
    assert value_at(FIGURES, ("compare", "diffusers", "single")) is None
    assert "ours / diffusers" not in shown()


@pytest.mark.parametrize(
    ("path", "value", "missed"),
    [
        (("serving", "r2"), 0.96, True),
        (("serving", "r2"), 0.98, False),
        (("serving", "idle_ms"), 151.0, True),
        (("engine", "overhead"), 1.01, False),
        (("cpu", "png_ms"), 1e9, False),  # nothing is asked of it
    ],
)
def test_a_missed_aim_is_known(path: tuple[str, ...], value: float, missed: bool) -> None:
    aim = next(aim for aim in AIMS if aim.path == path)

    assert aim.missed(value) is missed


def test_a_comparison_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EaselError, match="there is one with diffusers"):
        bench(Settings(), BenchOptions(compare="magic"))


class QuietStreet:
    """A Discord that sees the bot when the test says."""

    def __init__(self) -> None:
        self.sees_the_bot = asyncio.Event()
        self.sees_the_bot.set()

    async def online(self) -> None:
        await asyncio.sleep(0)
        await self.sees_the_bot.wait()


class Bot:
    """A bot that runs until it is told to die."""

    def __init__(self) -> None:
        self.death: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def serve(self, *_: object) -> None:
        try:
            await self.death
        finally:
            self.closed = True


@pytest.fixture
async def there(monkeypatch: pytest.MonkeyPatch) -> QuietStreet:
    quiet = QuietStreet()

    @asynccontextmanager
    async def street() -> AsyncIterator[tuple[QuietStreet, str, str]]:
        yield quiet, "http://127.0.0.1", "a token"

    monkeypatch.setattr(serving, "street", street)
    return quiet


@pytest.fixture
async def bot(monkeypatch: pytest.MonkeyPatch) -> Bot:
    made = Bot()
    monkeypatch.setattr(bootstrap, "serve", made.serve)
    return made


@pytest.mark.usefixtures("there")
async def test_a_long_measurement_outlasts_the_time_to_come_online(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(serving, "ONLINE_SECONDS", 0.05)

    async def work(*_: object) -> str:
        await asyncio.sleep(0.2)
        return "measured"

    assert await serving.beside_the_bot(Settings(data_dir=tmp_path), tmp_path, work) == "measured"
    assert bot.closed


async def test_a_bot_that_does_not_come_online_is_told(
    there: QuietStreet, bot: Bot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(serving, "ONLINE_SECONDS", 0.05)
    there.sees_the_bot.clear()

    async def work(*_: object) -> None:
        raise AssertionError("it is not online")

    with pytest.raises(EaselError, match=r"did not come online within 0\.05 seconds"):
        await serving.beside_the_bot(Settings(data_dir=tmp_path), tmp_path, work)

    assert bot.closed


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("error", [EaselError("The token was refused."), None])
async def test_a_bot_that_dies_ends_its_measurement(bot: Bot, tmp_path: Path, error: EaselError | None) -> None:
    async def work(*_: object) -> None:
        if error is None:
            bot.death.set_result(None)
        else:
            bot.death.set_exception(error)
        await asyncio.Event().wait()

    measuring = asyncio.create_task(serving.beside_the_bot(Settings(data_dir=tmp_path), tmp_path, work))
    ended, _ = await asyncio.wait([measuring], timeout=5)

    assert ended
    with pytest.raises(EaselError, match=str(error or "ended while it was being measured")):
        measuring.result()


@pytest.mark.usefixtures("there")
async def test_what_goes_wrong_in_a_measurement_is_told_as_it_is(bot: Bot, tmp_path: Path) -> None:
    async def work(*_: object) -> None:
        raise KeyError("posted")

    with pytest.raises(KeyError, match="posted"):
        await serving.beside_the_bot(Settings(data_dir=tmp_path), tmp_path, work)

    assert bot.closed
