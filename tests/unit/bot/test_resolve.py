import math

import pytest

from bot.domain import Order
from bot.errors import LimitError
from bot.services.requests.resolve import Defaults, resolve
from bot.services.requests.sizes import ASPECTS, parse_aspect, size_for
from generation import GenerationRequest, InvalidRequestError, ModelEntry
from generation.typed_text import TypedText

DEFAULTS = Defaults(
    steps=30, cfg=7.0, sampler="dpmpp_2m", scheduler="karras", negative="blurry", count=1, max_size=2048
)
MODELS = (ModelEntry("sdxl", "x/y", "SDXL"), ModelEntry("Small", "x/z", "SDXL", native_size=128))


def ask(**typed: object) -> GenerationRequest:
    order = Order(**({"prompt": "a cat"} | typed))  # type: ignore[arg-type]
    return resolve(order, MODELS, "sdxl", DEFAULTS, draw_seed=lambda: 99).request


def test_what_is_left_open_has_its_default() -> None:
    assert ask() == GenerationRequest(prompt="a cat", negative_prompt="blurry", model="sdxl", seed=99)


def test_what_is_typed_beats_the_default() -> None:
    asked = ask(negative="", model="SMALL", steps=1, cfg=0.0, sampler="euler", scheduler="normal", seed=0, count=4)

    assert asked == GenerationRequest(
        prompt="a cat", model="Small", width=128, height=128, steps=1, guidance_scale=0.0, sampler="euler",
        scheduler="normal", seed=0, count=4,
    )  # fmt: skip


def test_an_empty_prompt_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="say what to paint"):
        ask(prompt="  ")


def test_an_unknown_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidRequestError, match=r"There is no model named 'sdlx'. Did you mean sdxl\?"):
        ask(model="sdlx")


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ({"aspect": "3:2"}, (1216, 832)),
        ({"aspect": "2:3"}, (832, 1216)),
        ({"aspect": "16:9"}, (1344, 768)),
        ({"aspect": "1:1"}, (1024, 1024)),
        ({"aspect": "3:2", "width": 768}, (768, 512)),
        ({"aspect": "3:2", "height": 512}, (768, 512)),
        ({"width": 512}, (512, 1024)),
        ({"aspect": "2:1", "model": "small"}, (176, 88)),
    ],
)
def test_a_size_follows_from_what_was_typed(typed: dict[str, object], size: tuple[int, int]) -> None:
    asked = ask(**typed)

    assert (asked.width, asked.height) == size


def test_aspect_and_both_sides_contradict_each_other() -> None:
    with pytest.raises(InvalidRequestError, match="either aspect or both width and height"):
        ask(aspect="1:1", width=512, height=512)


@pytest.mark.parametrize("aspect", ["wide", "3", "0:1", "5:1", "1:5", "3:2:1", "-3:2"])
def test_an_impossible_aspect_is_refused(aspect: str) -> None:
    with pytest.raises(InvalidRequestError, match="aspect must"):
        ask(aspect=aspect)


def test_a_side_beyond_the_servers_limit_is_refused() -> None:
    with pytest.raises(LimitError, match="the longest side may have 2048 pixels"):
        ask(width=2056)


@pytest.mark.parametrize("native", [128, 512, 1024])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_offered_aspect_gives_about_the_native_area(native: int, aspect: TypedText) -> None:
    ratio = parse_aspect(aspect)

    width, height = size_for(ratio, native)

    assert width % 8 == height % 8 == 0
    assert 0.87 <= width * height / native**2 <= 1
    assert abs(math.log(width / height / ratio)) < 0.06


def painted_with(model: str, **typed: object) -> tuple[int, float, str, str]:
    order = Order(**({"prompt": "a cat"} | typed))  # type: ignore[arg-type]
    asked = resolve(order, (ModelEntry(model, "x/y", "SDXL"),), model, DEFAULTS).request
    return asked.steps, asked.guidance_scale, asked.sampler, asked.scheduler


def test_a_models_family_chooses_the_preset_and_what_is_typed_wins() -> None:
    assert painted_with("OpenDalleV1.1") == (35, 7.0, "dpm_2", "karras")
    assert painted_with("OpenDalleV1.1", preset="opendalle-detail", cfg=8.0) == (65, 8.0, "dpm_2", "karras")
    assert painted_with("OpenDalleV1.1", preset="none") == (30, 7.0, "dpmpp_2m", "karras")


