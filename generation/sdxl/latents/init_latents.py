"""What a picture begins from: the latents of an input picture, where they are kept, what an inpainting UNet sees."""

from dataclasses import dataclass

import torch
from torch import Tensor

from generation.images.inpaint_canvas import Canvas
from generation.images.pixels import AlphaMask, Pixels
from generation.request.request import GenerationRequest
from generation.request.tile_grid import Box
from generation.sdxl.latents.vae import encoding
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.slices import to_the_end

BLANK = 0.0  # the colour, between -1 and 1, that inpainting UNets were trained to see where they are to paint


@dataclass(frozen=True, slots=True, eq=False)
class LatentHandoff:
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
        beside: (1, 5, h, w), what an inpainting UNet sees beside the latents: `mask`, and the latents of the picture
            blanked there; None for an ordinary UNet.
        strength: How much of the way is gone from there.
        tile: The side in pixels of the tiles it is painted in; 0 for one piece.
        scale: How many times larger it is than what people are shown on the way.
        handover: What another checkpoint left to go on with; None to begin anew.
    """

    latents: Tensor | None = None
    mask: Tensor | None = None
    beside: Tensor | None = None
    strength: float = 1.0
    tile: int = 0
    scale: float = 1.0
    handoff: LatentHandoff | None = None


NOISE_ALONE = Start()


def begin(model: Model, request: GenerationRequest, canvas: Canvas | None, tile: int = 0) -> Start:
    """Brings a canvas to the device.

    Args:
        model: What paints.
        request: What is painted.
        canvas: The input picture; None for none.
        tile: The side in pixels that memory is to suffice for; 0 for the usual.
    """
    if canvas is None or request.init is None:
        beside = beside_nothing(model, request.width, request.height, tile) if model.inpaints else None
        return Start(beside=beside)
    seen = _Seen(canvas)
    latents = to_the_end(encoding(model, seen.size, seen.cut, tile))
    mask = None if canvas.mask is None else _shrunk(canvas.mask, model)
    if not model.inpaints:
        return Start(latents, mask, None, request.init.strength)
    where = torch.ones_like(latents[:, :1]) if mask is None else mask
    blanked = to_the_end(encoding(model, seen.size, seen.cut_blanked, tile))
    return Start(latents, mask, torch.cat([where, blanked], dim=1), request.init.strength)


def beside_nothing(model: Model, width: int, height: int, tile: int = 0) -> Tensor:
    """Returns what an inpainting UNet sees where everything is repainted, (1, 5, h, w)."""

    def blank(box: Box) -> Tensor:
        left, top, right, bottom = box
        return torch.full((1, 3, bottom - top, right - left), BLANK)

    latents = to_the_end(encoding(model, (width, height), blank, tile))
    return torch.cat([torch.ones_like(latents[:, :1]), latents], dim=1)


class _Seen:
    """A canvas as the VAE takes it, part by part."""

    def __init__(self, canvas: Canvas) -> None:
        picture = canvas.picture
        self.size = picture.width, picture.height
        self._levels = torch.frombuffer(bytearray(picture.rgb), dtype=torch.uint8).reshape(*self.size[::-1], 3)
        self._mask = None if canvas.mask is None else _levels(canvas.mask)

    def cut(self, box: Box) -> Tensor:
        """Returns a part of the picture, (1, 3, h, w), -1 to 1."""
        left, top, right, bottom = box
        return self._levels[top:bottom, left:right].permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1

    def cut_blanked(self, box: Box) -> Tensor:
        """Returns the same, blanked where it is repainted."""
        left, top, right, bottom = box
        part = self.cut(box)
        if self._mask is None:
            return torch.full_like(part, BLANK)
        return torch.where(self._mask[top:bottom, left:right] > 0, BLANK, part)


def to_tensor(pixels: Pixels) -> Tensor:
    """Returns a picture as the VAE takes it: (1, 3, height, width), -1 to 1."""
    levels = torch.frombuffer(bytearray(pixels.rgb), dtype=torch.uint8)
    channels = levels.reshape(pixels.height, pixels.width, 3).permute(2, 0, 1).unsqueeze(0)
    return channels.float() / 127.5 - 1


def _levels(cover: AlphaMask) -> Tensor:
    return torch.frombuffer(bytearray(cover.levels), dtype=torch.uint8).reshape(cover.height, cover.width)


def _shrunk(cover: AlphaMask, model: Model) -> Tensor:
    """Scales a mask down to latents, (1, 1, h, w), 0 to 1: whatever touches a latent counts."""
    step = model.downscale
    blocks = _levels(cover).reshape(cover.height // step, step, cover.width // step, step)
    return (blocks.amax(dim=(1, 3)).float() / 255)[None, None].to(model.placement.device)
