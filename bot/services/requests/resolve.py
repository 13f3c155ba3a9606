"""From what a person typed to a complete request, and where each of its values came from. Pure."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.domain import Order
from bot.errors import LimitError
from bot.services.requests.extra import unpack
from bot.services.requests.flags import ORDERED, unflag
from bot.services.requests.framing import NEEDS_IMAGE, Frame, beginning, frame_of, refinement, second_pass
from bot.services.requests.layers import PRESET, SIZE, Chosen, Layer, Preferences, Source, choose, given, layers, wrap
from bot.services.requests.sizes import other_side, parse_aspect, size_for
from generation import GenerationRequest, InvalidRequestError, ModelEntry
from generation.limits import check_limits, check_tile
from generation.models.catalog import no_beginner
from generation.prompt.parser import DIALECTS, Dialect, parse, parse_loras
from generation.request import presets
from generation.request.request import MAX_SIZE, MIN_SIZE
from generation.request.validation import (
    MAX_OPTION_CHARACTERS,
    MAX_PROMPT_CHARACTERS,
    check_name,
    check_range,
    check_text,
)
from generation.typed_text import take_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where nobody says anything else, and the longest sides people may ask for: painted, and upscaled."""

    steps: int
    cfg: float
    sampler: str
    scheduler: str
    negative: str
    count: int
    max_size: int
    vae: str = ""
    max_upscaled: int = MAX_SIZE

    @property
    def values(self) -> dict[str, Any]:
        """The defaults by an order's fields."""
        return {name: getattr(self, name) for name in self.__slots__ if name not in {"max_size", "max_upscaled"}}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A complete request, and who chose what in it.

    Attributes:
        request: What will be painted.
        chosen: Its values by the names people type, and where each came from; what is not here has its usual value.
    """

    request: GenerationRequest
    chosen: Mapping[str, Chosen]


PROMPTS = ("prompt", "negative")


def random_seed() -> int:
    """Draws a seed of 32 bits, which every other tool can read."""
    return secrets.randbelow(2**32)


def resolve(
    order: Order,
    models: Sequence[ModelEntry],
    default_model: str,
    defaults: Defaults,
    preferences: Preferences | None = None,
    draw_seed: Callable[[], int] = random_seed,
) -> Resolved:
    """Completes an order.

    Args:
        order: What the person typed, its permutations written out.
        models: What can be painted with, and refiners.
        default_model: The one that is used where none is named.
        defaults: Everything else.
        preferences: What the person, the channel and the server have chosen, and the presets that can be named.
        draw_seed: Where a seed comes from if none was chosen.

    Raises:
        InvalidRequestError: A value is impossible; the text names it and what would work.
        LimitError: A value is beyond what this bot allows.
    """
    preferences = preferences or Preferences()
    check_texts(order)
    order, named = unflag(unpack(order), preferences.known_presets)
    check_texts(order)
    if not order.prompt.strip():
        raise InvalidRequestError("prompt", "prompt is empty: say what to paint, such as `a red apple`.")
    stated = list(layers(given(order), named, preferences))
    bot = Layer(Source.BOT, defaults.values | {"model": default_model})
    model = _model(choose([*stated, bot])["model"], models)
    chosen = _applicable(choose([*stated, *_advice(model, stated), bot]))
    chosen.setdefault("seed", Chosen(draw_seed(), Source.LOT))
    values = {name: each.value for name, each in chosen.items()}
    values |= {"prompt": wrap(order.prompt, stated), "model": model.name}
    if "refiner" in values:
        values["refiner"] = _named(chosen["refiner"], "refiner", models).name
    _check_prompts(values)
    values |= _painted(Order(**values), model.native_size, defaults)
    fields = {name: ORDERED.get(name, name) for name in GenerationRequest.__slots__}
    request = GenerationRequest(**{field: values[name] for field, name in fields.items() if name in values})
    check_limits(request)
    return Resolved(request, chosen)


def check_texts(order: Order) -> None:
    """Refuses an order with a text that is too long, or that cannot be kept.

    Raises:
        InvalidRequestError: One is; the message names it and says what is possible.
    """
    for field in Order.__slots__:
        value = getattr(order, field)
        if isinstance(value, str):
            check_text(field, value, MAX_PROMPT_CHARACTERS if field in PROMPTS else MAX_OPTION_CHARACTERS)
            take_in(value, field)


def _applicable(chosen: Mapping[str, Chosen]) -> dict[str, Chosen]:
    """Leaves out what nobody typed and this order has no use for.

    A picture that was brought has a size of its own, which is nearer than anybody's usual one; and what somebody
    usually does with pictures does not matter where there is none.
    """
    idle = SIZE if "image" in chosen else NEEDS_IMAGE
    return {name: each for name, each in chosen.items() if name not in idle or each.source is Source.TYPED}


def _painted(order: Order, native: int, defaults: Defaults) -> dict[str, Any]:
    """Returns the size and the parts of a request for an order that is complete but for them."""
    frame = _frame(order, native)
    hires = second_pass(order, native, order.steps or 1)
    if hires is not None:
        check_tile(hires, native)
    width, height = (frame.width, frame.height) if hires is None else hires.size(frame.width, frame.height)
    check_longest(width, height, defaults.max_upscaled if hires and hires.tile else defaults.max_size)
    parts: dict[str, Any] = {"init": None, "mask": None, "outpaint": None} | beginning(order, frame)
    loras = parse_loras(order.lora or "")
    passes = {"hires": hires, "refiner": refinement(order, order.steps or 1)}
    return parts | passes | {"width": frame.width, "height": frame.height, "loras": loras}


def check_longest(width: int, height: int, most: int) -> None:
    """Refuses a size that an operator does not allow.

    Raises:
        LimitError: A side is too long.
    """
    if max(width, height) > most:
        raise LimitError(f"{width}x{height} is too large here: the longest side may have {most} pixels.")


def _advice(model: ModelEntry, stated: Sequence[Layer]) -> list[Layer]:
    """Returns what the model's family is usually painted with, unless somebody wants no preset."""
    unwanted = next((layer.values[PRESET] for layer in stated if PRESET in layer.values), None) == presets.NONE
    preset = None if unwanted else presets.for_model(model.name)
    return [] if preset is None else [Layer(Source.MODEL, preset.values, preset.name)]