def test_extra_sets_what_is_seldom_needed() -> None:
    asked = ask(extra="subseed=3 subseed_strength=0.2, rescale=0.7 cfg_end=0.6 weights=a1111 noise=a1111", clip_skip=1)

    assert (asked.subseed, asked.subseed_strength, asked.guidance_rescale) == (3, 0.2, 0.7)
    assert (asked.guidance_start, asked.guidance_end, asked.clip_skip) == (0.0, 0.6, 1)
    assert (asked.weights, asked.noise) == ("a1111", "a1111")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("subsed=3", "There is no extra named 'subsed'. Did you mean subseed"),
        ("rescale", "extra: write rescale=VALUE; rescale is how much"),
        ("rescale=much", "extra: rescale is how much of guidance's contrast to take back, 0 to 1, not 'much'."),
        ("noise=comfy", "There is no noise named 'comfy'. Did you mean comfyui?"),
        ("weights=comfy", "There is no weights named 'comfy'. Did you mean comfyui?"),
        ("subseed_strength=2", "subseed_strength must be between 0 and 1, not 2."),
    ],
)
def test_an_impossible_extra_is_refused_in_words(extra: str, message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        ask(extra=extra)

    assert str(refused.value).startswith(message)


def test_a_malformed_prompt_is_refused_before_it_waits() -> None:
    with pytest.raises(InvalidRequestError, match=r"(?s)this <lora: has no end.*\^"):
        ask(prompt="a cat <lora:fur")


def test_the_servers_vae_holds_where_none_is_typed() -> None:
    defaults = Defaults(**{name: getattr(DEFAULTS, name) for name in DEFAULTS.__slots__} | {"vae": "soft"})

    assert resolve(Order(prompt=TypedText("a")), MODELS, "sdxl", defaults).request.vae == "soft"
    assert resolve(Order(prompt=TypedText("a"), vae=TypedText("hard")), MODELS, "sdxl", defaults).request.vae == "hard"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"prompt": "x" * 6001}, "prompt is 6,001 characters long; at most 6,000 are possible."),
        ({"negative": "x" * 6001}, "negative is 6,001 characters long; at most 6,000 are possible."),
        ({"extra": "fit=crop " * 200}, "extra is 1,800 characters long; at most 1,000 are possible."),
        ({"lora": "x," * 501}, "lora is 1,002 characters long; at most 1,000 are possible."),
        ({"prompt": f"a --model {'x' * 1001}"}, "model is 1,001 characters long; at most 1,000 are possible."),
        ({"prompt": f"a --no {'x' * 5000}", "negative": "y" * 5000}, "negative is 10,002 characters long"),
    ],
)
def test_a_text_that_is_too_long_is_refused_before_it_is_read(typed: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        ask(**typed)

    assert str(refused.value).startswith(message)


def test_a_refusal_shows_only_the_beginning_of_a_long_name() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        ask(model="x" * 1000)

    assert str(refused.value).startswith(f"There is no model named '{'x' * 60}…'. Did you mean ")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"prompt": f"a --seed {'9' * 400}"}, "seed must be between 0 and 9007199254740991, not that."),
        ({"prompt": f"a --seed {'9' * 5000}"}, "seed takes a whole number, such as `--seed 7`, not '999"),
        ({"prompt": f"a --width {'9' * 400} --ar 3:2"}, "width must be between 64 and 4096, not that."),
        ({"prompt": f"a --height {'9' * 400} --hires 2"}, "height must be between 64 and 4096, not that."),
        ({"prompt": "a --width 0"}, "width must be between 64 and 4096, not 0."),
        ({"prompt": "a --upscale 0"}, "upscale must be between 1 and 4, not 0."),
        ({"prompt": "a --hires inf"}, "hires must be between 1 and 4, not inf."),
        ({"prompt": "a --cfg nan"}, "cfg must be between 0 and 50, not nan."),
        ({"extra": f"subseed={'9' * 400}"}, "subseed must be between 0 and 9007199254740991, not that."),
    ],
)
def test_a_number_beyond_all_bounds_is_refused_in_words(typed: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        ask(**typed)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("field", ["prompt", "negative", "model", "lora", "extra", "aspect"])
@pytest.mark.parametrize(("character", "name"), [("\ud800", "half a character"), ("\x00", "a NUL character")])
def test_a_character_that_cannot_be_kept_is_refused_with_its_field(field: str, character: str, name: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"{field} has {name} at character 2; delete it"):
        ask(**{field: f"a{character}"})
