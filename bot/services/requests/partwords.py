"""A request's parts in the words that one types for them, as far as words can say it: files cannot be typed. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain import InputFile, Order
from generation import GenerationRequest, Hires, Init, Lora, Mask, Refiner

_PARTS = ("init", "mask", "outpaint", "loras", "hires", "refiner")


def in_words(values: Mapping[str, Any]) -> dict[str, Any]:
    """Replaces parts by what an order says for them; None where it would say nothing.

    Args:
        values: A request's values by the names an order has for them, or some of them.
    """
    others = {name: value for name, value in values.items() if name not in _PARTS}
    beginning = {**_of_init(values.get("init")), **_of_mask(values.get("mask"))}
    passes = {**_of_hires(values.get("hires")), **_of_refiner(values.get("refiner"))}
    return others | beginning | passes | {"lora": _of_loras(values.get("loras") or ())}


def with_pictures(order: Order, request: GenerationRequest) -> Order:
    """Gives an order that was written out of a request the pictures it began from.

    An order with a picture of its own begins from that one, without the earlier mask and what was said of it.
    """
    if request.init is None:
        return order
    if order.image is not None:
        said = _of_mask(request.mask)
        unsaid: dict[str, Any] = {name: None for name, value in said.items() if value == getattr(order, name)}
        return replace(order, **unsaid)
    size = (request.width, request.height)
    mask = request.mask
    drawn = InputFile(mask.picture, *size) if mask is not None and mask.picture else None
    return replace(order, image=InputFile(request.init.picture, *size, transparent=True), mask=drawn)


def without_pictures(request: GenerationRequest) -> GenerationRequest:
    """Returns a request without what it began from."""
    return replace(request, init=None, mask=None, outpaint=None)


def outpainted_as(request: GenerationRequest, before: GenerationRequest) -> GenerationRequest:
    """Lays the canvas around the picture that an earlier request had, where picture and size are still the same."""
    if before.outpaint is None or before.init is None or request.init is None or request.size != before.size:
        return request
    if request.init.picture != before.init.picture:
        return request
    return replace(request, outpaint=before.outpaint)


def _of_init(init: Init | None) -> dict[str, Any]:
    return {"strength": init and init.strength, "fit": init and init.fit}


def _of_mask(mask: Mask | None) -> dict[str, Any]:
    return {name: mask and getattr(mask, name) for name in ("invert", "grow", "feather", "area", "margin")}


def _of_hires(hires: Hires | None) -> dict[str, Any]:
    return {
        "hires": hires.scale if hires and not hires.tile else None,
        "upscale": hires.scale if hires and hires.tile else None,
        "hires_strength": hires and hires.strength,
        "hires_steps": hires and hires.steps,
        "hires_method": hires and hires.method,
        "tile": (hires and hires.tile) or None,
    }


def _of_refiner(refiner: Refiner | None) -> dict[str, Any]:
    over = refiner if refiner and refiner.strength else None
    return {
        "refiner": refiner and refiner.model,
        "refiner_at": None if over else refiner and refiner.at,
        "refiner_strength": over and over.strength,
        "refiner_steps": over and over.steps,
    }


def _of_loras(loras: tuple[Lora, ...]) -> str | None:
    return ", ".join(f"{lora.name}:{lora.strength:g}:{lora.text_strength:g}" for lora in loras) or None
