"""What a picture begins from: the latents of an input picture, where they are kept, what an inpainting UNet sees."""

from dataclasses import dataclass

import torch
from torch import Tensor

from generation.canvas import Canvas
from generation.pixels import Cover, Pixels
from generation.request import GenerationRequest
from generation.sdxl.model import Model
from generation.sdxl.vae import encode

BLANK = 0.0  # the colour, between -1 and 1, that inpainting UNets were trained to see where they are to paint


@dataclass(frozen=True, slots=True, eq=False)
class Handover:
    """A picture half-way, as one checkpoint leaves it to another.

    Attributes:
        latents: (1, 4, h, w), with the noise that is left.
        sigmas: The whole schedule, (steps + 1,).
        done: How many of its steps are behind.
    """

    latents: Tensor
    sigmas: Tensor
    done: int


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where sampling begins.

    Attributes:
        latents: (1, 4, h, w), as the samplers take them; None for nothing but noise.
        anew: (1, 1, h, w), 1 where latents are painted anew and 0 where they are kept; None for all of them.
        beside: (1, 5, h, w), what an inpainting UNet sees beside the latents: `anew`, and the latents of the picture
            blanked there; None for an ordinary UNet.
        strength: How much of the way is gone from there.
        tile: The side in pixels of the tiles it is painted in; 0 for one piece.
        scale: How many times larger it is than what people are shown on the way.
        handover: What another checkpoint left to go on with; None to begin anew.
    """

    latents: Tensor | None = None
    anew: Tensor | None = None
    beside: Tensor | None = None
    strength: float = 1.0
    tile: int = 0
    scale: float = 1.0
    handover: Handover | None = None


NOISE_ALONE = Start()


def begin(model: Model, request: GenerationRequest, canvas: Canvas | None, *, tiled: bool = False) -> Start:
    """Brings a canvas to the device.

    Args:
        model: What paints.
        request: What is painted.
        canvas: The input picture; None for none.
        tiled: Encode in tiles, for want of memory.
    """
    if canvas is None or request.init is None:
        beside = beside_nothing(model, request.width, request.height, tiled=tiled) if model.inpaints else None
        return Start(beside=beside)
    picture = to_tensor(canvas.picture)
    latents = encode(model, picture, tiled=tiled)
    cover = torch.ones(1, 1, *picture.shape[2:]) if canvas.anew is None else _levels(canvas.anew)
    anew = None if canvas.anew is None else _shrunk(cover, model)
    beside = _beside(model, cover, torch.where(cover > 0, BLANK, picture), tiled=tiled) if model.inpaints else None
    return Start(latents, anew, beside, request.init.strength)


def beside_nothing(model: Model, width: int, height: int, *, tiled: bool = False) -> Tensor:
    """Returns what an inpainting UNet sees where everything is painted anew, (1, 5, h, w)."""
    return _beside(model, torch.ones(1, 1, height, width), torch.full((1, 3, height, width), BLANK), tiled=tiled)


def _beside(model: Model, cover: Tensor, blanked: Tensor, *, tiled: bool) -> Tensor:
    return torch.cat([_shrunk(cover, model), encode(model, blanked, tiled=tiled)], dim=1)


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
