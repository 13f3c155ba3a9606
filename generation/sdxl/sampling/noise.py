"""Seeds become noise, one generator per picture, on the CPU: a seed means the same picture on every machine.

Three conventions have names. "easel" draws each picture from its own seed and the noise of later steps from
seed + 1. "comfyui" draws a whole batch from one seed and from seed + 1: the same for a single picture. "a1111" goes
on with the generator of the starting noise. SDE solvers get increments of a Brownian path of entropy `seed` in all.
"""

import torch
import torchsde
from torch import Tensor

from generation.request.request import GenerationRequest
from generation.request.sampler_info import SAMPLERS
from generation.sdxl.sampling.samplers import Noise

Shape = tuple[int, ...]

_PATH_DIGITS = 6  # torchsde rounds a path's ends to so many and complains of levels beyond them


def starting_noise(seed: int, shape: Shape) -> Tensor:
    """Returns unit noise of a shape such as (1, 4, h/8, w/8), float32, on the CPU."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def first_noise(request: GenerationRequest, shape: Shape) -> Tensor:
    """Returns the unit noise that a picture begins with, its variation included.

    Args:
        request: The request of this one picture.
        shape: (1, 4, h/8, w/8).
    """
    noise = _row(starting_noise(request.seed, _batch(request, shape)), request)
    if request.subseed_strength > 0:
        noise = slerp(request.subseed_strength, noise, starting_noise(request.subseed, shape))
    return noise


def later_noise(request: GenerationRequest, shape: Shape, sigmas: Tensor, device: torch.device) -> Noise:
    """Returns the source of the noise that samplers add on the way, by the request's convention.

    Args:
        request: The request of this one picture.
        shape: (1, 4, h/8, w/8).
        sigmas: The noise levels to come.
        device: Where the noise is wanted.
    """
    if SAMPLERS[request.sampler].noise == "brownian":
        return brownian_noise(request, shape, sigmas, device)
    whole = _batch(request, shape)
    if request.noise == "a1111":
        generator = torch.Generator().manual_seed(request.seed)
        torch.randn(whole, generator=generator)
    else:
        generator = torch.Generator().manual_seed(request.seed + 1)  # the seed itself would repeat the first noise

    def draw(_sigma: Tensor, _sigma_next: Tensor) -> Tensor:
        return _row(torch.randn(whole, generator=generator), request).to(device)

    return draw


def brownian_noise(request: GenerationRequest, shape: Shape, sigmas: Tensor, device: torch.device) -> Noise:
    """Returns unit noise from a Brownian path over sigma, so that steps of any length see the same path.

    The path is torchsde's virtual Brownian tree (Li et al. 2020, arXiv 2001.01328, section 4); an increment is
    divided by the square root of its interval. Falling levels walk it backwards.
    """
    levels = sigmas[sigmas > 0].double()
    low, high = (round(float(level), _PATH_DIGITS) for level in (levels.min(), levels.max()))
    path: torchsde.BrownianTree | None = None

    def draw(sigma: Tensor, sigma_next: Tensor) -> Tensor:
        nonlocal path
        if path is None:
            path = torchsde.BrownianTree(low, torch.zeros(_batch(request, shape)), high, entropy=request.seed)
        length = float(sigma) - float(sigma_next)
        increment: Tensor = -path(max(float(sigma_next), low), min(float(sigma), high)) / length**0.5
        return _row(increment, request).to(device)

    return draw


def slerp(share: float, low: Tensor, high: Tensor) -> Tensor:
    """Goes a share of the way from one noise to another along a sphere, column by column as A1111 does it.

    Args:
        share: 0 for all of `low`, 1 for all of `high`.
        low: (1, channels, height, width).
        high: Of the same shape.
    """
    cosine = torch.nn.functional.cosine_similarity(low, high, dim=2).unsqueeze(2).clamp(-1, 1)
    angle = cosine.acos()
    if float(cosine.mean()) > 0.9995:
        return low + share * (high - low)
    return (((1 - share) * angle).sin() * low + (share * angle).sin() * high) / angle.sin()


def _batch(request: GenerationRequest, shape: Shape) -> Shape:
    return (request.rows, *shape[1:])


def _row(noise: Tensor, request: GenerationRequest) -> Tensor:
    return noise[request.row : request.row + 1]
