"""Solvers without reference numbers, against plain transcriptions of their papers and against exact solutions."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from generation.sdxl.sampling.samplers import sample
from generation.sdxl.sampling.sigmas import schedule
from tests.sdxl.test_samplers import PROBLEM, denoise

Estimate = Callable[[Tensor, Tensor], Tensor]


def no_noise(_sigma: Tensor, _sigma_next: Tensor) -> Tensor:
    return torch.zeros(1)


def start(sigmas: Tensor) -> Tensor:
    noisy: Tensor = torch.from_numpy(PROBLEM["x"]) * (1 + sigmas[0] ** 2).sqrt()
    return noisy


def difference(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("scheduler", ["karras", "normal", "simple"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 20, 30])
@pytest.mark.parametrize("variant", ["uni_pc", "uni_pc_bh2"])
def test_unipc_is_its_papers_algorithm(variant: str, steps: int, scheduler: str) -> None:
    sigmas = schedule(scheduler, variant, steps).double()

    found = sample(variant, denoise, start(sigmas), sigmas, no_noise)

    assert difference(found, unipc(denoise, start(sigmas), sigmas, variant)) < 1e-9


def unipc(model: Estimate, x: Tensor, sigmas: Tensor, variant: str) -> Tensor:
    """UniPC-3 with data prediction (arXiv 2302.04867, algorithms 7 and 8), by the systems of equations (8) and (9)."""
    lambdas = -sigmas.log()
    estimates = [model(x, sigmas[0])]
    for i in range(1, len(sigmas)):
        if sigmas[i] == 0:
            return estimates[-1]
        p = min(3, i, len(sigmas) - i)
        h = lambdas[i] - lambdas[i - 1]
        ratios = [(lambdas[i - 1 - m] - lambdas[i - 1]) / h for m in range(1, p)]
        differences = [(estimates[-1 - m] - estimates[-1]) / r for m, r in zip(range(1, p), ratios, strict=True)]
        scale = -h if variant == "uni_pc" else torch.expm1(-h)
        first_order = sigmas[i] / sigmas[i - 1] * x - torch.expm1(-h) * estimates[-1]

        rhos = [0.5] if p == 2 else solve(ratios, h, scale)
        x_predicted = first_order - scale * total(rhos, differences)
        estimate = model(x_predicted, sigmas[i])
        if i == len(sigmas) - 1:
            return x_predicted
        rhos = [0.5] if p == 1 else solve([*ratios, torch.tensor(1.0)], h, scale)
        x = first_order - scale * total(rhos, [*differences, estimate - estimates[-1]])
        estimates.append(estimate)
    return x


def solve(ratios: list[Tensor], h: Tensor, scale: Tensor) -> list[float]:
    """Solves R(h) a B(h) = phi(h) for data prediction."""
    matrix = np.array([[float(r) ** k for r in ratios] for k in range(len(ratios))])
    phi, right = float(torch.expm1(-h) / -h - 1), []
    for k in range(1, len(ratios) + 1):
        right.append(phi * math.factorial(k) / float(scale))
        phi = phi / -float(h) - 1 / math.factorial(k + 1)
    return list(np.linalg.solve(matrix, np.array(right))) if ratios else []


def total(weights: list[float], tensors: list[Tensor]) -> Tensor:
    return sum((w * each for w, each in zip(weights, tensors, strict=True)), torch.zeros(1, dtype=torch.float64))


@pytest.mark.parametrize("steps", [2, 3, 4, 5, 20, 30])
def test_dpm_fast_is_its_papers_algorithm(steps: int) -> None:
    sigmas = schedule("karras", "dpm_fast", steps).double()
    calls: list[Tensor] = []

    def counted(x: Tensor, sigma: Tensor) -> Tensor:
        calls.append(sigma)
        return denoise(x, sigma)

    found = sample("dpm_fast", counted, start(sigmas), sigmas, no_noise)

    whole = steps // 3
    orders = {0: [3] * (whole - 1) + [2, 1], 1: [3] * whole + [1], 2: [3] * whole + [2]}[steps % 3]
    lambdas = torch.linspace(float(-sigmas[0].log()), float(-sigmas[-2].log()), len(orders) + 1, dtype=torch.float64)
    expected = start(sigmas)
    for order, (now, then) in zip(orders, pairwise(lambdas), strict=True):
        expected = dpm_solver(order, expected, now, then)
    assert difference(found, expected) < 1e-9
    assert len(calls) == steps


def dpm_solver(order: int, x: Tensor, now: Tensor, then: Tensor, r1: float | None = None) -> Tensor:
    """One step of DPM-Solver-1, -2 or -3 in lambda and predicted noise (arXiv 2206.00927, eq. 3.7, algorithms 1, 2)."""

    def noise(x: Tensor, at: Tensor) -> Tensor:
        return (x - denoise(x, (-at).exp())) / (-at).exp()

    h = then - now
    eps = noise(x, now)
    if order == 1:
        return x - (-then).exp() * torch.expm1(h) * eps
    r1 = r1 or {2: 1 / 2, 3: 1 / 3}[order]
    first = now + r1 * h
    change = noise(x - (-first).exp() * torch.expm1(r1 * h) * eps, first) - eps
    if order == 2:
        return x - (-then).exp() * torch.expm1(h) * (eps + change / (2 * r1))
    r2 = 2 / 3
    second = now + r2 * h
    bend = (-second).exp() * r2 / r1 * (torch.expm1(r2 * h) / (r2 * h) - 1) * change
    change_2 = noise(x - (-second).exp() * torch.expm1(r2 * h) * eps - bend, second) - eps
    return x - (-then).exp() * (torch.expm1(h) * eps + (torch.expm1(h) / h - 1) / r2 * change_2)


def test_dpm_adaptive_is_its_papers_algorithm() -> None:
    sigmas = schedule("karras", "dpm_adaptive", 20).double()

    found = sample("dpm_adaptive", denoise, start(sigmas), sigmas, no_noise)

    now, end, h = -sigmas[0].log(), -sigmas[-2].log(), 0.05
    x = before = start(sigmas)
    while now < end - 1e-5:
        then = torch.minimum(end, now + h)
        low, high = dpm_solver(2, x, now, then, r1=1 / 3), dpm_solver(3, x, now, then)
        allowed = torch.maximum(torch.tensor(0.0078), 0.05 * torch.maximum(low.abs(), before.abs()))
        error = float(((low - high) / allowed).norm() / x.numel() ** 0.5)
        factor = 1 + math.atan((error + 1e-8) ** (-1 / 3) - 1)
        if factor >= 0.81:
            x, before, now = high, low, then
        h *= factor
    assert difference(found, x) < 1e-9


@pytest.mark.parametrize(
    ("name", "counts", "order"),
    [
        ("euler", (32, 64), 1), ("heun", (32, 64), 2), ("dpm_2", (32, 64), 2), ("dpmpp_2m", (32, 64), 2),
        ("res_multistep", (32, 64), 2), ("uni_pc", (32, 64), 2), ("uni_pc_bh2", (32, 64), 2), ("dpm_fast", (32, 65), 3),
    ],
)  # fmt: skip
def test_the_error_falls_with_the_solvers_order(name: str, counts: tuple[int, int], order: int) -> None:
    """For a single Gaussian the ODE's solution is known: x is proportional to sqrt(1 + sigma^2)."""
    errors = []
    for steps in counts:
        sigmas = torch.linspace(math.log(14.6), math.log(0.05), steps + 1, dtype=torch.float64).exp()
        x = torch.ones(1, 1, 1, 1, dtype=torch.float64)
        found = sample(name, lambda x, sigma: x / (1 + sigma**2), x, sigmas, no_noise)
        errors.append(abs(float(found / ((sigmas[-1] ** 2 + 1) / (sigmas[0] ** 2 + 1)).sqrt()) - 1))

    assert math.log2(errors[0] / errors[1]) > order - 0.15


@pytest.mark.parametrize("name", ["dpm_fast", "dpm_adaptive"])
def test_a_single_step_arrives_at_the_estimate(name: str) -> None:
    sigmas = schedule("karras", name, 1)
    noisy = start(sigmas).float()

    assert torch.equal(sample(name, denoise, noisy, sigmas, no_noise), denoise(noisy, sigmas[0]))
