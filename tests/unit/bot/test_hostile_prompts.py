"""The prompts of the hostile benchmark, one by one."""

import pytest

from benchmarks.hostile.prompts import TEMPLATE, TEMPLATES, Hostile, hostile_prompts
from bot.domain import Order
from bot.errors import EaselError
from bot.services.requests.layers import Preferences
from bot.services.requests.resolve import Defaults, resolve
from generation import GenerationError, GenerationRequest, ModelEntry
from generation.prompt import permutations
from generation.request.request import MAX_PROMPT_CHARACTERS
from generation.typed_text import TypedText

DEFAULTS = Defaults(steps=9, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
MODELS = (ModelEntry("tiny", "x/y", "SDXL"),)
PRESETS = Preferences(presets={f"p{number}": {"prompt": TEMPLATE} for number in range(TEMPLATES)})


def completed(hostile: Hostile) -> list[GenerationRequest]:
    prompts = permutations.expand(TypedText(hostile.prompt), 100)
    return [
        resolve(Order(prompt=each, **hostile.options), MODELS, "tiny", DEFAULTS, PRESETS).request for each in prompts
    ]


def test_there_are_fifty_that_discord_lets_people_type() -> None:
    prompts = hostile_prompts()

    assert len({each.name for each in prompts}) == 50
    assert all(0 < len(each.prompt) <= MAX_PROMPT_CHARACTERS for each in prompts)


@pytest.mark.parametrize("hostile", hostile_prompts(), ids=lambda hostile: hostile.name)
def test_a_hostile_prompt_becomes_a_request_within_the_limits_or_is_refused_in_words(hostile: Hostile) -> None:
    try:
        requests = completed(hostile)
    except (EaselError, GenerationError) as refusal:
        assert 0 < len(str(refusal)) < 1000  # noqa: PT017 - either is right
    else:
        assert all(len(request.prompt) <= MAX_PROMPT_CHARACTERS for request in requests)
