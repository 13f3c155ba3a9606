"""Separate VAEs and textual inversion embeddings become tensors."""

from collections.abc import Mapping

import torch
from diffusers import AutoencoderKL
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from generation.errors import ModelError
from generation.extras import Extras
from generation.header import Kind
from generation.sdxl.device import Placement
from generation.sdxl.layout import PREFIXES, origins, read
from generation.sdxl.streamline import streamline
from generation.sdxl.upscaler import RrdbNet, from_tensors


class Additions:
    """Loads what a request names beside its checkpoint; each file once.

    Args:
        extras: Where names are looked up.
    """

    def __init__(self, extras: Extras) -> None:
        self._extras = extras
        self._upscalers: dict[str, RrdbNet] = {}
        self._embeddings: dict[str, Mapping[str, Tensor]] = {}

    def embedding(self, name: str) -> Mapping[str, Tensor]:
        """Returns an embedding's vectors for "clip_l" and "clip_g", each (count, width).

        Raises:
            ModelError: There is none of that name, or it is not one for SDXL.
        """
        if name not in self._embeddings:
            path = self._extras.find(Kind.EMBEDDING, name)
            vectors = _read(str(path))
            if not {"clip_l", "clip_g"} <= vectors.keys():
                raise ModelError(f"{path.name} is an embedding for Stable Diffusion 1.x or 2.x, not for SDXL.")
            self._embeddings[name] = {which: vectors[which] for which in ("clip_l", "clip_g")}
        return self._embeddings[name]

    def upscaler(self, name: str, placement: Placement) -> RrdbNet:
        """Returns an upscaler, on the device in the VAE's precision.

        Raises:
            ModelError: There is none of that name, or it is of a kind that Easel does not know.
        """
        if name not in self._upscalers:
            path = self._extras.find(Kind.UPSCALER, name)
            network = from_tensors(path.name, _read(str(path)))
            self._upscalers[name] = network.to(placement.device, placement.vae_dtype)
        return self._upscalers[name]

    def vae(self, name: str, own: AutoencoderKL, placement: Placement) -> AutoencoderKL:
        """Loads a VAE of the same architecture as the checkpoint's own, in the original or in diffusers' layout.

        Raises:
            ModelError: There is none of that name, or its tensors are not those of this architecture.
        """
        path = self._extras.find(Kind.VAE, name)
        tensors = {key.removeprefix(PREFIXES["vae"]): tensor for key, tensor in _read(str(path)).items()}
        with torch.device("meta"):
            vae: AutoencoderKL = AutoencoderKL(**own.config)
        expected = vae.state_dict()
        if "decoder.up_blocks.0.resnets.0.conv1.weight" not in tensors:
            tensors = _from_original(path.name, tensors, expected)
        wrong = [key for key, value in expected.items() if key not in tensors or tensors[key].shape != value.shape]
        if wrong:
            raise ModelError(f"{path.name} is no VAE for this model: {wrong[0]} is missing or has another shape.")
        vae.load_state_dict({key: tensors[key].to(placement.vae_dtype) for key in expected}, assign=True)
        vae.requires_grad_(requires_grad=False).eval().to(placement.device)
        streamline(vae)
        return vae


def _from_original(name: str, tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    try:
        return {
            ours: read(origin, lambda key: tensors[key.removeprefix(PREFIXES["vae"])])
            for ours, origin in origins("vae", expected).items()
        }
    except KeyError as error:
        raise ModelError(f"{name} is no VAE for this model: {error} is missing in it.") from error


def _read(path: str) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ModelError(f"{path} is damaged ({error}); download it again.") from error
