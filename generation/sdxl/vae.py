"""Latents become pictures, and pictures latents."""

import torch
from torch import Tensor

from generation.sdxl.model import Model

WHOLE_SIDE = 1536  # pixels; beyond it the decoder's memory outgrows a 12 GB card


def decode(model: Model, latents: Tensor, *, tiled: bool = False) -> Tensor:
    """Decodes one picture.

    Args:
        model: The model whose VAE decodes, in its own precision.
        latents: (1, 4, h, w) as the samplers leave them.
        tiled: Decode overlapping tiles, which needs little memory; always done above 1536 pixels a side.

    Returns:
        The picture, (height, width, 3) uint8, on the device.
    """
    model.bring("vae")
    vae = model.vae
    vae.use_tiling = tiled or max(latents.shape[-2:]) * model.downscale > WHOLE_SIDE
    scaled = (latents / vae.config["scaling_factor"]).to(model.placement.vae_dtype)
    decoded: Tensor = vae.decode(scaled, return_dict=False)[0]
    pixels = (decoded[0].float() / 2 + 0.5).clamp(0, 1) * 255
    return pixels.round().to(torch.uint8).permute(1, 2, 0).contiguous()


def encode(model: Model, pixels: Tensor, *, tiled: bool = False) -> Tensor:
    """Encodes one picture; always the same latents for the same picture, the mean of what the VAE allows.

    Args:
        model: The model whose VAE encodes, in its own precision.
        pixels: (1, 3, height, width), -1 to 1.
        tiled: Encode overlapping tiles; always done above 1536 pixels a side.

    Returns:
        Latents as the samplers take them, (1, 4, height / 8, width / 8), float32, on the device.
    """
    model.bring("vae")
    vae = model.vae
    vae.use_tiling = tiled or max(pixels.shape[-2:]) > WHOLE_SIDE
    distribution = vae.encode(pixels.to(model.placement.device, model.placement.vae_dtype), return_dict=False)[0]
    latents: Tensor = distribution.mode() * vae.config["scaling_factor"]
    return latents.float()
