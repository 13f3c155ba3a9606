"""Noise schedules: how much noise is left after each step.

SDXL was trained with 1000 scaled-linear betas from 0.00085 to 0.012; a noise level is written as
sigma = sqrt((1 - alpha_cumprod) / alpha_cumprod), from 0.0292 to 14.6146.
"""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

TRAINING_STEPS = 1000

# These samplers look one noise level ahead and are given a schedule without its last but one.
_WITHOUT_PENULTIMATE = frozenset({"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"})

Schedule = Callable[[int], Tensor]


@cache
def training_sigmas() -> Tensor:
    """Returns the noise level of each training timestep, ascending, (1000,) float32."""
    return _exact_sigmas().float()


@cache
def _exact_sigmas() -> Tensor:
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TRAINING_STEPS, dtype=torch.float64) ** 2
    alphas = torch.cumprod(1 - betas, dim=0)
    return ((1 - alphas) / alphas).sqrt()


def sigma_max() -> float:
    """Returns the noise level at which the model was trained to see nothing but noise: 14.6146."""
    return float(training_sigmas()[-1])


@cache
def _log_sigmas() -> Tensor:
    return _exact_sigmas().log().float()


def timestep(sigma: float) -> int:
    """Returns the training timestep whose noise level is nearest in log sigma, 0 to 999."""
    if sigma <= 0:
        return 0
    return int((_log_sigmas() - math.log(sigma)).abs().argmin())


def sigma_at(timesteps: Tensor) -> Tensor:
    """Returns the noise levels at real timesteps, linear in log sigma between the trained ones."""
    logs = _log_sigmas()
    low = timesteps.floor().long()
    high = timesteps.ceil().long()
    weight = timesteps.frac()
    return ((1 - weight) * logs[low] + weight * logs[high]).exp()


def normal(count: int) -> Tensor:
    """Evenly spaced timesteps."""
    return _ending_in_zero(sigma_at(torch.linspace(TRAINING_STEPS - 1, 0, count)))


def karras(count: int, rho: float = 7.0) -> Tensor:
    """Steps that grow towards high noise (Karras et al. 2022, arXiv 2206.00364, eq. 5)."""
    lowest, highest = float(training_sigmas()[0]), sigma_max()
    ramp = torch.linspace(0, 1, count)
    low, high = lowest ** (1 / rho), highest ** (1 / rho)
    return _ending_in_zero((high + ramp * (low - high)) ** rho)


SCHEDULES: dict[str, Schedule] = {"normal": normal, "karras": karras}


def schedule(scheduler: str, sampler: str, steps: int, denoise: float = 1.0) -> Tensor:
    """Returns the noise levels a sampler goes through, as ComfyUI's KSampler hands them over.

    Args:
        scheduler: A name of SCHEDULES.
        sampler: The sampler's name; some leave the last but one level out.
        steps: How many steps to take.
        denoise: The share of the way to go, for pictures that begin from a picture; 1 is all of it.

    Returns:
        (steps + 1,) float32, falling to 0.
    """
    if denoise <= 0:
        return torch.zeros(0)
    total = steps if denoise >= 1 else int(steps / denoise)
    drop = sampler in _WITHOUT_PENULTIMATE
    sigmas = SCHEDULES[scheduler](total + int(drop))
    if drop:
        sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
    return sigmas[-(steps + 1) :]


def _ending_in_zero(sigmas: Tensor) -> Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])
