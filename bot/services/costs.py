"""What a job costs in seconds of the device: estimated before, learned from what finished jobs took. Pure."""

import math
from collections.abc import Iterable
from dataclasses import replace

from bot.domain import Speed
from generation import GenerationRequest
from generation.foresight import Outline, Pass
from generation.parts import ENLARGERS

MEGAPIXEL = 1024 * 1024
ENCODE_WORK = 0.72  # one VAE encode likewise (4.88 TFLOP)
CALL_WORK = 0.01  # what every UNet call costs beside its rows, until it was learned
PICTURE_WORK = 0.02  # the same for every picture: its prompt, its noise
DECODE_WORK = 1.55  # one VAE decode in UNet rows, by FLOP (10.47 / 6.76 TFLOP at 1024x1024)
UPSCALER_WORK = 5.56  # one megapixel through Real-ESRGAN's x4plus likewise (17.9 million products a pixel, 37.6 TFLOP)
FIRST_GUESS = 0.35  # seconds per unit before anything was learned: a card of the middle class

ANY_SIZE = 0  # the "pixels" under which it is kept what a call costs beside its rows, in seconds
CALL_DOUBT = 2.0  # variances of logarithms: how far off the guess is of what a call costs beside its rows,
SIZE_DOUBT = 0.6  # how much more a row of one size takes than its work says by the other sizes,
DRIFT = 0.02  # how far the whole device's speed may have changed since the last job,
NOISE = 0.05  # and how far one job's time is off for reasons of its own


class CostModel:
    """Estimates by the arithmetic of SDXL, scaled by how fast this device turned out to be.

    A UNet call takes so many seconds whatever is in it, and so many for each row, by its area. What both are is
    learned from what finished jobs took: a Kalman filter on their logarithms (Kalman 1960, "A New Approach to Linear
    Filtering and Prediction Problems"), whose errors are relative, as the speeds of devices are.
    """

    def __init__(self) -> None:
        self._speeds: dict[tuple[str, int], Speed] = {}
        self._doubts: dict[tuple[str, int], float] = {}  # variances; not kept, as the number of jobs tells enough

    def recall(self, known: Iterable[Speed]) -> None:
        """Takes in what was learned in an earlier run."""
        self._speeds |= {(speed.model, speed.pixels): speed for speed in known}

    def estimate(self, request: GenerationRequest) -> float:
        """Returns the device seconds a request will take if it shares no call with others."""
        return self.outline(request).seconds

    def outline(self, request: GenerationRequest) -> Outline:
        """Returns what the engine's loop will have to do with a request, in seconds."""
        unit, call = self._row_seconds(request), self._call_seconds(request)
        rows = 2 if request.guided else 1
        return Outline(
            request.model,
            (request.width, request.height),
            rows,
            request.count,
            tuple(
                Pass(calls, pixels, call, unit * rows * row_work(pixels / MEGAPIXEL))
                for calls, pixels in request.passes
            ),
            unit * beside_work(request),
        )

    def learn(self, request: GenerationRequest, seconds: float, calls: float = 0.0) -> tuple[Speed, ...]:
        """Takes in what a finished request took; returns what is known of its kind now.

        Args:
            request: What was painted.
            seconds: Its share of the device's time.
            calls: Its share of UNet calls; all of its own where none were shared (0).
        """
        outline = self.outline(request)
        own = outline.count * (sum(each.calls * each.own for each in outline.passes) + outline.finishing)
        shared = (calls or request.calls) * outline.passes[0].shared
        surprise = math.log(max(seconds, 1e-6) / (own + shared))
        row, call = self._known(request)
        if any(model == painter(request) for model, _ in self._speeds):
            shifts = self._correct(surprise, (row, own / (own + shared)), (call, shared / (own + shared)))
        else:
            shifts = (surprise, surprise)  # the first job sets the scale
        learned = (_scaled(row, shifts[0]), _scaled(call, shifts[1]))
        self._speeds |= {(speed.model, speed.pixels): speed for speed in learned}
        return learned

    def _correct(self, surprise: float, *parts: tuple[Speed, float]) -> tuple[float, ...]:
        """Distributes a surprise over what was expected, the more to what was known the less.

        Args:
            surprise: The logarithm of measured over expected seconds.
            parts: What was expected of rows and of calls, each with its share of the whole.

        Returns:
            By how much the logarithm of each is to change.
        """
        doubts = [self._doubt(speed) for speed, _ in parts]
        carried = [doubt * share for doubt, (_, share) in zip(doubts, parts, strict=True)]
        whole = sum(each * share for each, (_, share) in zip(carried, parts, strict=True)) + DRIFT + NOISE
        for doubt, each, (speed, share) in zip(doubts, carried, parts, strict=True):
            self._doubts[speed.model, speed.pixels] = doubt * (1 - each * share / whole)
        return tuple(surprise * (each + DRIFT) / whole for each in carried)

    def _doubt(self, speed: Speed) -> float:
        start = CALL_DOUBT if speed.pixels == ANY_SIZE else SIZE_DOUBT
        return self._doubts.get((speed.model, speed.pixels), start / (speed.jobs + 1))

    def _known(self, request: GenerationRequest) -> tuple[Speed, Speed]:
        model, pixels = painter(request), request.width * request.height
        row = self._speeds.get((model, pixels)) or Speed(model, pixels, self._row_seconds(request), 0)
        call = self._speeds.get((model, ANY_SIZE)) or Speed(model, ANY_SIZE, self._call_seconds(request), 0)
        return row, call

    def _row_seconds(self, request: GenerationRequest) -> float:
        """Takes the same model's nearest size, else another model's, else a guess."""
        rows = [speed for speed in self._speeds.values() if speed.pixels != ANY_SIZE]
        candidates = [speed for speed in rows if speed.model == painter(request)] or rows
        if not candidates:
            return FIRST_GUESS
        pixels = request.width * request.height
        return min(candidates, key=lambda speed: abs(speed.pixels - pixels)).seconds_per_unit

    def _call_seconds(self, request: GenerationRequest) -> float:
        """Takes the same model's, else another model's, else a guess by what a row takes."""
        calls = [speed for speed in self._speeds.values() if speed.pixels == ANY_SIZE]
        candidates = [speed for speed in calls if speed.model == painter(request)] or calls
        return candidates[0].seconds_per_unit if candidates else CALL_WORK * self._row_seconds(request)


