from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain import Order
from bot.services.requests.flags import escape, flags_line, read, unflag
from generation import SAMPLERS, GenerationRequest
from generation.prompt.permutations import expand
from generation.request.request import MAX_SEED
from generation.typed_text import TypedText

noise = st.lists(st.sampled_from([*'ab ,{}()\\"—-=“”', "\u2013", "--", "--no ", "--seed 7", "—foo"]), max_size=30).map(
    "".join
)
lines = noise.map(lambda text: " ".join(text.split()))
requests = st.builds(
    GenerationRequest,
    prompt=lines,
    negative_prompt=lines,
    model=st.sampled_from(["sdxl", "my model", 'a "big" one', "x/y@z", "-odd", "a,"]),
    steps=st.integers(1, 150),
    guidance_scale=st.floats(0, 50),
    seed=st.integers(0, MAX_SEED - 10),
    count=st.integers(1, 10),
    sampler=st.sampled_from(list(SAMPLERS)),
    clip_skip=st.integers(1, 12),
    subseed=st.integers(0, 99),
    subseed_strength=st.floats(0, 1),
    guidance_end=st.floats(0, 1),
    vae=st.sampled_from(["", "soft vae"]),
)


@given(requests)
def test_a_request_written_as_prompt_and_flags_is_read_as_the_same(request: GenerationRequest) -> None:
    (typed,) = expand(TypedText(f"{escape(request.prompt)} {flags_line(request)}"), most=1)

    order, presets = unflag(Order(prompt=typed))

    assert presets == ()
    assert painted(order) == request


def painted(order: Order) -> GenerationRequest:
    names = {"negative": "negative_prompt", "cfg": "guidance_scale", "cfg_end": "guidance_end"}
    typed: dict[str, Any] = {names.get(name, name): getattr(order, name) for name in Order.__slots__}
    return GenerationRequest(**{name: value for name, value in typed.items() if value is not None})


@given(noise.filter(lambda text: "--" not in text and "—" not in text and "\u2013" not in text))
def test_a_prompt_without_dashes_has_no_flags(text: TypedText) -> None:
    assert read(text).values == {}
    assert read(text).prompt == text.strip()


@given(st.lists(st.sampled_from(["red", "dark blue", "x y"]), min_size=1, max_size=6), lines)
def test_a_group_makes_one_prompt_of_each_choice(choices: list[str], rest: str) -> None:
    assert expand(TypedText(f"{{{', '.join(choices)}}}{escape_brackets(rest)}"), most=6) == tuple(
        f"{c}{rest}" for c in choices
    )


def escape_brackets(text: str) -> str:
    return text.replace("{", r"\{").replace("}", r"\}")
