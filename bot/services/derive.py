"""New requests made of old ones: the same again with new seeds, and variations of one picture. Pure."""

from collections.abc import Callable
from dataclasses import replace

from bot.domain import Action
from generation import GenerationRequest

# How far a variation's starting noise goes from the picture's own: 0 is the picture itself, 1 another one.
STRENGTHS = {Action.VARY_SUBTLE: 0.12, Action.VARY_STRONG: 0.4}

DrawSeed = Callable[[], int]


def rerolled(request: GenerationRequest, draw_seed: DrawSeed) -> GenerationRequest:
    """Returns the same request with new seeds; of variations it makes new variations of the same picture."""
    if request.subseed_strength > 0:
        return replace(request, subseed=draw_seed())
    return replace(request, seed=draw_seed())


def varied(
    request: GenerationRequest, number: int, action: Action, count: int, draw_seed: DrawSeed
) -> GenerationRequest:
    """Returns a request for variations of one picture.

    A picture that is a variation itself is varied from where it stands towards new noise as far as its own seed and
    strength can say it: its seed stays, and the new strength is at least its own.

    Args:
        request: What the picture was made by.
        number: Which of its pictures, counted from 1.
        action: VARY_SUBTLE or VARY_STRONG.
        count: How many variations.
        draw_seed: Where new seeds come from.
    """
    picture = request.picture(number - 1)
    strength = max(STRENGTHS[action], picture.subseed_strength)
    if picture.rows > 1:  # one of a ComfyUI batch stands alone: a second picture would be another of its rows
        return replace(picture, subseed=draw_seed(), subseed_strength=strength)
    noise = "easel" if picture.noise == "comfyui" else picture.noise  # the same for a picture alone
    return replace(picture, noise=noise, subseed=draw_seed(), subseed_strength=strength, count=count)
