"""Rough pictures of denoised latents, for live previews."""

from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from generation.sdxl.model import Model
from generation.sdxl.vae import decode

SDXL_WIDTHS = (128, 256, 512, 512)
SDXL_WEIGHTS = ((60.0, 60.0, 60.0), (-60.0, -5.0, 10.0), (25.0, 15.0, -5.0), (-70.0, -50.0, -35.0))
SDXL_BIAS = (150.0, 140.0, 130.0)

_FIT_PICTURES, _FIT_SIDE, _FIT_COARSE, _FIT_SPREAD = 16, 8, 2, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class LinearMap:
    """Each latent becomes one pixel, by a matrix: cheap, small, and true enough to see what is coming.

    Attributes:
        weights: From latent channels to red, green and blue of 0 to 255, (channels, 3).
        bias: The colour of a latent of zeros, (3,).
    """

    weights: Tensor
    bias: Tensor

    @torch.inference_mode()
    def __call__(self, latents: Tensor) -> Image.Image:
        """Returns the rough picture of latents (1, channels, h, w): h pixels high, w wide."""
        pixels = latents[0].float().cpu().permute(1, 2, 0) @ self.weights + self.bias
        return Image.fromarray(pixels.clamp(0, 255).round().to(torch.uint8).numpy())


def linear_map(model: Model) -> LinearMap:
    """Returns the map for a model's latents.

    For SDXL's own VAE that is the matrix of diffusers' documentation (guide "Pipeline callbacks", latents_to_rgb).
    Another VAE is asked itself: smooth latents are decoded, and the matrix is fitted by least squares.
    """
    if has_sdxl_latents(model):
        return LinearMap(torch.tensor(SDXL_WEIGHTS), torch.tensor(SDXL_BIAS))
    return _fit(model)


def has_sdxl_latents(model: Model) -> bool:
    """Whether a model's latents are SDXL's own, told by the widths of its VAE."""
    return tuple(model.vae.config["block_out_channels"]) == SDXL_WIDTHS


@torch.inference_mode()
def _fit(model: Model) -> LinearMap:
    shape = (_FIT_PICTURES, model.latent_channels, _FIT_COARSE, _FIT_COARSE)
    coarse = _FIT_SPREAD * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    latents = functional.interpolate(coarse, size=(_FIT_SIDE, _FIT_SIDE), mode="bilinear")
    pictures = torch.stack([decode(model, each[None].to(model.placement.device)) for each in latents]).float()
    colours = functional.avg_pool2d(pictures.permute(0, 3, 1, 2), model.downscale)
    inputs = latents.permute(0, 2, 3, 1).reshape(-1, model.latent_channels)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    solution: Tensor = torch.linalg.lstsq(inputs, colours.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    return LinearMap(solution[:-1].clone(), solution[-1].clone())
