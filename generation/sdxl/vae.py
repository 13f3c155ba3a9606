"""Latents become pictures."""

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
        The picture, (height, width, 3) uint8, on the CPU.
    """
    model.bring("vae")
    vae = model.vae
    vae.use_tiling = tiled or max(latents.shape[-2:]) * model.downscale > WHOLE_SIDE
    scaled = (latents / vae.config["scaling_factor"]).to(model.placement.vae_dtype)
    decoded: Tensor = vae.decode(scaled, return_dict=False)[0]
    pixels = (decoded[0].float() / 2 + 0.5).clamp(0, 1) * 255
    return pixels.round().to(torch.uint8).permute(1, 2, 0).contiguous().cpu()
