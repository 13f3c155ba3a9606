"""What a job costs in seconds of the device: estimated before, learned from what finished jobs took. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bot.domain import Speed
from generation import GenerationRequest
from generation.request.options import ENLARGERS
from generation.scheduling.simulation import Outline, Pass

MEGAPIXEL = 1024 * 1024
CALL_WORK = 0.01  # what every UNet call costs beside its rows, until it was learned
PICTURE_WORK = 0.02  # the same for every picture: its prompt, its noise
DECODE_WORK = 1.55  # one VAE decode in UNet rows, by FLOP (10.47 / 6.76 TFLOP at 1024x1024)
ENCODE_WORK = 0.72  # one VAE encode likewise (4.88 TFLOP)
UPSCALER_WORK = 5.56  # one megapixel through Real-ESRGAN's x4plus likewise (17.9 million products a pixel, 37.6 TFLOP)
FIRST_GUESS = 0.35  # seconds per unit before anything was learned: a card of the middle class

BUCKETS_PER_OCTAVE = 4  # of areas that share one learned speed: neighbours differ by 19 %
OCTAVES = 12  # from the smallest area that can be painted, 64x64, to the largest, 4096x4096
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
        self._rows: dict[str, dict[int, Speed]] = {}  # by painter and area
        self._calls: dict[str, Speed] = {}
        self._latest_rows: dict[int, Speed] = {}  # by area, whoever painted last
        self._latest_call: Speed | None = None
        self._doubts: dict[tuple[str, int], float] = {}  # variances; not kept, as the number of jobs tells enough

    def recall(self, known: Iterable[Speed]) -> None:
        """Takes in what was learned in an earlier run."""
        for speed in known:
            if speed.pixels == ANY_SIZE:
                self._calls[speed.model] = self._latest_call = speed
            else:
                kept = replace(speed, pixels=area_bucket(speed.pixels))
                self._rows.setdefault(kept.model, {})[kept.pixels] = self._latest_rows[kept.pixels] = kept

    def knows(self, request: GenerationRequest) -> bool:
        """Whether the speed of this request's model was measured on this device."""
        return painter(request) in self._rows or request.model in self._rows

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

        Returns:
            Nothing for a request without UNet calls or an upscaler: what the VAE takes says little of the UNet, whose
            speed limits what jobs may cost.
        """
        if not request.calls and not _upscaler(request):
            return ()
        outline = self.outline(request)
        own = outline.count * (sum(each.calls * each.own for each in outline.passes) + outline.finishing)
        shared = (calls or request.calls) * outline.passes[0].shared
        surprise = math.log(max(seconds, 1e-6) / (own + shared))
        row, call = self._known(request)
        if painter(request) in self._rows:
            shifts = self._correct(surprise, (row, own / (own + shared)), (call, shared / (own + shared)))
        else:
            shifts = (surprise, surprise)  # the first job sets the scale
        learned = (_scaled(row, shifts[0]), _scaled(call, shifts[1]))
        self.recall(learned)
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
        model, pixels = painter(request), area_bucket(request.width * request.height)
        row = self._rows.get(model, {}).get(pixels) or Speed(model, pixels, self._row_seconds(request), 0)
        call = self._calls.get(model) or Speed(model, ANY_SIZE, self._call_seconds(request), 0)
        return row, call

    def _row_seconds(self, request: GenerationRequest) -> float:
        """Takes the same model's nearest size, else another model's, else a guess."""
        candidates = self._rows.get(painter(request)) or self._rows.get(request.model) or self._latest_rows
        nearest = _nearest(candidates, request.width * request.height)
        return FIRST_GUESS if nearest is None else nearest.seconds_per_unit

    def _call_seconds(self, request: GenerationRequest) -> float:
        """Takes the same model's, else another model's, else a guess by what a row takes."""
        known = self._calls.get(painter(request)) or self._calls.get(request.model) or self._latest_call
        return CALL_WORK * self._row_seconds(request) if known is None else known.seconds_per_unit


def area_bucket(pixels: int) -> int:
    """Returns the area, a power of 2 in quarter octaves, under which the speed at an area is kept.

    Sizes are many and areas nearly equal: without buckets there would be some 65,000 speeds for each model.
    """
    return round(2 ** (round(BUCKETS_PER_OCTAVE * math.log2(pixels)) / BUCKETS_PER_OCTAVE))


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


def _nearest(speeds: Mapping[int, Speed], pixels: int) -> Speed | None:
    """Returns the speed of the nearest bucket, the smaller of two equally near ones; looks at a bounded number."""
    octave = round(BUCKETS_PER_OCTAVE * math.log2(pixels))
    for distance in range(BUCKETS_PER_OCTAVE * OCTAVES + 1):
        for exponent in (octave - distance, octave + distance):
            found = speeds.get(round(2 ** (exponent / BUCKETS_PER_OCTAVE)))
            if found is not None:
                return found
    return None


def _scaled(speed: Speed, shift: float) -> Speed:
    return replace(speed, seconds_per_unit=speed.seconds_per_unit * math.exp(shift), jobs=speed.jobs + 1)
