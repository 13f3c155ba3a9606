"""The bench's figures as people and programs get them."""

import io
from typing import Any

import pytest
from rich.console import Console

from bot.bench.report import AIMS, tables, value_at
from bot.bench.run import Wishes, bench
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
        bench(Settings(), Wishes(compare="magic"))
