"""The second pass over a picture: finished latents are made larger and painted on, in one piece or in tiles."""

import math
from dataclasses import replace

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.errors import ModelError
from generation.images.pixels import Pixels
from generation.request.options import Hires
from generation.request.tile_grid import Box
from generation.sdxl.engine.run import Run
from generation.sdxl.latents.init_latents import Start, beside_nothing, to_tensor
from generation.sdxl.latents.vae import decoding, encoding
from generation.sdxl.model import upscaler
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.slices import Slices

_REACH = 3  # pixels of the larger of two sizes that bicubic interpolation looks to either side, and one to spare


def second_pass(run: Run, hires: Hires, tile: int = 0, source: Pixels | None = None) -> Slices[Run | Tensor]:
    """Begins the second pass of a run that has ended its first, and lets others in after every tile.

    The picture is made larger between its latents ("latent") or between its pixels ("pixel"). An upscaler's name lets
    that one paint the pixels in between; what it makes too large is made smaller again.

    Args:
        run: With its finished latents.
        hires: What was asked for.
        tile: The side in pixels that memory is to suffice for; 0 for the usual.
        source: The picture that the latents are those of, where it is there already; None to decode them.

    Returns:
        The run; where nothing is painted on, the larger picture itself, (height, width, 3) uint8.
    """
    if run.latents is None:
        raise AssertionError("a second pass needs the latents of the first")
    request, model = run.request, run.model
    size = width, height = hires.size(request.width, request.height)
    if hires.method == "latent":
        sides = (height // model.downscale, width // model.downscale)
        latents = torch.nn.functional.interpolate(run.latents, sides, mode="bilinear")
    else:
        image = yield from _pixels_of(model, run.latents, hires.method, tile, source)
        if not hires.strength and request.refiner is None:  # the VAE would only take details away
            return torch.from_numpy(np.array(image.resize(size, Image.Resampling.BICUBIC)))
        latents = yield from encoding(model, size, lambda box: resized(image, size, box), tile)
    beside = beside_nothing(model, width, height, tile) if model.inpaints else None
    start = Start(latents, beside=beside, strength=hires.strength, tile=hires.tile, scale=hires.scale)
    return run.again(replace(request, width=width, height=height, steps=hires.steps, init=None, hires=None), start)


def _pixels_of(model: Model, latents: Tensor, method: str, tile: int, source: Pixels | None) -> Slices[Image.Image]:
    """Returns the picture of latents, enlarged where an upscaler is named."""
    if source is None:
        picture = yield from decoding(model, latents, tile)
    else:
        levels = torch.frombuffer(bytearray(source.rgb), dtype=torch.uint8)
        picture = levels.reshape(source.height, source.width, 3)
    if method != "pixel":
        picture = yield from upscaler.enlarging(_upscaler(model, method), picture)
    return Image.fromarray(picture.cpu().numpy())


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
