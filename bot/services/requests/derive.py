"""New requests made of old ones: the same again with new seeds, variations of one picture, and what begins from it.

Pure.
"""

from collections.abc import Callable
from dataclasses import replace

from bot.domain import Action, InputFile, Order
from bot.services.requests.framing import (
    FEATHER_SHARE,
    MASK_STRENGTH,
    beginning,
    frame_of,
    in_steps,
    own_size,
    upscale_strength,
)
from generation import GenerationRequest, Hires, Init, Mask
from generation.request.options import MAX_FEATHER
from generation.request.request import MAX_SIZE
from generation.typed_text import TypedText

# How far a variation's starting noise goes from the picture's own: 0 is the picture itself, 1 another one.
STRENGTHS = {Action.VARY_SUBTLE: 0.12, Action.VARY_STRONG: 0.4}

# How much of a picture that has no noise of its own is painted over instead.
OVERPAINTED = {Action.VARY_SUBTLE: 0.3, Action.VARY_STRONG: 0.6}

MARGIN_SHARE = 8  # of the shorter side: how much is in view around a detail

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


def settled(request: GenerationRequest) -> bool:
    """Whether nothing in a request is left to its seed, so that painting it again gives the same."""
    kept = request.init is not None and request.init.strength == 0
    return kept and request.refiner is None and (request.hires is None or request.hires.strength == 0)


def has_noise(request: GenerationRequest) -> bool:
    """Whether pictures of a request began from noise of their own, which can be varied; an upscale's did not."""
    return request.init is None or request.init.strength > 0


def overpainted(
    picture: GenerationRequest, file: InputFile, action: Action, count: int, native: int, draw_seed: DrawSeed
) -> GenerationRequest:
    """Returns a request for variations of a picture that has no noise of its own: it is painted over.

    Args:
        picture: What the picture was made by, alone.
        file: The picture.
        action: VARY_SUBTLE or VARY_STRONG.
        count: How many variations.
        native: Side of the model's square training pictures.
        draw_seed: Where new seeds come from.
    """
    width, height = own_size(file, native)
    init = Init(picture=file.digest, strength=OVERPAINTED[action])
    return replace(_afresh(picture), width=width, height=height, init=init, seed=draw_seed(), count=count)


def upscaled(
    picture: GenerationRequest, file: InputFile, scale: float, upscaler: str | None, native: int
) -> GenerationRequest:
    """Returns a request for a picture made larger: by an upscaler alone, or by diffusion in tiles where there is none.

    Diffusion goes without guidance, and more gently the larger it makes the picture: the less of it a tile shows, the
    more the prompt would paint into it what belongs elsewhere.

    Args:
        picture: What the picture was made by, alone.
        file: The picture.
        scale: How many times larger its sides become.
        upscaler: The upscaler's name; None for diffusion.
        native: Side of the model's square training pictures, and so of a tile.
    """
    width, height = in_steps(file.width, file.height)
    hires = Hires(
        scale=scale,
        strength=upscale_strength(scale) if upscaler is None else 0.0,
        steps=picture.steps,
        method=upscaler or "pixel",
        tile=native,
    )
    init = Init(picture=file.digest, strength=0.0)
    larger = replace(_afresh(picture), width=width, height=height, init=init, hires=hires, refiner=None)
    return replace(larger, guidance_end=0.0) if upscaler is None else larger


def outpainted(
    picture: GenerationRequest, file: InputFile, text: TypedText, count: int, native: int, draw_seed: DrawSeed
) -> GenerationRequest:
    """Returns a request for more canvas around a picture, painted by its own words.

    Args:
        picture: What the picture was made by, alone.
        file: The picture.
        text: As one types it for `outpaint`.
        count: How many pictures.
        native: Side of the model's square training pictures.
        draw_seed: Where new seeds come from.
    """
    order = Order(prompt=TypedText(picture.prompt), image=file, outpaint=text)
    frame = frame_of(order, native)
    begun = replace(_afresh(picture), width=frame.width, height=frame.height, seed=draw_seed(), count=count)
    return replace(begun, **beginning(order, frame))


def regional(
    picture: GenerationRequest, file: InputFile, mask: Mask, count: int, native: int, draw_seed: DrawSeed
) -> GenerationRequest:
    """Returns a request for a part of a picture painted anew; the result has the picture's own size.

    A picture of a size that the model paints well is painted as it is. Of others only a detail around the mask is
    painted, at such a size.

    Args:
        picture: What the picture was made by, alone, with the prompt for its new part.
        file: The picture.
        mask: What of it is painted anew; its feather, area and margin are decided here.
        count: How many pictures.
        native: Side of the model's square training pictures.
        draw_seed: Where new seeds come from.
    """
    width, height = own_size(file, native)
    shorter = min(file.width, file.height)
    whole = (width, height) == (file.width, file.height)
    chosen = replace(
        mask,
        feather=min(shorter // FEATHER_SHARE, MAX_FEATHER),
        area="canvas" if whole else "masked",
        margin=min(shorter // MARGIN_SHARE, MAX_SIZE),
    )
    init = Init(picture=file.digest, strength=MASK_STRENGTH)
    begun = replace(_afresh(picture), width=width, height=height, init=init, seed=draw_seed(), count=count)
    return replace(begun, mask=chosen)


def masked(request: GenerationRequest, picture: str, grow: int = 0, *, invert: bool = False) -> GenerationRequest:
    """Gives a request for a part of a picture the mask that says which part.

    Args:
        request: As `regional` returns it.
        picture: The mask's SHA-256.
        grow: By how many pixels the part is enlarged, or shrunk if negative.
        invert: Whether the rest is meant.
    """
    if request.mask is None:
        raise AssertionError("only a part of a picture has a mask")
    return replace(request, mask=replace(request.mask, picture=picture, grow=grow, invert=invert))


def _afresh(picture: GenerationRequest) -> GenerationRequest:
    """Leaves a request its words and settings, and takes away what it began from and what came after it."""
    noise = "easel" if picture.noise == "comfyui" else picture.noise
    plain = replace(picture, init=None, mask=None, outpaint=None, hires=None)
    if not has_noise(picture):  # an upscale went without guidance
        plain = replace(plain, guidance_start=0.0, guidance_end=1.0)
    return replace(plain, noise=noise, row=0, rows=1, subseed=0, subseed_strength=0.0)
