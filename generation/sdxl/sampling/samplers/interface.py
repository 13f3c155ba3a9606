"""What a sampler is, and the few identities that all of them share.

Noise levels are written as sigma; h = log(sigma / sigma_next) is the length of a step in half the log of the
signal-to-noise ratio, lambda = -log(sigma).
"""

from collections.abc import Callable, Generator

import torch
from torch import Tensor

Noise = Callable[[Tensor, Tensor], Tensor]
Steps = Generator[tuple[Tensor, Tensor], Tensor, Tensor]
Sampler = Callable[[Tensor, Tensor, Noise], Steps]

SAMPLERS: dict[str, Sampler] = {}


def sampler(name: str) -> Callable[[Sampler], Sampler]:
    """Enters a sampler under the name people type."""

    def enter(function: Sampler) -> Sampler:
        SAMPLERS[name] = function
        return function

    return enter


def sample(name: str, denoise: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigmas: Tensor, noise: Noise) -> Tensor:
    """Drives one sampler to its end.

    Args:
        name: A name of SAMPLERS.
        denoise: Called with (x, sigma); returns the estimate of the picture without noise, of x's shape.
        x: Noisy latents at the first noise level, (rows, channels, height, width).
        sigmas: Falling noise levels, (steps + 1,); usually the last one is 0.
        noise: Called with (sigma, sigma_next); returns unit noise of x's shape.

    Returns:
        The finished latents.
    """
    steps = SAMPLERS[name](x, sigmas, noise)
    try:
        request = next(steps)
        while True:
            request = steps.send(denoise(*request))
    except StopIteration as end:
        finished: Tensor = end.value
        return finished


def slope_of(x: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
    """Returns dx/dsigma of the probability-flow ODE, which is the noise in x (arXiv 2206.00364, eq. 3)."""
    return (x - denoised) / sigma


def ancestral_split(sigma: Tensor, sigma_next: Tensor) -> tuple[Tensor, Tensor]:
    """Splits the way to the next noise level into a step down and noise added back up (eta 1).

    The noise is that of the posterior q(x_next | x, x_0) of DDPM (arXiv 2006.11239, eq. 7) in terms of sigma.
    """
    up = torch.minimum(sigma_next, (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2).sqrt())
    return (sigma_next**2 - up**2).sqrt(), up


def log_step(sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """Returns h, a step's length in log-SNR; infinite down to sigma 0."""
    return (sigma / sigma_next).log()


def midpoint(sigma: Tensor, sigma_next: Tensor, share: float = 0.5) -> Tensor:
    """Returns the noise level a share of the way down, in log sigma."""
    return ((1 - share) * sigma.log() + share * sigma_next.log()).exp()
