"""Samplers that make one call a step and use the answers of earlier steps."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.polynomial import Polynomial
from numpy.typing import NDArray
from torch import Tensor

from generation.sdxl.sampling.samplers.interface import Noise, Steps, ancestral_split, log_step, sampler, slope_of

# Adams-Bashforth weights of equal steps, the newest slope first (Liu et al. 2022, arXiv 2202.09778, eq. 12).
_EQUAL_STEPS = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


@sampler("lms")
def lms(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Linear multistep of order 4: Adams-Bashforth over the noise levels as they are (arXiv 2206.00364, eq. 3)."""
    slopes: list[Tensor] = []
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        slopes = [slope_of(x, denoised, sigma), *slopes[:3]]
        nodes = [float(sigmas[index - age]) for age in range(len(slopes))]
        weights = [_integral(basis, float(sigma), float(sigma_next)) for basis in lagrange(nodes)]
        x = x + weighted(weights, slopes)
    return x


@sampler("ipndm")
def ipndm(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Adams-Bashforth of order 4 as if all steps were equal (iPNDM, arXiv 2202.09778 and 2204.13902)."""
    slopes: list[Tensor] = []
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        slopes = [slope_of(x, denoised, sigma), *slopes[:3]]
        x = x + (sigma_next - sigma) * weighted(_EQUAL_STEPS[len(slopes) - 1], slopes)
    return x


@sampler("ipndm_v")
def ipndm_v(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Adams-Bashforth of order 4 with weights for unequal steps, as they were published (iPNDM, arXiv 2202.09778)."""
    slopes: list[Tensor] = []
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        slopes = [slope_of(x, denoised, sigma), *slopes[:3]]
        lengths = [float(sigmas[index + 1 - age] - sigmas[index - age]) for age in range(len(slopes))]
        x = x + (sigma_next - sigma) * weighted(_unequal_steps(lengths), slopes)
    return x


@sampler("deis")
def deis(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """tAB-DEIS of order 3: Adams-Bashforth in the VP process's own time (Zhang & Chen 2022, arXiv 2204.13902, eq. 15).

    The weights are integrals of dsigma/dt times Lagrange polynomials in t, as sums of 10000 points.
    """
    slopes: list[Tensor] = []
    times = _VP_TIME.of(sigmas.double().numpy(force=True))
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        slopes = [slope_of(x, denoised, sigma), *slopes[:2]]
        if len(slopes) == 1:
            x = x + (sigma_next - sigma) * slopes[0]
            continue
        nodes = [float(times[index - age]) for age in range(len(slopes))]
        points = np.linspace(times[index], times[index + 1], 10000)
        rate = _VP_TIME.rate(points) * (times[index + 1] - times[index]) / 10000
        x = x + weighted([float((rate * basis(points)).sum()) for basis in lagrange(nodes)], slopes)
    return x


@sampler("dpmpp_2m")
def dpmpp_2m(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """DPM-Solver++(2M): second order from two estimates (Lu et al. 2022, arXiv 2211.01095, algorithm 2)."""
    previous: tuple[Tensor, Tensor] | None = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        step = log_step(sigma, sigma_next)  # infinite at the end, where exp(-step) is 0
        estimate = denoised
        if previous is not None and sigma_next > 0:
            earlier, earlier_step = previous
            ratio = earlier_step / step
            estimate = (1 + 1 / (2 * ratio)) * denoised - 1 / (2 * ratio) * earlier
        x = (sigma_next / sigma) * x - torch.expm1(-step) * estimate
        previous = denoised, step
    return x


@sampler("gradient_estimation")
def gradient_estimation(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Euler steps along 2 d - d_before (Permenter & Yuan 2023, arXiv 2306.04848, algorithm 2, gamma 2)."""
    before: Tensor | None = None
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            return denoised
        slope = slope_of(x, denoised, sigma)
        x = x + (sigma_next - sigma) * (slope if before is None else 2 * slope - before)
        before = slope
    return x


@sampler("res_multistep")
def res_multistep(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Refined exponential multistep of order 2 (Zhang et al. 2023, arXiv 2308.02157, eq. 6); draws noise, adds none."""
    return (yield from _res_multistep(x, sigmas, noise, ancestral=False))


@sampler("res_multistep_ancestral")
def res_multistep_ancestral(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """res_multistep (arXiv 2308.02157), ancestral."""
    return (yield from _res_multistep(x, sigmas, noise, ancestral=True))


def _res_multistep(x: Tensor, sigmas: Tensor, noise: Noise, *, ancestral: bool) -> Steps:
    before: tuple[Tensor, Tensor] | None = None  # the last estimate, and how far above the last arrival it was
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        down, up = ancestral_split(sigma, sigma_next) if ancestral else (sigma_next, torch.zeros_like(sigma_next))
        step = log_step(sigma, down)
        if before is None or down == 0:
            x = x + slope_of(x, denoised, sigma) * (down - sigma)
        else:
            earlier, distance = before
            phi_1 = -torch.expm1(-step) / step
            phi_2 = (1 - phi_1) / step
            weight = -phi_2 * step / distance
            x = down / sigma * x + step * ((phi_1 - weight) * denoised + weight * earlier)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * up
        before = denoised, step
    return x


def lagrange(nodes: Sequence[float]) -> list[Polynomial]:
    """Returns the polynomials that are 1 at one node and 0 at the others."""
    bases = []
    for node in nodes:
        others = [other for other in nodes if other != node]
        basis = Polynomial.fromroots(others) if others else Polynomial([1.0])
        bases.append(basis / np.prod([node - other for other in others]))
    return bases


def weighted(weights: Sequence[float], tensors: Sequence[Tensor]) -> Tensor:
    """Returns the sum of tensors times their weights."""
    total = weights[0] * tensors[0]
    for weight, tensor in zip(weights[1:], tensors[1:], strict=True):
        total = total + weight * tensor
    return total


def _integral(polynomial: Polynomial, start: float, end: float) -> float:
    antiderivative = polynomial.integ()
    return float(antiderivative(end) - antiderivative(start))


def _unequal_steps(lengths: Sequence[float]) -> list[float]:
    """Weights for slopes, the newest first, from the lengths of this step and of those before."""
    weights = [1.0, 0.0, 0.0, 0.0]
    if len(lengths) > 1:
        h, h1 = lengths[:2]
        weights = _plus(weights, h / (2 * h1), (1, -1))
    if len(lengths) > 2:
        h2 = lengths[2]
        share = (1 - h / (3 * (h + h1)) * h * (h + h1) / (h1 * (h1 + h2))) / 2
        weights = _plus(weights, share, (1, -1 - h1 / h2, h1 / h2))
    if len(lengths) > 3:
        h3 = lengths[3]
        inner = (1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))
        share = inner * h * (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2) * (h1 + h2 + h3))
        r = h1 * (h1 + h2) / (h2 * (h2 + h3))
        weights = _plus(weights, share, (1, -1 - h1 / h2 - r, h1 / h2 + r * (1 + h2 / h3), -r * h1 / h2))
    return weights[: len(lengths)]


def _plus(weights: Sequence[float], share: float, pattern: Sequence[float]) -> list[float]:
    padded = [*pattern, *[0.0] * (len(weights) - len(pattern))]
    return [weight + share * each for weight, each in zip(weights, padded, strict=True)]


class _VariancePreservingTime:
    """The VP process's time t of a noise level: sigma^2 + 1 = exp(slope t^2 / 2 + start t) (arXiv 2011.13456)."""

    def __init__(self, sigma_low: float = 0.002, sigma_high: float = 80.0, t_low: float = 1e-3) -> None:
        low, high = np.log(sigma_low**2 + 1), np.log(sigma_high**2 + 1)
        self._slope = 2 * (low / t_low - high) / (t_low - 1)
        self._start = high - self._slope / 2

    def of(self, sigmas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns the times of noise levels."""
        root = np.sqrt(self._start**2 + 2 * self._slope * np.log(sigmas**2 + 1))
        times: NDArray[np.float64] = (root - self._start) / self._slope
        return times

    def rate(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """Returns dsigma/dt."""
        grown = np.exp(self._slope * times**2 / 2 + self._start * times)
        rate: NDArray[np.float64] = (self._slope * times + self._start) * grown / (2 * np.sqrt(grown - 1))
        return rate


_VP_TIME = _VariancePreservingTime()
