"""Samplers: each a short generator that asks for denoised estimates and never calls the model itself.

A sampler gets noisy latents x, the falling noise levels `sigmas`, and `noise(sigma, sigma_next)`, which gives unit
noise of x's shape. It yields (x, sigma), is sent the model's estimate of the picture without noise, and returns the
finished latents. Who drives it decides when, and beside whom, the model is called.
"""

from collections.abc import Callable, Generator
from itertools import pairwise

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
    """Drives one sampler to its end with `denoise(x, sigma)`."""
    steps = SAMPLERS[name](x, sigmas, noise)
    try:
        request = next(steps)
        while True:
            request = steps.send(denoise(*request))
    except StopIteration as end:
        finished: Tensor = end.value
        return finished


@sampler("euler")
def euler(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Euler's method on the probability-flow ODE (Karras et al. 2022, arXiv 2206.00364, algorithm 2, no churn)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        x = x + (x - denoised) / sigma * (sigma_next - sigma)
    return x


@sampler("euler_ancestral")
def euler_ancestral(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Euler steps to below the next noise level, and fresh noise back up to it (ancestral sampling, eta 1)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        down, up = ancestral_split(sigma, sigma_next)
        x = x + (x - denoised) / sigma * (down - sigma)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * up
    return x


@sampler("dpm_2")
def dpm_2(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Midpoint steps, the midpoint taken in log sigma (DPM-Solver-2, Lu et al. 2022, arXiv 2206.00927)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        slope = (x - denoised) / sigma
        if sigma_next == 0:
            x = x + slope * (sigma_next - sigma)
            continue
        sigma_mid = ((sigma.log() + sigma_next.log()) / 2).exp()
        x_mid = x + slope * (sigma_mid - sigma)
        denoised_mid = yield x_mid, sigma_mid
        x = x + (x_mid - denoised_mid) / sigma_mid * (sigma_next - sigma)
    return x


@sampler("dpmpp_2m")
def dpmpp_2m(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Second-order multistep, one call a step (DPM-Solver++(2M), Lu et al. 2022, arXiv 2211.01095, algorithm 2)."""
    previous: tuple[Tensor, Tensor] | None = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        step = (sigma / sigma_next).log()  # in log-SNR; infinite at the end, where exp(-step) is 0
        estimate = denoised
        if previous is not None and sigma_next > 0:
            earlier, earlier_step = previous
            ratio = earlier_step / step
            estimate = (1 + 1 / (2 * ratio)) * denoised - 1 / (2 * ratio) * earlier
        x = (sigma_next / sigma) * x - torch.expm1(-step) * estimate
        previous = denoised, step
    return x


def ancestral_split(sigma: Tensor, sigma_next: Tensor) -> tuple[Tensor, Tensor]:
    """Splits the way to the next noise level into a step down and noise added back up (eta 1)."""
    up = torch.minimum(sigma_next, (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2).sqrt())
    return (sigma_next**2 - up**2).sqrt(), up
