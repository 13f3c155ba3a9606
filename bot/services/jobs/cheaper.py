"""What to lower in a request that costs too much, in the words that people type. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generation import GenerationRequest, InvalidRequestError
from generation.request.sampler_info import SAMPLERS

FEWEST_STEPS = 4
SIDE_STEP = 64
SCALE_STEP = 0.25
MOST_NAMED = 4

Affordable = Callable[[GenerationRequest], bool]


@dataclass(frozen=True, slots=True)
class _Way:
    """One setting that can be lowered.

    Attributes:
        words: What one types, with {} for the value.
        values: From the most to the least expensive.
        apply: Returns the request with a value.
    """

    words: str
    values: Sequence[Any]
    apply: Callable[[Any], GenerationRequest]

    def find(self, affordable: Affordable) -> int | None:
        """Returns the index of the most expensive value that is affordable; None where none is."""

        def fits(value: Any) -> bool:
            try:
                return affordable(self.apply(value))
            except InvalidRequestError:  # such as fewer steps than a refiner begins after
                return False

        index = bisect_left(self.values, True, key=fits)
        return index if index < len(self.values) else None

    def named(self, index: int) -> str:
        return self.words.format(self.values[index])


def cheaper(request: GenerationRequest, ordinary: GenerationRequest, affordable: Affordable) -> str:
    """Names values within the limit: single settings that suffice alone, else several to lower together.

    Args:
        request: What costs too much.
        ordinary: An ordinary picture of the same model.
        affordable: Whether a request is within the limit.
    """
    found = [
        way.named(index)
        for way in _ways(request, ordinary)
        if way.values and (index := way.find(affordable)) is not None
    ]
    if found:
        return f"Any one of these fits: {', '.join(found[:MOST_NAMED])}." if found[1:] else f"With {found[0]} it fits."
    together = _together(request, ordinary, affordable)
    return f"Lower these together: {', '.join(together)}." if together else "Ask for an ordinary picture instead."


def _together(request: GenerationRequest, ordinary: GenerationRequest, affordable: Affordable) -> list[str]:
    """Lowers one setting after the other until that suffices; returns all of them, or nothing if it never does."""
    words: list[str] = []
    for number in range(len([*_ways(request, ordinary)])):
        way = [*_ways(request, ordinary)][number]
        if not way.values:
            continue
        found = way.find(affordable)
        index = len(way.values) - 1 if found is None else found
        try:
            request = way.apply(way.values[index])
        except InvalidRequestError:
            continue
        words.append(way.named(index))
        if found is not None:
            return words
    return []


def _ways(request: GenerationRequest, ordinary: GenerationRequest) -> Iterator[_Way]:
    """Gives the settings that can be lowered, always the same ones in the same order; some have no lower value."""
    yield _Way("count {}", range(request.count - 1, 0, -1), lambda count: replace(request, count=count))
    yield _sampler(request, ordinary)
    yield from _second_pass(request, ordinary)
    first = () if request.init is not None and request.init.strength == 0 else _fewer(request.steps, ordinary.steps)
    yield _Way("steps {}", first, lambda steps: replace(request, steps=steps))
    yield _refiner_steps(request, ordinary)
    yield _size(request, ordinary)


def _sampler(request: GenerationRequest, ordinary: GenerationRequest) -> _Way:
    quicker = SAMPLERS[ordinary.sampler].calls_per_step < SAMPLERS[request.sampler].calls_per_step
    values = [ordinary.sampler] if quicker else []
    return _Way("sampler {}", values, lambda sampler: replace(request, sampler=sampler))


def _second_pass(request: GenerationRequest, ordinary: GenerationRequest) -> Iterator[_Way]:
    hires = request.hires

    def changed(**changes: Any) -> GenerationRequest:
        return replace(request, hires=hires and replace(hires, **changes))

    steps = _fewer(hires.steps, ordinary.steps) if hires is not None and hires.strength else ()
    yield _Way("hires_steps {}", steps, lambda value: changed(steps=value))
    most = 0 if hires is None else -int(-hires.scale // SCALE_STEP)  # the next step below, counted in steps
    scales = [step * SCALE_STEP for step in range(most - 1, int(1 / SCALE_STEP), -1)]
    name = "upscale" if hires is not None and hires.tile else "hires"
    yield _Way(f"{name} {{:g}}", scales, lambda value: changed(scale=value))
    tiles = [ordinary.width] if hires is not None and 0 < hires.tile < ordinary.width else []
    yield _Way("tile {}", tiles, lambda value: changed(tile=value))


def _refiner_steps(request: GenerationRequest, ordinary: GenerationRequest) -> _Way:
    refiner = request.refiner
    values = _fewer(refiner.steps, ordinary.steps) if refiner is not None and refiner.strength else ()
    return _Way(
        "refiner_steps {}", values, lambda steps: replace(request, refiner=refiner and replace(refiner, steps=steps))
    )


def _size(request: GenerationRequest, ordinary: GenerationRequest) -> _Way:
    """Gives smaller sizes of about the same aspect, down to the model's own area; an input picture keeps its size."""
    least = ordinary.width * ordinary.height
    sizes: list[tuple[int, int]] = []
    shorter = min(request.width, request.height)
    for side in range((shorter - 1) // SIDE_STEP, 0, -1) if request.init is None else ():
        scale = side * SIDE_STEP / shorter
        width, height = (round(each * scale / SIDE_STEP) * SIDE_STEP for each in (request.width, request.height))
        if width * height < least:
            break
        sizes.append((width, height))
    return _Way("{0[0]}x{0[1]}", sizes, lambda size: replace(request, width=size[0], height=size[1]))


def _fewer(steps: int, ordinary: int) -> range:
    """Gives fewer steps, down to half of the ordinary ones."""
    return range(steps - 1, max(ordinary // 2, FEWEST_STEPS) - 1, -1)
