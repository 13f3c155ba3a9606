"""Must hold: whatever reads typed text takes linear time, and either reads it or refuses it in words."""

import time
from pathlib import Path

import pytest

from bot.ui.discord import escape
from generation.prompt import parser
from generation.typed_text import TypedText
from tests.fakes import model_files
from tests.typed.grammars import grammars
from tests.typed.readers import HANDED_ON, Reader, collected, outcome, readers
from tests.unit.bot.house import House

LONG, SHORT = 6000, 1500
MOST_TIMES = 6  # as long for four times the text
AT_ONCE = 0.05  # seconds: below it a ratio is noise
MOST_SECONDS = 1.0
TRIES = 5


@pytest.fixture
async def house(tmp_path: Path) -> House:
    model_files(tmp_path, "tiny")
    house = House(tmp_path)
    await house.service.models.refresh()
    return house


async def test_every_reader_of_typed_text_is_known_here(house: House) -> None:
    unknown = collected() - readers(house).keys() - HANDED_ON

    assert unknown == set(), "say in tests/typed/readers.py how they are called"
    assert collected() >= HANDED_ON


async def test_every_reader_takes_linear_time_and_refuses_in_words(house: House) -> None:
    slow = []
    for name, reader in readers(house).items():
        for kind, text in grammars(LONG).items():
            seconds = await _seconds(reader, text)
            if seconds > AT_ONCE:
                shorter = await _seconds(reader, grammars(SHORT)[kind])
                if seconds > max(MOST_TIMES * shorter, AT_ONCE) or seconds > MOST_SECONDS:
                    slow.append(f"{name} of {kind}: {shorter:.3f} s, {seconds:.3f} s")

    assert slow == []


async def _seconds(reader: Reader, text: TypedText) -> float:
    """Returns the least processor time of some tries, with nothing remembered; only a slow one is tried again."""
    least = float("inf")
    for _ in range(TRIES):
        parser.forget()
        escape.forget()
        started = time.process_time()
        await outcome(reader, text)
        least = min(least, time.process_time() - started)
        if least <= AT_ONCE:
            break
    return least