def _check_prompts(values: Mapping[str, Any]) -> None:
    dialect = values.get("weights", DIALECTS[0])
    check_name("weights", dialect, DIALECTS)
    for field in PROMPTS:
        check_text(field, values[field])
        parse(values[field], cast(Dialect, dialect))


def _model(wanted: Chosen, models: Sequence[ModelEntry]) -> ModelEntry:
    if any(model.refines and model.name.lower() == wanted.value.lower() for model in models):
        raise InvalidRequestError("model", no_beginner(wanted.value))
    return _named(wanted, "model", [model for model in models if not model.refines])


def _named(wanted: Chosen, field: str, models: Sequence[ModelEntry]) -> ModelEntry:
    by_name = {model.name.lower(): model for model in models}
    try:
        if wanted.value.lower() not in by_name:
            check_name(field, wanted.value, [model.name for model in models])
    except InvalidRequestError as error:
        if wanted.source is Source.TYPED:
            raise
        raise InvalidRequestError(field, f"{error} It is {wanted}; name another model or change that.") from None
    return by_name[wanted.value.lower()]


def _frame(order: Order, native: int) -> Frame:
    sized = order.aspect is not None or order.width is not None or order.height is not None
    if order.image is None or (sized and order.outpaint is None):
        return Frame(*_size(order, native))
    if sized:
        raise InvalidRequestError("outpaint", "outpaint says itself how large the picture becomes; leave out the size.")
    return frame_of(order, native)


def _size(order: Order, native: int) -> tuple[int, int]:
    for field, side in (("width", order.width), ("height", order.height)):
        if side is not None:
            check_range(field, side, MIN_SIZE, MAX_SIZE)
    if order.aspect is None:
        return order.width or native, order.height or native
    ratio = parse_aspect(order.aspect)
    if order.width and order.height:
        raise InvalidRequestError("aspect", "Give either aspect or both width and height, not all three.")
    if order.width:
        return order.width, other_side(order.width, 1 / ratio)
    if order.height:
        return other_side(order.height, ratio), order.height
    return size_for(ratio, native)
