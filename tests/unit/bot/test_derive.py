from dataclasses import replace

import pytest

from bot.domain import Action
from bot.services.requests.derive import STRENGTHS, rerolled, varied
from generation import GenerationRequest

BASE = GenerationRequest(prompt="a cat", model="tiny", seed=7, count=4, steps=12, clip_skip=1)


def test_a_reroll_changes_the_seed_alone() -> None:
    assert rerolled(BASE, lambda: 99) == replace(BASE, seed=99)


def test_a_reroll_of_variations_varies_the_same_picture_anew() -> None:
    variations = replace(BASE, subseed=3, subseed_strength=0.4)

    assert rerolled(variations, lambda: 99) == replace(variations, subseed=99)


@pytest.mark.parametrize("action", [Action.VARY_SUBTLE, Action.VARY_STRONG])
def test_variations_begin_at_the_pictures_own_seed(action: Action) -> None:
    variations = varied(BASE, 3, action, 2, lambda: 99)

    assert variations == replace(BASE, seed=9, count=2, subseed=99, subseed_strength=STRENGTHS[action])
    assert [variations.picture(index).subseed for index in range(2)] == [99, 100]
    assert {variations.picture(index).seed for index in range(2)} == {9}


def test_subtle_stays_closer_than_strong() -> None:
    assert 0 < STRENGTHS[Action.VARY_SUBTLE] < STRENGTHS[Action.VARY_STRONG] < 0.5


def test_a_variation_of_a_variation_keeps_the_seed_and_comes_no_nearer() -> None:
    first = varied(BASE, 2, Action.VARY_STRONG, 4, lambda: 99)

    second = varied(first, 3, Action.VARY_SUBTLE, 4, lambda: 5)

    assert (second.seed, second.subseed, second.subseed_strength) == (8, 5, STRENGTHS[Action.VARY_STRONG])


def test_a_picture_of_a_comfyui_batch_keeps_its_place_in_the_batch() -> None:
    batch = replace(BASE, noise="comfyui")

    variation = varied(batch, 3, Action.VARY_STRONG, 4, lambda: 99)

    assert (variation.noise, variation.row, variation.rows, variation.count) == ("comfyui", 2, 4, 1)


def test_a_single_picture_with_comfyuis_noise_is_varied_from_that_noise() -> None:
    single = replace(BASE, noise="comfyui", count=1)

    variations = varied(single, 1, Action.VARY_STRONG, 4, lambda: 99)

    assert (variations.noise, variations.seed, variations.count) == ("easel", 7, 4)
