"""Settings that are seldom needed, typed as `name=value name=value` into one option. Pure."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.domain import Order
from generation import InvalidRequestError
from generation.request.validation import MAX_OPTION_CHARACTERS, check_name, check_text, quoted


def _yes_or_no(text: str) -> bool:
    if text.lower() not in {"yes", "no"}:
        raise ValueError(text)
    return text.lower() == "yes"


# What may be typed: its kind, and what it does.
KEYS: dict[str, tuple[Callable[[str], Any], str]] = {
    "subseed": (int, "the seed of a variation"),
    "subseed_strength": (float, "how far to go from the seed's noise to the subseed's, 0 to 1"),
    "rescale": (float, "how much of guidance's contrast to take back, 0 to 1"),
    "cfg_start": (float, "the share of the steps after which guidance begins"),
    "cfg_end": (float, "the share of the steps after which guidance ends"),
    "weights": (str, "comfyui or a1111: whose brackets and weights"),
    "noise": (str, "easel, comfyui or a1111: whose way from seeds to noise"),
    "fit": (str, "crop, pad or stretch: how the image is brought to another aspect"),
    "area": (str, "whole, masked or canvas: what of the image is painted again"),
    "feather": (int, "over how many pixels painted and kept colours flow into each other"),
    "grow": (int, "by how many pixels the mask is enlarged, or shrunk if negative"),
    "invert": (_yes_or_no, "yes or no: whether the mask's black is painted anew"),
    "margin": (int, "with area=masked, how many pixels around the mask are in view"),
    "hires_strength": (float, "how much the second pass of hires or upscale paints anew, 0 to 1"),
    "hires_steps": (int, "the second pass's steps"),
    "hires_method": (str, "pixel, latent or an upscaler's name: how the picture is made larger before the second pass"),
    "tile": (int, "the side of the second pass's tiles in pixels; 0 paints in one piece"),
    "refiner": (str, "the name of a model that goes on with the picture where the first one stops"),
    "refiner_at": (float, "when it does: below 1 the share of the noise's time that is over, from 1 on so many steps"),
    "refiner_strength": (float, "how much of the finished picture it paints anew instead, 0 to 1"),
    "refiner_steps": (int, "its steps when it does that"),
    "prediction": (str, "checkpoint, epsilon, v_prediction or v_prediction_zsnr"),
}


def unpack(order: Order) -> Order:
    """Puts what was typed into `extra` into the order's own fields; a field that is set already stays.

    Raises:
        InvalidRequestError: A name is unknown or a value is none; the text says what would work.
    """
    check_text("extra", order.extra or "", MAX_OPTION_CHARACTERS)
    typed: dict[str, Any] = {}
    for word in (order.extra or "").replace(",", " ").split():
        key, equals, text = word.partition("=")
        check_name("extra", key, KEYS)
        if not equals:
            raise InvalidRequestError("extra", f"extra: write {key}=VALUE; {key} is {KEYS[key][1]}.")
        try:
            typed[key] = KEYS[key][0](text)
        except ValueError:
            raise InvalidRequestError("extra", f"extra: {key} is {KEYS[key][1]}, not {quoted(text)}.") from None
    return replace(order, **(typed | {key: kept for key in typed if (kept := getattr(order, key)) is not None}))
