"""Predictor-corrector solvers: exponential Adams methods in lambda = -log(sigma).

An estimate that was made at a predicted point corrects the step that led there, and serves the next prediction, so
that a correction costs no call.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from generation.sdxl.sampling.samplers.interface import Noise, Steps, log_step, sampler
from generation.sdxl.sampling.samplers.multistep import lagrange, weighted
from generation.sdxl.sampling.sigmas import sigma_at

_QUADRATURE_POINTS, _QUADRATURE_WEIGHTS = np.polynomial.legendre.leggauss(32)


@sampler("sa_solver")
def sa_solver(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Stochastic Adams solver, predictor 3 and corrector 4 (Xue et al. 2023, arXiv 2309.05019, algorithm 1)."""
    return (yield from _stochastic_adams(x, sigmas, noise, evaluate_again=False))


@sampler("sa_solver_pece")
def sa_solver_pece(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """sa_solver (arXiv 2309.05019) that evaluates once more after each correction."""
    return (yield from _stochastic_adams(x, sigmas, noise, evaluate_again=True))


def _stochastic_adams(x: Tensor, sigmas: Tensor, noise: Noise, *, evaluate_again: bool) -> Steps:
    estimates: list[Tensor] = []
    lambdas = (-sigmas.double().log()).tolist()
    predicted, added, tau = x, torch.zeros_like(x), 0.0
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        estimates = [(yield predicted, sigma), *estimates[:3]]
        left = len(sigmas) - 1 - index
        if index > 0 and (left > 1 or evaluate_again):
            order = min(4, len(estimates), left)
            nodes = [lambdas[index - age] for age in range(order)]
            weights = adams_weights(nodes, lambdas[index - 1], lambdas[index], tau)
            x = _kept(sigmas[index - 1], sigma, tau) * x + weighted(weights, estimates[:order]) + added
            if evaluate_again:
                estimates[0] = yield x, sigma
        else:
            x = predicted
        if sigma_next == 0:
            return estimates[0]
        tau = _tau(sigma_next)
        order = min(3, len(estimates), max(left - 1, 1))
        weights = adams_weights([lambdas[index - age] for age in range(order)], lambdas[index], lambdas[index + 1], tau)
        predicted = _kept(sigma, sigma_next, tau) * x + weighted(weights, estimates[:order])
        added = torch.zeros_like(x)
        if tau > 0:
            deviation = sigma_next * (-torch.expm1(-2 * tau**2 * log_step(sigma, sigma_next))).sqrt()
            added = noise(sigma, sigma_next) * deviation
        predicted = predicted + added
    return predicted


@sampler("uni_pc")
def uni_pc(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """UniPC-3 with B(h) = h (Zhao et al. 2023, arXiv 2302.04867, algorithms 5 to 8)."""
    return (yield from _unified(x, sigmas, lambda step: step))


@sampler("uni_pc_bh2")
def uni_pc_bh2(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """UniPC-3 with B(h) = 1 - exp(-h) (Zhao et al. 2023, arXiv 2302.04867, algorithms 5 to 8)."""
    return (yield from _unified(x, sigmas, lambda step: -torch.expm1(-step)))


def _unified(x: Tensor, sigmas: Tensor, scale: Callable[[Tensor], Tensor]) -> Steps:
    """Predictor of order 3 and corrector of order 4.

    Their weights are those of Adams methods, which B(h) does not touch, but for the lowest orders, where the paper
    puts 1/2.
    """
    estimates: list[Tensor] = []
    lambdas = (-sigmas.double().log()).tolist()
    predicted, order = x, 1
    for index, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        estimates = [(yield predicted, sigma), *estimates[:3]]
        if sigma_next == 0:
            return estimates[0]
        if index > 0:
            step = log_step(sigmas[index - 1], sigma)
            nodes = [lambdas[index - age] for age in range(order + 1)]
            weights = adams_weights(nodes, lambdas[index - 1], lambdas[index])
            if order == 1:
                half = float(scale(step)) / 2
                weights = [half, float(-torch.expm1(-step)) - half]
            x = sigma / sigmas[index - 1] * x + weighted(weights, estimates[: order + 1])
        order = min(3, index + 1, len(sigmas) - 1 - index)
        step = log_step(sigma, sigma_next)
        weights = adams_weights([lambdas[index - age] for age in range(order)], lambdas[index], lambdas[index + 1])
        if order == 2:
            half = float(scale(step) / 2 * step / log_step(sigmas[index - 1], sigma))
            weights = [float(-torch.expm1(-step)) + half, -half]
        predicted = sigma_next / sigma * x + weighted(weights, estimates[:order])
    return predicted


def adams_weights(nodes: Sequence[float], start: float, end: float, tau: float = 0.0) -> list[float]:
    """Returns the weight of the estimate at each node over a step from `start` to `end` in lambda.

    It is (1 + tau^2) times the integral of exp(-(1 + tau^2) (end - lambda)) times the node's Lagrange polynomial
    (arXiv 2309.05019, eq. 14).
    """
    decay = 1 + tau**2
    inside = (end - start) * (_QUADRATURE_POINTS + 1) / 2
    measure = decay * np.exp(-decay * (end - start - inside)) * _QUADRATURE_WEIGHTS * (end - start) / 2
    return [float((measure * basis(inside)).sum()) for basis in lagrange([node - start for node in nodes])]


def _tau(sigma: Tensor) -> float:
    """How much noise the SDE takes: all of it in the middle six tenths of the training steps, else none."""
    low, high = sigma_at(torch.tensor([199.8, 799.2])).tolist()
    return 1.0 if low <= float(sigma) <= high else 0.0


def _kept(sigma: Tensor, sigma_next: Tensor, tau: float) -> Tensor:
    return sigma_next / sigma * (-(tau**2) * log_step(sigma, sigma_next)).exp()
