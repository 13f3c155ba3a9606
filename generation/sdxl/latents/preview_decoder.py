"""Rough pictures of denoised latents, for live previews."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.models.autoencoders.vae import DecoderTiny
from PIL import Image
from torch import Tensor
from torch.nn import functional

from generation.errors import ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.safetensors_header import Kind
from generation.sdxl.latents.vae import decode
from generation.sdxl.model.device import Placement
from generation.sdxl.model.model import Glance, Model
from generation.sdxl.model.tensors import read_tensors

log = logging.getLogger(__name__)

TINY_NAME = "taesdxl"  # the same decoder for Stable Diffusion 1.x has the same shapes
SDXL_WIDTHS = (128, 256, 512, 512)
SDXL_WEIGHTS = ((60.0, 60.0, 60.0), (-60.0, -5.0, 10.0), (25.0, 15.0, -5.0), (-70.0, -50.0, -35.0))
SDXL_BIAS = (150.0, 140.0, 130.0)

_FIT_PICTURES, _FIT_SIDE, _FIT_COARSE, _FIT_SPREAD = 16, 8, 2, 1.5
_TINY_SIDE = 48  # latents of the longer side that TAESD decodes: 384 pixels


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


class TinyDecoder:
    """A small decoder (TAESD, github.com/madebyollin/taesd): previews with details, for a little of the device's time.

    Args:
        decoder: Its layers, from latents to -1 to 1.
        placement: Where and in which precision it decodes.
    """

    def __init__(self, decoder: DecoderTiny, placement: Placement) -> None:
        self._decoder = decoder.requires_grad_(requires_grad=False).eval().to(placement.device, placement.dtype)
        self._placement = placement

    @torch.inference_mode()
    def __call__(self, latents: Tensor) -> Image.Image:
        """Returns the picture of latents (1, 4, h, w), no larger than a preview needs."""
        scale = min(1.0, _TINY_SIDE / max(latents.shape[-2:]))
        small = functional.interpolate(latents.float(), scale_factor=scale, mode="area") if scale < 1 else latents
        pixels = self._decoder(small.to(self._placement.device, self._placement.dtype))[0].float() * 127.5 + 127.5
        return Image.fromarray(pixels.clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy())


def choose_glance(model: Model, extras: AuxiliaryFiles) -> Glance:
    """Returns what draws a model's previews: TAESDXL where the models folder has it and it fits, else a linear map."""
    tiny = [name for name in extras.names(Kind.TINY_DECODER) if name.lower().startswith(TINY_NAME)]
    if not tiny or not has_sdxl_latents(model):
        return linear_map(model)
    try:
        decoder = load_tiny_decoder(extras.find(Kind.TINY_DECODER, tiny[0]))
    except ModelError as error:
        log.warning("previews are drawn without TAESDXL: %s", error)
        return linear_map(model)
    log.info("previews are decoded by %s", tiny[0])
    return TinyDecoder(decoder, model.placement)


def load_tiny_decoder(path: Path) -> DecoderTiny:
    """Loads TAESD's decoder from a file in its own layout or in diffusers'.

    Raises:
        ModelError: The file is damaged, or its tensors are not those of TAESD's decoder.
    """
    decoder = DecoderTiny(4, 3, (3, 3, 3, 1), (64, 64, 64, 64), 2, "relu", "nearest")
    tensors = read_tensors(path)
    ours = {f"layers.{int(first) - 1}.{rest}": tensor for first, rest, tensor in _numbered(tensors)} or {
        key.removeprefix("decoder."): tensor for key, tensor in tensors.items() if key.startswith("decoder.")
    }
    wrong = [key for key, value in decoder.state_dict().items() if key not in ours or ours[key].shape != value.shape]
    if wrong:
        raise ModelError(f"{path.name} is no TAESD decoder: {wrong[0]} is missing or has another shape.")
    decoder.load_state_dict({key: ours[key] for key in decoder.state_dict()})
    return decoder


def _numbered(tensors: dict[str, Tensor]) -> Iterator[tuple[str, str, Tensor]]:
    """Gives the tensors of TAESD's own layout: layers by number, of which the first is a clamp without weights."""
    for key, tensor in tensors.items():
        first, _, rest = key.partition(".")
        if first.isdecimal() and len(first) <= 3:
            yield first, rest, tensor


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
    pictures = torch.stack([decode(model, each[None].to(model.vae.device)).cpu() for each in latents]).float()
    colours = functional.avg_pool2d(pictures.permute(0, 3, 1, 2), model.downscale)
    inputs = latents.permute(0, 2, 3, 1).reshape(-1, model.latent_channels)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    solution: Tensor = torch.linalg.lstsq(inputs, colours.permute(0, 2, 3, 1).reshape(-1, 3)).solution
    return LinearMap(solution[:-1].clone(), solution[-1].clone())
