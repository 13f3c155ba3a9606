"""Fuzz: an order of hostile fields becomes a request within the limits or a refusal in words, and nothing else.

`make fuzz` tries 20,000 orders, the suite 400 of them.
"""

import typing
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bot.domain import InputFile, Order
from bot.errors import LimitError
from bot.services.requests.extra import KEYS
from bot.services.requests.flags import FLAGS
from bot.services.requests.layers import Preferences
from bot.services.requests.resolve import Defaults, resolve
from bot.ui.jobs.ordering import written_out
from generation import SAMPLERS, SCHEDULES, GenerationRequest, InvalidRequestError, ModelEntry
from generation.limits import check_limits
from generation.request.validation import MAX_PROMPT_CHARACTERS
from generation.typed_text import TypedText
from tests.fuzzing import examples
from tests.typed.grammars import grammars

MODELS = [
    ModelEntry("tiny", "x/y", "SDXL", native_size=64),
    ModelEntry("OpenDalleV1.1", "x/z", "SDXL"),
    ModelEntry("refiner", "x/r", "SDXL refiner"),
]
DEFAULTS = Defaults(steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
LONGEST_REFUSAL = 1500

floats = st.floats() | st.sampled_from([0, 0.5, 1, 1.5, 2, 4, -1, 1e308, float("nan"), float("inf")])
integers = st.integers(-9, 9) | st.integers() | st.sampled_from([64, 512, 1024, 2048, 4096, 10**400, -(10**400)])
numbers = (floats | integers).map(str) | st.sampled_from(["", "9" * 5000, "1e999", "1_0", "0x7", "yes", "no", "-"])
WORDS = """tiny TINY refiner OpenDalleV1.1 none it twice a1111 comfyui 3:2 99999:1 2x square zoom masked canvas pixel
latent crop fur:0.8"""
MARKS = (
    """( ) { } [ ] < > \\ | : ; , . " ' ` * # @ = - -- -> BREAK <lora:fur:1> <lora: embedding:a (a:1.5) {a,b} \\--"""
)
names = st.sampled_from([*WORDS.split(), "left 50%", "up 99999", "1x 16:9", *SAMPLERS, *SCHEDULES])
marks = st.sampled_from(
    [*MARKS.split(), *"ab _~\n\t\0", *"\u200d\u202e\ud800\U0001f34e\u2014\u201c", "--no ", "--it ", "--twice ", "--x "]
)
flags = st.builds("--{} {} ".format, st.sampled_from([*FLAGS]), numbers | names)
short = st.lists(marks | flags | names, max_size=12).map("".join)
long = st.builds(
    lambda length, kind: grammars(length)[kind],
    st.sampled_from([200, 1000, 5990, 6000, 6001, 7000]),
    st.sampled_from(sorted(grammars(200))),
)
texts = (short | long | st.text(max_size=30)).map(TypedText)
settings_lines = st.lists(st.builds("{}={}".format, st.sampled_from([*KEYS]), numbers | names), max_size=4)
pictures = st.builds(
    InputFile, st.just("ab" * 32), st.integers(1, 20_000), st.integers(1, 20_000), transparent=st.booleans()
)
templates = st.sampled_from(["{prompt}", "{prompt}, {prompt}", "{prompt}" * 100, "on film", "--steps 3", "(((", "{"])
preferences = st.builds(
    lambda first, second, steps: Preferences(
        presets={"it": {"prompt": first, "steps": steps}, "twice": {"prompt": second}}, mine={"preset": "it"}
    ),
    templates,
    templates,
    st.integers(1, 150),
)

KINDS: dict[type, st.SearchStrategy[Any]] = {
    int: integers,
    float: floats,
    bool: st.booleans(),
    InputFile: pictures,
}


def _field(name: str, hint: Any) -> st.SearchStrategy[Any]:
    if name == "extra":
        return settings_lines.map(" ".join).map(TypedText) | texts
    known = [kind for kind in KINDS if kind in typing.get_args(hint)]
    return KINDS[known[0]] if known else names.map(TypedText) | texts


FIELDS = {name: _field(name, hint) for name, hint in typing.get_type_hints(Order).items() if name != "prompt"}
orders = st.builds(
    lambda prompt, others: Order(prompt=prompt, **others),
    texts,
    st.lists(st.sampled_from(sorted(FIELDS)), max_size=5, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: FIELDS[name] for name in chosen})
    ),
)


@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(orders, preferences)
def test_an_order_becomes_a_request_within_the_limits_or_is_refused_in_words(
    order: Order, preferences: Preferences
) -> None:
    try:
        requests = [resolve(each, MODELS, "tiny", DEFAULTS, preferences).request for each in written_out(order)[:3]]
    except (InvalidRequestError, LimitError) as refused:
        event("refused")
        _check_words(refused)
    else:
        event("accepted")
        for request in requests:
            _check_limits(request)


def _check_words(refused: InvalidRequestError | LimitError) -> None:
    text = str(refused)
    assert 20 < len(text) < LONGEST_REFUSAL
    assert any(name in text for name in [*Order.__slots__, "--", "preset"]) or "too large here" in text
    text.encode()


def _check_limits(request: GenerationRequest) -> None:
    check_limits(request)
    assert 0 < len(request.prompt) <= MAX_PROMPT_CHARACTERS
    assert len(request.negative_prompt) <= MAX_PROMPT_CHARACTERS
    assert max(request.size) <= DEFAULTS.max_upscaled
    assert max(request.width, request.height) <= DEFAULTS.max_size
    f"{request.prompt}{request.negative_prompt}".encode()
    assert "\0" not in request.prompt + request.negative_prompt
