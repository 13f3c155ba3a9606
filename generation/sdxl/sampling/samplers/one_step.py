"""Samplers of the probability-flow ODE that remember nothing from one step to the next, and add no noise."""

from collections.abc import Generator
from itertools import pairwise
from math import atan

import torch
from torch import Tensor

from generation.sdxl.sampling.samplers.interface import Noise, Steps, midpoint, sampler, slope_of

Part = Generator[tuple[Tensor, Tensor], Tensor, Tensor]


@sampler("ddim")
@sampler("euler")
def euler(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Euler's method on the probability-flow ODE (Karras et al. 2022, arXiv 2206.00364, algorithm 2, no churn).

    DDIM without noise (Song et al. 2020, arXiv 2010.02502, eq. 13) is the same step.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        x = x + slope_of(x, denoised, sigma) * (sigma_next - sigma)
    return x


@sampler("heun")
def heun(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """The trapezoidal rule: the mean of both ends' slopes (Karras et al. 2022, arXiv 2206.00364, algorithm 1)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        slope = slope_of(x, denoised, sigma)
        if sigma_next > 0:
            x_next = x + slope * (sigma_next - sigma)
            denoised_next = yield x_next, sigma_next
            slope = (slope + slope_of(x_next, denoised_next, sigma_next)) / 2
        x = x + slope * (sigma_next - sigma)
    return x


@sampler("heunpp2")
def heunpp2(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Heun++: up to three slopes, those further down weighing less as the noise falls (Heun's method extended).

    The last step is Euler's, the last but one looks one level ahead, the others two.
    """
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        slope = slope_of(x, denoised, sigma)
        if sigma_next > 0:
            ahead = [level for level in sigmas[index + 1 : index + 3] if level > 0]
            point, here, slopes = x, sigma, [slope]
            for level in ahead:
                point = point + slopes[-1] * (level - here)
                denoised = yield point, level
                slopes.append(slope_of(point, denoised, level))
                here = level
            for level, further in zip(ahead, slopes[1:], strict=True):
                slope = slope + level / (len(slopes) * sigmas[0]) * (further - slopes[0])
        x = x + slope * (sigma_next - sigma)
    return x


@sampler("dpm_2")
def dpm_2(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Midpoint steps, the midpoint taken in log sigma (DPM-Solver-2, Lu et al. 2022, arXiv 2206.00927)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        slope = slope_of(x, denoised, sigma)
        if sigma_next > 0:
            sigma_mid = midpoint(sigma, sigma_next)
            x_mid = x + slope * (sigma_mid - sigma)
            denoised_mid = yield x_mid, sigma_mid
            slope = slope_of(x_mid, denoised_mid, sigma_mid)
        x = x + slope * (sigma_next - sigma)
    return x


@sampler("dpm_fast")
def dpm_fast(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """DPM-Solver-fast: as many calls as steps were asked for, in steps of order 3 (arXiv 2206.00927, section 3.3).

    The steps are even in log-SNR, between the ends of the schedule alone; it stops at the lowest level above 0. A
    single step is Euler's.
    """
    calls = len(sigmas) - 1
    top, bottom = sigmas[0], _lowest(sigmas)
    if top == bottom:
        return (yield x, top)
    orders = [3] * (calls // 3 - 1) + [2, 1] if calls % 3 == 0 else [3] * (calls // 3) + [calls % 3]
    levels = torch.linspace(0, 1, len(orders) + 1, dtype=sigmas.dtype)
    levels = torch.exp((1 - levels) * top.log() + levels * bottom.log())
    for order, (sigma, sigma_next) in zip(orders, pairwise(levels), strict=True):
        denoised = yield x, sigma
        slope = slope_of(x, denoised, sigma)
        if order == 3:
            x, _ = yield from _third_order(x, slope, sigma, sigma_next)
        elif order == 2:
            slope_mid = yield from _slope_within(x, slope, sigma, midpoint(sigma, sigma_next))
            x = _second_order(x, (slope, slope_mid), (sigma, sigma_next), 1 / 2)
        else:
            x = x + slope * (sigma_next - sigma)
    return x


@sampler("dpm_adaptive")
def dpm_adaptive(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """DPM-Solver-23 with steps as long as their error allows (arXiv 2206.00927, appendix C, algorithm 5).

    Only the ends of the schedule matter; it stops at the lowest level above 0. The error is measured against
    max(0.0078, 0.05 |x|); a step is taken again, shorter, where it exceeds about 1.
    """
    sigma, bottom, length = sigmas[0], _lowest(sigmas), 0.05
    lower = x
    denoised = yield x, sigma
    if sigma == bottom:
        return denoised
    while (sigma / bottom).log() > 1e-5:
        slope = slope_of(x, denoised, sigma)
        sigma_next = torch.maximum(bottom, sigma * torch.tensor(-length, dtype=sigmas.dtype).exp())
        x_next, lower_next = yield from _third_order(x, slope, sigma, sigma_next)
        allowed = (0.05 * torch.maximum(lower_next.abs(), lower.abs())).clamp(min=0.0078)
        error = float(((lower_next - x_next) / allowed).square().mean().sqrt())
        factor = 1 + atan((error + 1e-8) ** (-1 / 3) - 1)  # limited, so that no step grows much at once
        length *= factor
        if factor < 0.81:
            continue
        x, lower, sigma = x_next, lower_next, sigma_next
        if sigma > bottom:
            denoised = yield x, sigma
    return x


def _lowest(sigmas: Tensor) -> Tensor:
    return sigmas[sigmas > 0][-1]


def _slope_within(x: Tensor, slope: Tensor, sigma: Tensor, sigma_mid: Tensor) -> Part:
    x_mid = x + slope * (sigma_mid - sigma)
    denoised = yield x_mid, sigma_mid
    return slope_of(x_mid, denoised, sigma_mid)


def _second_order(x: Tensor, slopes: tuple[Tensor, Tensor], ends: tuple[Tensor, Tensor], share: float) -> Tensor:
    """DPM-Solver-2 with its inner point at a share of the step (arXiv 2206.00927, algorithm 4)."""
    slope, slope_mid = slopes
    sigma, sigma_next = ends
    return x + (sigma_next - sigma) * (slope + (slope_mid - slope) / (2 * share))


def _third_order(
    x: Tensor, slope: Tensor, sigma: Tensor, sigma_next: Tensor
) -> Generator[tuple[Tensor, Tensor], Tensor, tuple[Tensor, Tensor]]:
    """DPM-Solver-3 with inner points at 1/3 and 2/3 (arXiv 2206.00927, algorithm 2), and the step of order 2 in it."""
    first, second = midpoint(sigma, sigma_next, 1 / 3), midpoint(sigma, sigma_next, 2 / 3)
    slope_1 = yield from _slope_within(x, slope, sigma, first)
    change = slope_1 - slope
    bend = 2 * second * ((sigma / second - 1) / (sigma / second).log() - 1) * change
    x_2 = x + slope * (second - sigma) - bend
    denoised_2 = yield x_2, second
    slope_2 = slope_of(x_2, denoised_2, second)
    bend = 1.5 * sigma_next * ((sigma / sigma_next - 1) / (sigma / sigma_next).log() - 1) * (slope_2 - slope)
    return x + slope * (sigma_next - sigma) - bend, _second_order(x, (slope, slope_1), (sigma, sigma_next), 1 / 3)