def painter(request: GenerationRequest) -> str:
    """Returns by whose speed a request is painted: its model's, or its model's with an upscaler's beside it."""
    upscaler = _upscaler(request)
    return f"{request.model} {upscaler}" if upscaler else request.model


def row_work(area: float) -> float:
    """Returns the work of one UNet row in units, that of a row at 1024x1024.

    It grows a little faster than the area, by its attention: 0.92 x + 0.08 x^2 fits the counted FLOP of 512 to 1536
    pixels a side within 4 %.

    Args:
        area: In megapixels.
    """
    return 0.92 * area + 0.08 * area**2


def beside_work(request: GenerationRequest) -> float:
    """Returns what each picture of a request takes beside its UNet calls, in units: its VAE above all."""
    first, last = request.width * request.height / MEGAPIXEL, math.prod(request.size) / MEGAPIXEL
    again = 0.0 if request.hires is None else DECODE_WORK * first + ENCODE_WORK * last
    again += UPSCALER_WORK * first if _upscaler(request) else 0.0
    encoding = 0.0 if request.init is None else ENCODE_WORK * first / request.count
    return PICTURE_WORK + again + DECODE_WORK * last + encoding


def _upscaler(request: GenerationRequest) -> str:
    """Returns the name of the upscaler that a request enlarges with; "" for none."""
    method = "" if request.hires is None else request.hires.method
    return "" if method in ENLARGERS else method


def _scaled(speed: Speed, shift: float) -> Speed:
    return replace(speed, seconds_per_unit=speed.seconds_per_unit * math.exp(shift), jobs=speed.jobs + 1)
