"""From what a person typed to a complete request: typed beats preset beats default. Pure."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from bot.domain import Order
from bot.errors import LimitError
from bot.services.extra import unpack
from bot.services.framing import Frame, beginning, frame_of, second_pass
from bot.services.sizes import other_side, parse_aspect, size_for
from generation import GenerationRequest, InvalidRequestError, ModelEntry, presets
from generation.prompt import DIALECTS, Dialect, parse, parse_loras
from generation.request import check_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where a person typed nothing and no preset says it, and the longest side they may ask for."""

    steps: int
    cfg: float
    sampler: str
    scheduler: str
    negative: str
    count: int
    max_size: int
    vae: str = ""


def random_seed() -> int:
    """Draws a seed of 32 bits, which every other tool can read."""
    return secrets.randbelow(2**32)


def resolve(
    order: Order,
    models: Sequence[ModelEntry],
    default_model: str,
    defaults: Defaults,
    draw_seed: Callable[[], int] = random_seed,
) -> GenerationRequest:
    """Completes an order.

    Args:
        order: What the person typed.
        models: What can be painted with.
        default_model: The one that is used where none is named.
        defaults: Everything else.
        draw_seed: Where a seed comes from if none was typed.

    Raises:
        InvalidRequestError: A value is impossible; the text names it and what would work.
        LimitError: A value is beyond what this bot allows.
    """
    order = unpack(order)
    _check_prompts(order)
    model = _model(order.model or default_model, models)
    frame = _frame(order, model.native_size)
    preset = presets.find(order.preset) if order.preset else presets.for_model(model.name)
    advised = defaults if preset is None else preset
    steps = _typed(order.steps, advised.steps)
    hires = second_pass(order, model.native_size, steps)
    width, height = (frame.width, frame.height) if hires is None else hires.size(frame.width, frame.height)
    if max(width, height) > defaults.max_size:
        size = f"{width}x{height}"
        raise LimitError(f"{size} is too large here: the longest side may have {defaults.max_size} pixels.")
    return GenerationRequest(
        prompt=order.prompt,
        negative_prompt=_typed(order.negative, defaults.negative),
        model=model.name,
        width=frame.width,
        height=frame.height,
        steps=steps,
        guidance_scale=_typed(order.cfg, advised.cfg),
        sampler=_typed(order.sampler, advised.sampler),
        scheduler=_typed(order.scheduler, advised.scheduler),
        seed=draw_seed() if order.seed is None else order.seed,
        count=_typed(order.count, defaults.count),
        vae=_typed(order.vae, defaults.vae),
        loras=parse_loras(order.lora or ""),
        hires=hires,
        **beginning(order, frame),
        **_seldom(order),
    )


def _check_prompts(order: Order) -> None:
    if not order.prompt.strip():
        raise InvalidRequestError("prompt", "prompt is empty: say what to paint, such as `a red apple`.")
    check_name("weights", order.weights or DIALECTS[0], DIALECTS)
    dialect = cast(Dialect, order.weights or DIALECTS[0])
    for text in (order.prompt, order.negative or ""):
        parse(text, dialect)


def _seldom(order: Order) -> dict[str, Any]:
    """Returns the request's fields that have one default everywhere, as far as they were typed."""
    fields = {
        "clip_skip": order.clip_skip,
        "subseed": order.subseed,
        "subseed_strength": order.subseed_strength,
        "guidance_rescale": order.rescale,
        "guidance_start": order.cfg_start,
        "guidance_end": order.cfg_end,
        "weights": order.weights,
        "noise": order.noise,
        "prediction": order.prediction,
        "row": order.row,
        "rows": order.rows,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _typed(typed: T | None, default: T) -> T:
    return default if typed is None else typed


def _model(name: str, models: Sequence[ModelEntry]) -> ModelEntry:
    by_name = {model.name.lower(): model for model in models}
    if name.lower() not in by_name:
        check_name("model", name, [model.name for model in models])
    return by_name[name.lower()]


def _frame(order: Order, native: int) -> Frame:
    sized = order.aspect is not None or order.width is not None or order.height is not None
    if order.image is None or (sized and order.outpaint is None):
        return Frame(*_size(order, native))
    if sized:
        raise InvalidRequestError("outpaint", "outpaint says itself how large the picture becomes; leave out the size.")
    return frame_of(order, native)


def _size(order: Order, native: int) -> tuple[int, int]:
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
