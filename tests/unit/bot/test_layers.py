"""The order of resolution: typed > preset > mine > channel > server > the model's advice > the bot's."""

import pytest

from bot.domain import Order
from bot.services.requests.layers import Preferences, Source
from bot.services.requests.resolve import Resolved, resolve
from generation import InvalidRequestError, ModelEntry
from generation.typed_text import TypedText
from tests.unit.bot.test_resolve import DEFAULTS, MODELS

MODEL = (ModelEntry("OpenDalleV1.1", "x/y", "SDXL"), *MODELS)
TASTE = Preferences(
    mine={"steps": 11, "cfg": 1.1, "sampler": "lms"},
    channel={"steps": 12, "cfg": 1.2, "sampler": "heun", "scheduler": "simple"},
    server={"steps": 13, "cfg": 1.3, "sampler": "ddim", "scheduler": "normal", "count": 2},
    presets={"moody": {"steps": 10, "cfg": 1.0}, "film": {"cfg": 9.0, "prompt": "{prompt}, on film", "seed": 5}},
)


def ask(preferences: Preferences = TASTE, **typed: object) -> Resolved:
    order = Order(**({"prompt": "a cat", "model": "OpenDalleV1.1"} | typed))  # type: ignore[arg-type]
    return resolve(order, MODEL, "sdxl", DEFAULTS, preferences, draw_seed=lambda: 99)


def origin(resolved: Resolved, name: str) -> tuple[object, str]:
    return resolved.chosen[name].value, str(resolved.chosen[name])


def test_each_layer_decides_what_no_stronger_one_does() -> None:
    asked = ask(steps=9, prompt="a cat --moody")

    assert origin(asked, "steps") == (9, "typed")
    assert origin(asked, "cfg") == (1.0, "preset moody")
    assert origin(asked, "sampler") == ("lms", "your default")
    assert origin(asked, "scheduler") == ("simple", "the channel's default")
    assert origin(asked, "count") == (2, "the server's default")
    assert origin(asked, "negative") == ("blurry", "the bot's default")
    assert origin(asked, "seed") == (99, "drawn by lot")
    assert (asked.request.steps, asked.request.guidance_scale, asked.request.sampler) == (9, 1.0, "lms")
    assert (asked.request.scheduler, asked.request.count, asked.request.seed) == ("simple", 2, 99)


def test_what_the_models_card_advises_is_weaker_than_what_people_chose() -> None:
    assert origin(ask(Preferences()), "steps") == (35, "advised for this model opendalle-fast")
    assert origin(ask(Preferences(server={"steps": 13})), "steps") == (13, "the server's default")
    assert origin(ask(Preferences(), preset="none"), "steps") == (30, "the bot's default")


def test_a_default_preset_stands_above_the_defaults_of_its_own_place() -> None:
    mine = Preferences(mine={"preset": "moody", "steps": 11}, channel={"preset": "film"}, presets=TASTE.presets)

    assert origin(ask(mine), "steps") == (10, "preset moody")
    assert ask(mine).request.prompt == "a cat"
    assert origin(ask(mine, preset="none"), "steps") == (11, "your default")
    assert ask(mine, preset="film").request.prompt == "a cat, on film"


def test_several_presets_are_stacked_and_the_last_one_is_the_strongest() -> None:
    asked = ask(prompt="a cat --moody --film", preset="opendalle-detail")

    assert (asked.request.steps, asked.request.guidance_scale, asked.request.sampler) == (65, 7.5, "dpm_2")
    assert (ask(prompt="a cat --moody --film").request.guidance_scale) == 9.0
    assert asked.request.prompt == "a cat, on film"


@pytest.mark.parametrize(
    ("template", "prompt"), [("a photo of {prompt}", "a photo of a cat"), ("muted colours", "a cat, muted colours")]
)
def test_a_presets_prompt_is_a_template(template: str, prompt: str) -> None:
    assert ask(Preferences(presets={"it": {"prompt": template}}), preset="IT").request.prompt == prompt


def test_a_size_comes_whole_from_one_layer() -> None:
    mine = Preferences(mine={"width": 512, "height": 512}, channel={"aspect": "3:2"})

    assert (ask(mine).request.width, ask(mine).request.height) == (512, 512)
    wide = ask(mine, aspect="3:2").request
    assert (wide.width, wide.height) == (1216, 832)
    assert (ask(mine, width=768).request.width, ask(mine, width=768).request.height) == (768, 1024)


def test_a_default_that_is_gone_is_named_with_whose_it_is() -> None:
    with pytest.raises(InvalidRequestError, match=r"named 'gone'.* It is your default; /settings changes it"):
        ask(Preferences(mine={"preset": "gone"}))
    with pytest.raises(InvalidRequestError, match=r"named 'gone'.* It is the server's default; name another model"):
        resolve(Order(prompt=TypedText("a")), MODEL, "sdxl", DEFAULTS, Preferences(server={"model": "gone"}))
    with pytest.raises(InvalidRequestError, match=r"There is no preset named 'mody'. Did you mean moody\?$"):
        ask(preset="mody")


def test_the_order_of_the_sources_is_the_order_of_their_strength() -> None:
    assert list(Source) == ["typed", "preset", "your default", "the channel's default", "the server's default",
                            "advised for this model", "the bot's default", "drawn by lot"]  # fmt: skip


def test_presets_expand_only_within_the_prompt_limit() -> None:
    places = Preferences(presets={f"p{number}": {"prompt": "{prompt}" * 125} for number in range(5)})

    with pytest.raises(
        InvalidRequestError, match=r"prompt with the preset p3 is 15,625 characters long; at most 6,000"
    ):
        ask(places, prompt="a --p0 --p1 --p2 --p3 --p4")


def test_a_prompt_may_fill_the_limit_with_its_presets() -> None:
    film = Preferences(presets={"film": {"prompt": "{prompt}, on film"}})
    longest = "x" * (6000 - len(", on film"))

    assert len(ask(film, prompt=longest, preset="film").request.prompt) == 6000
    with pytest.raises(InvalidRequestError, match="6,001 characters"):
        ask(film, prompt=f"{longest}x", preset="film")


def test_a_stored_template_with_several_places_still_works() -> None:
    twice = Preferences(presets={"twice": {"prompt": "{prompt}, more {prompt}"}})

    assert ask(twice, preset="twice").request.prompt == "a cat, more a cat"
