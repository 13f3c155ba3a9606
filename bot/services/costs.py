"""What a job costs in seconds of the device: estimated before, learned from what finished jobs took. Pure."""

import math
from collections.abc import Iterable
from dataclasses import replace

from bot.domain import Speed
from generation import GenerationRequest

MEGAPIXEL = 1024 * 1024
ENCODE_WORK = 0.72  # one VAE encode likewise (4.88 TFLOP)
CALL_WORK = 0.01  # what every UNet call costs beside its rows, which matters for small models and pictures only
PICTURE_WORK = 0.02  # the same for every picture: its prompt, its noise
DECODE_WORK = 1.55  # one VAE decode in UNet rows, by FLOP (10.47 / 6.76 TFLOP at 1024x1024)
LEARNING_RATE = 0.3  # the weight of the newest job once there are some; the first few are averaged
FIRST_GUESS = 0.35  # seconds per unit before anything was learned: a card of the middle class


class CostModel:
    """Estimates by the arithmetic of SDXL, scaled by how fast this device turned out to be."""

    def __init__(self) -> None:
        self._speeds: dict[tuple[str, int], Speed] = {}

    def recall(self, known: Iterable[Speed]) -> None:
        """Takes in what was learned in an earlier run."""
        self._speeds |= {(speed.model, speed.pixels): speed for speed in known}

    def estimate(self, request: GenerationRequest) -> float:
        """Returns the device seconds a request will take."""
        return work(request) * self._seconds_per_unit(request.model, request.width * request.height)

    def learn(self, request: GenerationRequest, seconds: float) -> Speed:
        """Takes in what a finished request took; returns what is known of its kind now."""
        key = (request.model, request.width * request.height)
        measured = seconds / work(request)
        before = self._speeds.get(key)
        if before is None:
            speed = Speed(*key, measured, 1)
        else:
            weight = max(1 / (before.jobs + 1), LEARNING_RATE)
            mixed = before.seconds_per_unit + weight * (measured - before.seconds_per_unit)
            speed = replace(before, seconds_per_unit=mixed, jobs=before.jobs + 1)
        self._speeds[key] = speed
        return speed

    def _seconds_per_unit(self, model: str, pixels: int) -> float:
        """Takes the same model's nearest size, else another model's, else a guess."""
        same_model = [speed for speed in self._speeds.values() if speed.model == model]
        candidates = same_model or list(self._speeds.values())
        if not candidates:
            return FIRST_GUESS
        return min(candidates, key=lambda speed: abs(speed.pixels - pixels)).seconds_per_unit


def work(request: GenerationRequest) -> float:
    """Returns a request's work in units: one UNet row at 1024x1024.

    A row's cost grows a little faster than the area, by its attention: 0.92 x + 0.08 x^2 fits the counted FLOP of
    512 to 1536 pixels a side within 4 %. What a call and a picture cost beside it was fitted to the starter's jobs.
    """
    rows = 2 if request.guided else 1
    painting = sum(calls * (CALL_WORK + rows * _row(pixels / MEGAPIXEL)) for calls, pixels in request.passes)
    first, last = request.width * request.height / MEGAPIXEL, math.prod(request.size) / MEGAPIXEL
    again = 0.0 if request.hires is None else DECODE_WORK * first + ENCODE_WORK * last
    encoding = 0.0 if request.init is None else ENCODE_WORK * first
    return request.count * (PICTURE_WORK + painting + again + DECODE_WORK * last) + encoding


def _row(area: float) -> float:
    return 0.92 * area + 0.08 * area**2
