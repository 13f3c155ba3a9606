"""Separate VAEs and textual inversion embeddings become tensors."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from cachetools import LRUCache
from diffusers import AutoencoderKL
from torch import Tensor

from generation.errors import ModelError
from generation.models.auxiliary import AuxiliaryFiles, count_vectors
from generation.models.safetensors_header import Kind, read_header
from generation.sdxl.model.device import Placement
from generation.sdxl.model.fused_modules import fuse_modules
from generation.sdxl.model.layout import PREFIXES, origins, read
from generation.sdxl.model.tensors import read_tensors
from generation.sdxl.model.upscaler import RrdbNet, from_tensors

KEPT_EMBEDDINGS = 64  # 0.1 MB each
KEPT_UPSCALERS = 3  # on the device, 34 to 67 MB each

Kept = TypeVar("Kept")


class AuxiliaryModels:
    """Loads what a request names beside its checkpoint; the latest few files only once.

    Args:
        extras: Where names are looked up.
    """

    def __init__(self, extras: AuxiliaryFiles) -> None:
        self._extras = extras
        self._upscalers: LRUCache[str, RrdbNet] = LRUCache(KEPT_UPSCALERS)
        self._embeddings: LRUCache[str, Mapping[str, Tensor]] = LRUCache(KEPT_EMBEDDINGS)

    def embedding(self, name: str) -> Mapping[str, Tensor]:
        """Returns an embedding's vectors for "clip_l" and "clip_g", each (count, width).

        Raises:
            ModelError: There is none of that name, or it is not one for SDXL.
        """

        def load() -> Mapping[str, Tensor]:
            path = self._extras.find(Kind.EMBEDDING, name)
            count_vectors(read_header(path))
            vectors = read_tensors(path)
            return {which: vectors[which] for which in ("clip_l", "clip_g")}

        return _recall(self._embeddings, name.lower(), load)

    def upscaler(self, name: str, placement: Placement) -> RrdbNet:
        """Returns an upscaler, on the device in the VAE's precision.

        Raises:
            ModelError: There is none of that name, or it is of a kind that Easel does not know.
        """

        def load() -> RrdbNet:
            path = self._extras.find(Kind.UPSCALER, name)
            return from_tensors(path.name, read_tensors(path)).to(placement.device, placement.vae_dtype)

        return _recall(self._upscalers, name, load)

    def vae(self, name: str, own: AutoencoderKL, placement: Placement) -> AutoencoderKL:
        """Loads a VAE of the same architecture as the checkpoint's own, in the original or in diffusers' layout.

        Raises:
            ModelError: There is none of that name, or its tensors are not those of this architecture.
        """
        path = self._extras.find(Kind.VAE, name)
        tensors = {key.removeprefix(PREFIXES["vae"]): tensor for key, tensor in read_tensors(path).items()}
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
        fuse_modules(vae)
        return vae


def _recall(kept: LRUCache[str, Kept], name: str, load: Callable[[], Kept]) -> Kept:
    if name not in kept:
        kept[name] = load()
    return kept[name]


def _from_original(name: str, tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    try:
        return {
            ours: read(origin, lambda key: tensors[key.removeprefix(PREFIXES["vae"])])
            for ours, origin in origins("vae", expected).items()
        }
    except KeyError as error:
        raise ModelError(f"{name} is no VAE for this model: {error} is missing in it.") from error
