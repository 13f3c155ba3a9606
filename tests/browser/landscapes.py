"""An executor for screenshots: it paints hills under a low sun instead of calling a model."""

import dataclasses
import io
import math
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

from generation import Artifact, CancelToken, GenerationRequest, GenerationResult, Progress
from tests.fakes import FakeExecutor

Colour = tuple[int, int, int]
SKIES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((38, 44, 92), (236, 142, 98), (44, 36, 60)),
    ((96, 164, 196), (248, 226, 186), (40, 84, 72)),
    ((70, 42, 84), (244, 176, 134), (52, 30, 50)),
    ((24, 62, 84), (188, 214, 200), (18, 44, 52)),
)


class LandscapeExecutor(FakeExecutor):
    """Takes its time, then paints a landscape per seed."""

    async def generate(
        self,
        request: GenerationRequest,
        on_progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> GenerationResult:
        """Paints at half size: the pictures end up in a small part of a screenshot."""
        result = await super().generate(request, on_progress, cancel)
        return dataclasses.replace(result, artifacts=tuple(landscape(each.request) for each in result.artifacts))


def landscape(request: GenerationRequest) -> Artifact:
    """Returns a landscape that depends on the seed alone."""
    dice = random.Random(request.seed)  # noqa: S311 - a picture, not a secret
    width, height = request.width // 2, request.height // 2
    top, horizon, ground = SKIES[request.seed % len(SKIES)]
    picture = Image.new("RGB", (width, height))
    brush = ImageDraw.Draw(picture)
    for y in range(height):
        brush.line([(0, y), (width, y)], mixed(top, horizon, min(1.0, 1.5 * y / height)))
    left, upper, radius = dice.uniform(0.25, 0.75) * width, 0.45 * height, height / 11
    sun = (left - radius, upper - radius, left + radius, upper + radius)
    brush.ellipse(sun, mixed(horizon, (255, 250, 225), 0.8))
    picture = picture.filter(ImageFilter.GaussianBlur(1))
    for layer in range(4):
        brush = ImageDraw.Draw(picture)
        brush.polygon(hills(dice, width, height, 0.5 + 0.12 * layer), mixed(horizon, ground, 0.35 + 0.21 * layer))
    data = io.BytesIO()
    picture.save(data, "PNG")
    return Artifact(data.getvalue(), "image/png", request)


def hills(dice: random.Random, width: int, height: int, level: float) -> list[tuple[float, float]]:
    """Returns the outline of a range of hills whose ridge lies about at a share of the height."""
    waves = [(dice.uniform(0.5, 4), dice.uniform(0, 6.3), dice.uniform(0.01, 0.05)) for _ in range(4)]
    ridge = [
        (x, height * (level + sum(size * math.sin(6.3 * speed * x / width + at) for speed, at, size in waves)))
        for x in range(0, width + 8, 8)
    ]
    return [(0, height), *ridge, (width, height)]


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """Mixes two colours."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue
