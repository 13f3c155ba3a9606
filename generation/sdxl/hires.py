"""The second pass over a picture: finished latents are made larger and painted on, in one piece or in tiles."""

from dataclasses import replace

import torch
from torch import Tensor

from generation.errors import ModelError
from generation.parts import Hires
from generation.sdxl import upscaler
from generation.sdxl.model import Model
from generation.sdxl.run import Run
from generation.sdxl.start import Start, beside_nothing
from generation.sdxl.vae import decode, encode


def second_pass(run: Run, hires: Hires, *, tiled: bool = False) -> Run:
    """Begins the second pass of a run that has ended its first.

    Args:
        run: With its finished latents.
        hires: What was asked for.
        tiled: Decode and encode in tiles, for want of memory.
    """
    if run.latents is None:
        raise AssertionError("a second pass needs the latents of the first")
    request, model = run.request, run.model
    width, height = hires.size(request.width, request.height)
    latents = enlarge(model, run.latents, (width, height), hires.method, tiled=tiled)
    beside = beside_nothing(model, width, height, tiled=tiled) if model.inpaints else None
    start = Start(latents, beside=beside, strength=hires.strength, tile=hires.tile, scale=hires.scale)
    return run.again(replace(request, width=width, height=height, steps=hires.steps, init=None, hires=None), start)


def enlarge(model: Model, latents: Tensor, size: tuple[int, int], method: str, *, tiled: bool = False) -> Tensor:
    """Makes latents larger: "latent" between latents, "pixel" between the pixels of the picture they decode to.

    An upscaler's name lets that one paint the pixels in between; what it makes too large is made smaller again.

    Args:
        model: Whose VAE decodes and encodes.
        latents: (1, 4, h, w).
        size: The new width and height in pixels.
        method: A name of generation.parts.ENLARGERS, or an upscaler's.
        tiled: Decode and encode in tiles.
    """
    width, height = size
    if method == "latent":
        sides = (height // model.downscale, width // model.downscale)
        return torch.nn.functional.interpolate(latents, sides, mode="bilinear")
    picture = decode(model, latents, tiled=tiled).permute(2, 0, 1).unsqueeze(0).float() / 255
    if method != "pixel":
        picture = upscaler.enlarge(_upscaler(model, method), picture)
    larger = torch.nn.functional.interpolate(picture, (height, width), mode="bicubic", antialias=True)
    return encode(model, (larger * 2 - 1).clamp(-1, 1), tiled=tiled)


def _upscaler(model: Model, name: str) -> upscaler.RrdbNet:
    if model.additions is None:
        raise ModelError(f"There is no upscaler named {name!r}.")
    return model.additions.upscaler(name, model.placement)
