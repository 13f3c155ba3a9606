"""Latents become pictures, and pictures latents; large ones tile by tile, so that memory is bounded by the tile."""

from collections.abc import Callable

import torch
from torch import Tensor

from generation.request.tile_grid import SMALL_TILE, Box, tiles
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.multidiffusion import Mosaic, hill
from generation.sdxl.sampling.slices import Slices, to_the_end

WHOLE_SIDE = 1536  # pixels; beyond it the decoder's memory outgrows a 12 GB card
TILE = 1024

Cut = Callable[[Box], Tensor]  # gives a part of a picture, (1, 3, h, w), -1 to 1


def decode(model: Model, latents: Tensor, tile: int = 0) -> Tensor:
    """Decodes one picture.

    Args:
        model: The model whose VAE decodes, in its own precision.
        latents: (1, 4, h, w) as the samplers leave them.
        tile: The side in pixels that memory is to suffice for, no less than 512; 0 for the usual, which is 1536 in one
            piece and 1024 for tiles of what is larger.

    Returns:
        The picture, (height, width, 3) uint8; on the device, or in main memory where it was laid together of tiles.
    """
    return to_the_end(decoding(model, latents, tile))


def decoding(model: Model, latents: Tensor, tile: int = 0) -> Slices[Tensor]:
    """Decodes as `decode` does, and lets others in after every tile."""
    height, width = (side * model.downscale for side in latents.shape[-2:])
    boxes = _boxes(model, width, height, tile)
    if len(boxes) == 1:
        return _levels(_decoded(model, latents))
    mosaic = Mosaic(boxes)
    for box in boxes:
        left, top, right, bottom = (side // model.downscale for side in box)
        mosaic.lay(_decoded(model, latents[..., top:bottom, left:right]))
        yield
    return mosaic.picture


def encode(model: Model, pixels: Tensor, tile: int = 0) -> Tensor:
    """Encodes one picture; always the same latents for the same picture, the mean of what the VAE allows.

    Args:
        model: The model whose VAE encodes, in its own precision.
        pixels: (1, 3, height, width), -1 to 1.
        tile: As for `decode`.

    Returns:
        Latents as the samplers take them, (1, 4, height / 8, width / 8), float32, on the device.
    """
    height, width = pixels.shape[-2:]

    def cut(box: Box) -> Tensor:
        return pixels[..., box[1] : box[3], box[0] : box[2]]

    return to_the_end(encoding(model, (width, height), cut, tile))


def encoding(model: Model, size: tuple[int, int], cut: Cut, tile: int = 0) -> Slices[Tensor]:
    """Encodes as `encode` does, and lets others in after every tile.

    Args:
        model: The model whose VAE encodes.
        size: The picture's width and height.
        cut: Gives its parts, so that a large picture is never there in floating point as a whole.
        tile: As for `decode`.
    """
    width, height = size
    boxes = _boxes(model, width, height, tile)
    if len(boxes) == 1:
        return _encoded(model, cut(boxes[0]))
    shape = (1, model.latent_channels, height // model.downscale, width // model.downscale)
    total = torch.zeros(shape, device=model.placement.device)
    weights = torch.zeros(shape[-2:], device=model.placement.device)
    for box in boxes:
        latents = _encoded(model, cut(box))
        left, top, right, bottom = (side // model.downscale for side in box)
        total[..., top:bottom, left:right] += latents * hill(latents)
        weights[top:bottom, left:right] += hill(latents)
        yield
    return total / weights


def _boxes(model: Model, width: int, height: int, tile: int) -> list[Box]:
    side = max(width, height) if max(width, height) <= WHOLE_SIDE else TILE
    return tiles(width, height, min(side, max(tile, SMALL_TILE)) if tile else side, model.downscale)


def _decoded(model: Model, latents: Tensor) -> Tensor:
    """Returns the picture of latents, (3, height, width), 0 to 1, float32, on the device."""
    model.bring("vae")
    scaled = (latents / model.vae.config["scaling_factor"]).to(model.placement.vae_dtype)
    decoded: Tensor = model.vae.decode(scaled, return_dict=False)[0]
    return (decoded[0].float() / 2 + 0.5).clamp_(0, 1)


def _encoded(model: Model, pixels: Tensor) -> Tensor:
    model.bring("vae")
    distribution = model.vae.encode(pixels.to(model.placement.device, model.placement.vae_dtype), return_dict=False)[0]
    latents: Tensor = distribution.mode() * model.vae.config["scaling_factor"]
    return latents.float()


def _levels(picture: Tensor) -> Tensor:
    """Turns (3, height, width), 0 to 1, into (height, width, 3) uint8."""
    return picture.mul_(255).round_().to(torch.uint8).permute(1, 2, 0).contiguous()
