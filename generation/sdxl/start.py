"""What a picture begins from: the latents of an input picture, where they are kept, what an inpainting UNet sees."""

from dataclasses import dataclass

import torch
from torch import Tensor

from generation.canvas import Canvas
from generation.pixels import Cover, Pixels
from generation.sdxl.model import Model
from generation.sdxl.vae import encode

BLANK = 0.0  # the colour, between -1 and 1, that inpainting UNets were trained to see where they are to paint


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where sampling begins.

    Attributes:
        latents: (1, 4, h, w), as the samplers take them; None for nothing but noise.
        anew: (1, 1, h, w), 1 where latents are painted anew and 0 where they are kept; None for all of them.
        beside: (1, 5, h, w), what an inpainting UNet sees beside the latents: `anew`, and the latents of the picture
            blanked there; None for an ordinary UNet.
    """

    latents: Tensor | None = None
    anew: Tensor | None = None
    beside: Tensor | None = None


NOISE_ALONE = Start()


def begin(model: Model, canvas: Canvas | None, width: int, height: int, *, tiled: bool = False) -> Start:
    """Brings a canvas to the device.

    Args:
        model: What paints.
        canvas: The input picture; None for none.
        width: The request's, in pixels.
        height: Likewise.
        tiled: Encode in tiles, for want of memory.
    """
    latents = anew = None
    picture = torch.full((1, 3, height, width), BLANK)
    cover = torch.ones(1, 1, height, width)
    if canvas is not None:
        picture = to_tensor(canvas.picture)
        latents = encode(model, picture, tiled=tiled)
    if canvas is not None and canvas.anew is not None:
        cover = _levels(canvas.anew)
        anew = _shrunk(cover, model)
    if not model.inpaints:
        return Start(latents, anew)
    blanked = torch.where(cover > 0, BLANK, picture)
    beside = torch.cat([_shrunk(cover, model), encode(model, blanked, tiled=tiled)], dim=1)
    return Start(latents, anew, beside)


def to_tensor(pixels: Pixels) -> Tensor:
    """Returns a picture as the VAE takes it: (1, 3, height, width), -1 to 1."""
    levels = torch.frombuffer(bytearray(pixels.rgb), dtype=torch.uint8)
    channels = levels.reshape(pixels.height, pixels.width, 3).permute(2, 0, 1).unsqueeze(0)
    return channels.float() / 127.5 - 1


def _levels(cover: Cover) -> Tensor:
    levels = torch.frombuffer(bytearray(cover.levels), dtype=torch.uint8)
    return levels.reshape(1, 1, cover.height, cover.width).float() / 255


def _shrunk(cover: Tensor, model: Model) -> Tensor:
    """Scales a mask down to latents: whatever touches a latent counts."""
    return torch.nn.functional.max_pool2d(cover, model.downscale).to(model.placement.device)
