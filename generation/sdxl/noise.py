"""Seeds become noise, one generator per picture, on the CPU: a seed means the same picture on every machine."""

import torch
from torch import Tensor

from generation.sdxl.samplers import Noise


def starting_noise(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Returns unit noise of a shape such as (1, 4, h/8, w/8), float32, on the CPU."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def step_noise(seed: int, shape: tuple[int, ...], device: torch.device) -> Noise:
    """Returns the source of the noise that ancestral samplers add on the way.

    It is seeded with seed + 1: the same seed would repeat the starting noise.
    """
    generator = torch.Generator().manual_seed(seed + 1)

    def draw(_sigma: Tensor, _sigma_next: Tensor) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    return draw
