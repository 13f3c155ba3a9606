"""What takes too much of the engine is refused before it is queued; stored jobs beyond it can still be shown."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain import Order
from bot.services.requests.resolve import Defaults, resolve
from generation import Hires, InvalidRequestError, Lora, ModelEntry
from tests.fakes import model_files
from tests.unit.bot.house import SOMEONE, House
from tests.unit.bot.jobs import job

DEFAULTS = Defaults(steps=9, cfg=7.0, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
MODELS = (ModelEntry("sdxl", "x/y", "SDXL"), ModelEntry("small", "x/z", "SDXL", native_size=128))


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"prompt": "a BREAK " * 20 + "b"}, "prompt takes 21 rows of 75 tokens"),
        ({"prompt": "a " * 1500 + "BREAK b"}, "prompt takes 21 rows of 75 tokens"),
        ({"negative": "a BREAK " * 20 + "b"}, "negative takes 21 rows of 75 tokens"),
        ({"lora": ",".join("abcdefgh"), "prompt": "a <lora:i>"}, "9 LoRAs are too many"),
        ({"upscale": 2.0, "tile": 504}, "tile is 504, but with this model it must be at least 512"),
        ({"upscale": 2.0, "tile": 64, "model": "small"}, ""),
    ],
)
def test_what_takes_too_much_is_refused_in_words(typed: dict[str, object], reason: str) -> None:
    order = Order(**({"prompt": "a cat"} | typed))  # type: ignore[arg-type]

    if not reason:
        assert resolve(order, MODELS, "sdxl", DEFAULTS).request.hires is not None
        return
    with pytest.raises(InvalidRequestError, match=reason):
        resolve(order, MODELS, "sdxl", DEFAULTS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"prompt": "BREAK " * 30}, "31 rows"),
        ({"loras": tuple(Lora(name) for name in "abcdefghi")}, "9 LoRAs are too many"),
        ({"hires": Hires(tile=64)}, "tile is 64"),
    ],
)
async def test_a_stored_job_beyond_the_limits_is_shown_and_not_painted_again(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    model_files(tmp_path, "tiny")
    house = House(tmp_path)
    await house.service.models.refresh()
    stored = job(**changes)
    await house.ledger.add(stored)

    found = await house.ledger.find(stored.id)

    assert found == stored
    with pytest.raises(InvalidRequestError, match=reason):
        house.service.accept_again(stored.request, SOMEONE)
    house.service.accept_again(replace(stored.request, prompt="a", loras=(), hires=None), SOMEONE)
