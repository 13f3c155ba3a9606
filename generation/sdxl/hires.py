"""The second pass over a picture: finished latents are made larger and painted on, in one piece or in tiles."""

import math
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from generation.errors import ModelError
from generation.parts import Hires
from generation.pixels import Pixels
from generation.sdxl import upscaler
from generation.sdxl.model import Model
from generation.sdxl.run import Run
from generation.sdxl.slices import Slices
from generation.sdxl.start import Start, beside_nothing, to_tensor
from generation.sdxl.vae import decoding, encoding
from generation.tiles import Box

_REACH = 3  # pixels of the larger of two sizes that bicubic interpolation looks to either side, and one to spare


def second_pass(run: Run, hires: Hires, tile: int = 0) -> Slices[Run]:
    """Begins the second pass of a run that has ended its first, and lets others in after every tile.

    Args:
        run: With its finished latents.
        hires: What was asked for.
        tile: The side in pixels that memory is to suffice for; 0 for the usual.
    """
    if run.latents is None:
        raise AssertionError("a second pass needs the latents of the first")
    request, model = run.request, run.model
    width, height = hires.size(request.width, request.height)
    latents = yield from enlarging(model, run.latents, (width, height), hires.method, tile)
    beside = beside_nothing(model, width, height, tile) if model.inpaints else None
    start = Start(latents, beside=beside, strength=hires.strength, tile=hires.tile, scale=hires.scale)
    return run.again(replace(request, width=width, height=height, steps=hires.steps, init=None, hires=None), start)


def enlarging(model: Model, latents: Tensor, size: tuple[int, int], method: str, tile: int = 0) -> Slices[Tensor]:
    """Makes latents larger: "latent" between latents, "pixel" between the pixels of the picture they decode to.

    An upscaler's name lets that one paint the pixels in between; what it makes too large is made smaller again.

    Args:
        model: Whose VAE decodes and encodes.
        latents: (1, 4, h, w).
        size: The new width and height in pixels.
        method: A name of generation.parts.ENLARGERS, or an upscaler's.
        tile: The side in pixels that memory is to suffice for; 0 for the usual.
    """
    width, height = size
    if method == "latent":
        sides = (height // model.downscale, width // model.downscale)
        return torch.nn.functional.interpolate(latents, sides, mode="bilinear")
    picture = yield from decoding(model, latents, tile)
    if method != "pixel":
        picture = yield from upscaler.enlarging(_upscaler(model, method), picture)
    image = Image.fromarray(picture.cpu().numpy())
    return (yield from encoding(model, size, lambda box: resized(image, size, box), tile))


def resized(image: Image.Image, size: tuple[int, int], box: Box) -> Tensor:
    """Returns a part of an image that is brought to another size: what one would cut out of the whole.

    Args:
        image: All of it.
        size: Its new width and height.
        box: The part, in pixels of that size.

    Returns:
        (1, 3, h, w), -1 to 1.
    """
    ratios = image.width / size[0], image.height / size[1]
    margin = _REACH * max(1, math.ceil(1 / min(ratios)))
    seen = [max(box[0] - margin, 0), max(box[1] - margin, 0)]
    seen += [min(box[2] + margin, size[0]), min(box[3] + margin, size[1])]
    left, top, right, bottom = (side * ratios[axis % 2] for axis, side in enumerate(seen))
    part = image.resize(
        (seen[2] - seen[0], seen[3] - seen[1]), Image.Resampling.BICUBIC, box=(left, top, right, bottom)
    )
    part = part.crop((box[0] - seen[0], box[1] - seen[1], box[2] - seen[0], box[3] - seen[1]))
    return to_tensor(Pixels(*part.size, part.tobytes()))


def _upscaler(model: Model, name: str) -> upscaler.RrdbNet:
    if model.additions is None:
        raise ModelError(f"There is no upscaler named {name!r}.")
    return model.additions.upscaler(name, model.placement)
