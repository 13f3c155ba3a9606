"""Solvers of the reverse diffusion SDE: the estimate pulls, and noise of the exact size is added in every step.

With lambda = -log(sigma), h the length of a step and eta 1, the solution over a step is
x_next = exp(-2h) x + (weights of the estimates) + sigma_next sqrt(1 - exp(-2h)) noise (arXiv 2211.01095, eq. 19).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from generation.sdxl.sampling.samplers.interface import Noise, Steps, ancestral_split, log_step, midpoint, sampler


@sampler("dpmpp_sde")
def dpmpp_sde(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """SDE-DPM-Solver++ of two calls, its inner point half-way (Lu et al. 2022, arXiv 2211.01095, section 5)."""
    for sigma, sigma_next in pairwise(sigmas):
        start = x
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        for level in (midpoint(sigma, sigma_next), sigma_next):
            down, up = ancestral_split(sigma, level)
            x = down / sigma * start - torch.expm1(-log_step(sigma, down)) * denoised
            x = x + noise(sigma, level) * up
            if level > sigma_next:
                denoised = yield x, level
    return x


@sampler("dpmpp_2m_sde")
def dpmpp_2m_sde(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """SDE-DPM-Solver++(2M), midpoint form (Lu et al. 2022, arXiv 2211.01095, eq. 19 and algorithm 2)."""
    return (yield from _two_estimates(x, sigmas, noise, heun=False))


@sampler("dpmpp_2m_sde_heun")
def dpmpp_2m_sde_heun(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """SDE-DPM-Solver++(2M) with the exact integral of a line, Heun's form (arXiv 2211.01095, eq. 19)."""
    return (yield from _two_estimates(x, sigmas, noise, heun=True))


def _two_estimates(x: Tensor, sigmas: Tensor, noise: Noise, *, heun: bool) -> Steps:
    before: tuple[Tensor, Tensor] | None = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        step = log_step(sigma, sigma_next)
        share = -torch.expm1(-2 * step)
        x = sigma_next / sigma * (-step).exp() * x + share * denoised
        if before is not None:
            earlier, earlier_step = before
            weight = 1 - share / (2 * step) if heun else share / 2
            x = x + weight * step / earlier_step * (denoised - earlier)
        x = x + noise(sigma, sigma_next) * sigma_next * share.sqrt()
        before = denoised, step
    return x


@sampler("dpmpp_3m_sde")
def dpmpp_3m_sde(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """SDE-DPM-Solver++ of order 3 from three estimates (arXiv 2211.01095, eq. 19, a quadratic through them)."""
    estimates: list[Tensor] = []
    lengths: list[Tensor] = []
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        estimates, lengths = [denoised, *estimates[:2]], [log_step(sigma, sigma_next), *lengths[:2]]
        step = lengths[0]
        share = -torch.expm1(-2 * step)
        x = (-2 * step).exp() * x + share * denoised
        phi_2 = 1 - share / (2 * step)
        slopes = [
            (newer - older) * step / length
            for (newer, older), length in zip(pairwise(estimates), lengths[1:], strict=True)
        ]
        if len(slopes) == 1:
            x = x + phi_2 * slopes[0]
        elif len(slopes) == 2:
            bend = (slopes[0] - slopes[1]) * step / (lengths[1] + lengths[2])
            first = slopes[0] + bend * lengths[1] / step
            x = x + phi_2 * first - (phi_2 / (2 * step) - 0.5) * bend
        x = x + noise(sigma, sigma_next) * sigma_next * share.sqrt()
    return x


@sampler("seeds_2")
def seeds_2(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """SEEDS-2 with its inner point half-way (Gonzalez et al. 2023, arXiv 2305.14267, algorithm 2)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        middle = midpoint(sigma, sigma_next)
        first, second = noise(sigma, middle), noise(middle, sigma_next)
        denoised_2 = yield _towards(x, denoised, sigma, middle) + _added(sigma, middle, middle) * first, middle
        x = _towards(x, denoised_2, sigma, sigma_next)
        x = x + _added(sigma, middle, sigma_next) * first + _added(middle, sigma_next, sigma_next) * second
    return x


@sampler("seeds_3")
def seeds_3(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """SEEDS-3 with its inner points at 1/3 and 2/3 (Gonzalez et al. 2023, arXiv 2305.14267, algorithm 3)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        third, two_thirds = midpoint(sigma, sigma_next, 1 / 3), midpoint(sigma, sigma_next, 2 / 3)
        levels = list(pairwise((sigma, third, two_thirds, sigma_next)))
        came_in = [(ends, noise(*ends)) for ends in levels]
        denoised_2 = yield _towards(x, denoised, sigma, third) + _sum_at(third, came_in[:1]), third
        x_3 = _towards(x, denoised, sigma, two_thirds) + _sum_at(two_thirds, came_in[:2])
        denoised_3 = yield x_3 + _phi_2(sigma, two_thirds) * 2 * (denoised_2 - denoised), two_thirds
        x = _towards(x, denoised, sigma, sigma_next) + _sum_at(sigma_next, came_in)
        x = x + _phi_2(sigma, sigma_next) * 1.5 * (denoised_3 - denoised)
    return x


@sampler("er_sde")
def er_sde(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Extended reverse-time SDE solver of order 3 (Cui et al. 2023, arXiv 2309.06169, algorithm 3, ER-SDE 5).

    The integrals are left sums of 200 points from the lower level.
    """
    before: Tensor | None = None
    before_slope: Tensor | None = None
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        ratio = _noise_scale(sigma_next) / _noise_scale(sigma)
        x = ratio * x + (1 - ratio) * denoised
        change = sigma_next - sigma
        points = sigma_next - torch.arange(200, dtype=sigmas.dtype, device=sigmas.device) * change / 200
        weights = _noise_scale(sigma_next) / _noise_scale(points) * -change / 200
        if before is not None:
            slope = (denoised - before) / (sigma - sigmas[index - 1])
            x = x + (change + weights.sum()) * slope
            if before_slope is not None:
                bend = 2 * (slope - before_slope) / (sigma - sigmas[index - 2])
                x = x + (change**2 / 2 + (weights * (points - sigma)).sum()) * bend
            before_slope = slope
        before = denoised
        x = x + noise(sigma, sigma_next) * (sigma_next**2 - (sigma * ratio) ** 2).clamp(min=0).sqrt()
    return x


def _noise_scale(sigma: Tensor) -> Tensor:
    return sigma * ((sigma**0.3).exp() + 10)


def _towards(x: Tensor, denoised: Tensor, sigma: Tensor, level: Tensor) -> Tensor:
    """The first-order solution at a level, without its noise."""
    step = log_step(sigma, level)
    return (-2 * step).exp() * x - torch.expm1(-2 * step) * denoised


def _added(start: Tensor, end: Tensor, level: Tensor) -> Tensor:
    """The deviation at a level of the noise that came in between two levels above it."""
    from_start, from_end = log_step(start, level), log_step(end, level)
    return level * ((-2 * from_end).exp() - (-2 * from_start).exp()).sqrt()


def _sum_at(level: Tensor, came_in: Sequence[tuple[tuple[Tensor, Tensor], Tensor]]) -> Tensor:
    """The noise at a level, of all that came in between levels above it."""
    return torch.stack([_added(*ends, level) * increment for ends, increment in came_in]).sum(0)


def _phi_2(sigma: Tensor, level: Tensor) -> Tensor:
    step = 2 * log_step(sigma, level)
    return torch.expm1(-step) / step + 1
