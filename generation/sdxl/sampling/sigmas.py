"""Noise schedules: how much noise is left after each step.

SDXL was trained with 1000 scaled-linear betas from 0.00085 to 0.012; a noise level is written as
sigma = sqrt((1 - alpha_cumprod) / alpha_cumprod), from 0.0292 to 14.6146.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from scipy.special import betaincinv
from torch import Tensor

from generation.request.sampler_info import AHEAD

TRAINING_STEPS = 1000
TERMINAL_ALPHA = 4.8973451890853435e-08  # what "zero" is rounded up to, so that its sigma, 4518, is a number


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The noise levels a model was trained on.

    Attributes:
        table: The level of each training timestep, ascending, (1000,) float32.
        logs: Their logarithms, (1000,) float32.
    """

    table: Tensor
    logs: Tensor

    @property
    def lowest(self) -> float:
        """The level of timestep 0."""
        return float(self.table[0])

    @property
    def highest(self) -> float:
        """The level at which the model was trained to see nothing but noise."""
        return float(self.table[-1])

    def at(self, timesteps: Tensor) -> Tensor:
        """Returns the levels at real timesteps, linear in log sigma between the trained ones."""
        low = timesteps.floor().long()
        high = timesteps.ceil().long()
        weight = timesteps.frac()
        return ((1 - weight) * self.logs[low] + weight * self.logs[high]).exp()

    def timestep(self, sigma: float) -> int:
        """Returns the training timestep whose level is nearest in log sigma, 0 to 999."""
        if sigma <= 0:
            return 0
        return int((self.logs - math.log(sigma)).abs().argmin())


LEAST_DENOISE = 1e-3  # below, a schedule would have millions of steps, of which none that are taken can be seen

Schedule = Callable[[Levels, int], Tensor]


@cache
def levels(*, zero_terminal: bool = False) -> Levels:
    """Returns the levels SDXL was trained on.

    Args:
        zero_terminal: Whether the betas were rescaled so that the last timestep has no signal left
            (Lin et al. 2023, arXiv 2305.08891, algorithm 1).
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TRAINING_STEPS, dtype=torch.float64) ** 2
    alphas = torch.cumprod(1 - betas, dim=0)
    if zero_terminal:
        roots = alphas.sqrt()
        alphas = ((roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])) ** 2
        alphas[-1] = TERMINAL_ALPHA
    exact = ((1 - alphas) / alphas).sqrt()
    return Levels(exact.float(), exact.log().float())


def training_sigmas() -> Tensor:
    """Returns the noise level of each training timestep, ascending, (1000,) float32."""
    return levels().table


def sigma_max() -> float:
    """Returns the noise level at which the model was trained to see nothing but noise: 14.6146."""
    return levels().highest


def timestep(sigma: float) -> int:
    """Returns the training timestep whose noise level is nearest in log sigma, 0 to 999."""
    return levels().timestep(sigma)


def sigma_at(timesteps: Tensor) -> Tensor:
    """Returns the noise levels at real timesteps, linear in log sigma between the trained ones."""
    return levels().at(timesteps)


def normal(trained: Levels, count: int) -> Tensor:
    """Evenly spaced timesteps, the first and the last included."""
    return _ending_in_zero(trained.at(torch.linspace(TRAINING_STEPS - 1, 0, count)))


def sgm_uniform(trained: Levels, count: int) -> Tensor:
    """Evenly spaced timesteps, the last left out: what SDXL Lightning was distilled with."""
    return _ending_in_zero(trained.at(torch.linspace(TRAINING_STEPS - 1, 0, count + 1)[:-1]))


def simple(trained: Levels, count: int) -> Tensor:
    """Every so-manieth training level, from the highest down."""
    rows = [-(1 + int(index * TRAINING_STEPS / count)) for index in range(count)]
    return _ending_in_zero(trained.table[rows])


def ddim_uniform(trained: Levels, count: int) -> Tensor:
    """Every so-manieth training level, from the second up (Song et al. 2020, arXiv 2010.02502, section 4.2).

    Its length follows from the stride: it can have a step more or less than was asked for.
    """
    return _ending_in_zero(trained.table[1 :: max(TRAINING_STEPS // count, 1)].flip(0))


def karras(trained: Levels, count: int, rho: float = 7.0) -> Tensor:
    """Steps that grow towards high noise (Karras et al. 2022, arXiv 2206.00364, eq. 5)."""
    ramp = torch.linspace(0, 1, count)
    low, high = trained.lowest ** (1 / rho), trained.highest ** (1 / rho)
    return _ending_in_zero((high + ramp * (low - high)) ** rho)


def exponential(trained: Levels, count: int) -> Tensor:
    """Equal steps in log sigma (Lu et al. 2022, arXiv 2206.00927, section 3.3)."""
    return _ending_in_zero(torch.linspace(math.log(trained.highest), math.log(trained.lowest), count).exp())


def beta(trained: Levels, count: int, alpha: float = 0.6) -> Tensor:
    """Timesteps at quantiles of a beta distribution, dense at both ends (Lee et al. 2024, arXiv 2407.12173)."""
    shares = 1 - torch.linspace(0, 1, count + 1, dtype=torch.float64)[:-1].numpy()
    rows = torch.from_numpy(betaincinv(alpha, alpha, shares) * (TRAINING_STEPS - 1)).round().long()
    return _ending_in_zero(trained.table[torch.unique_consecutive(rows)])


def kl_optimal(trained: Levels, count: int) -> Tensor:
    """Equal steps in atan(sigma), which bound the KL divergence best (Sabour et al. 2024, arXiv 2404.14507)."""
    ramp = torch.arange(count) / max(count - 1, 1)
    return _ending_in_zero((ramp * math.atan(trained.lowest) + (1 - ramp) * math.atan(trained.highest)).tan())


def linear_quadratic(trained: Levels, count: int, threshold: float = 0.025) -> Tensor:
    """Small even steps to 0.025 in the first half, growing steps after (Movie Gen, arXiv 2410.13720, section 3.4.2).

    The parabola leaves the line with the line's own slope and arrives at 1.
    """
    if count == 1:
        return torch.tensor([trained.highest, 0.0])
    half = count // 2
    slope = threshold / half
    bend = (1 - threshold - slope * (count - half)) / (count - half) ** 2
    removed = [slope * index + bend * max(index - half, 0) ** 2 for index in range(count)]
    return _ending_in_zero((1 - torch.tensor(removed, dtype=torch.float64)).float() * trained.highest)


SCHEDULES: dict[str, Schedule] = {
    "normal": normal,
    "karras": karras,
    "exponential": exponential,
    "sgm_uniform": sgm_uniform,
    "simple": simple,
    "ddim_uniform": ddim_uniform,
    "beta": beta,
    "kl_optimal": kl_optimal,
    "linear_quadratic": linear_quadratic,
}


def schedule(scheduler: str, sampler: str, steps: int, denoise: float = 1.0, *, zero_terminal: bool = False) -> Tensor:
    """Returns the noise levels a sampler goes through, as ComfyUI's KSampler hands them over.

    Args:
        scheduler: A name of SCHEDULES.
        sampler: The sampler's name; some leave the last but one level out.
        steps: How many steps to take.
        denoise: The share of the way to go, for pictures that begin from a picture; 1 is all of it.
        zero_terminal: Whether the model was trained down to no signal at all.

    Returns:
        (steps + 1,) float32, falling to 0; ddim_uniform and beta may differ by some steps.
    """
    if denoise <= 0:
        return torch.zeros(0)
    whole = denoise > 0.9999
    total = steps if whole else int(steps / max(denoise, LEAST_DENOISE))
    drop = sampler in AHEAD
    sigmas = SCHEDULES[scheduler](levels(zero_terminal=zero_terminal), total + int(drop))
    if drop:
        sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
    return sigmas if whole else sigmas[-(steps + 1) :]


def steps_before(sigmas: Tensor, at: float, trained: Levels) -> int:
    """Says after how many steps of a schedule another checkpoint takes over.

    Args:
        sigmas: The schedule, (steps + 1,).
        at: From 1 on the number of steps; below 1 the share of the training time that is behind by then, as diffusers'
            denoising_end and denoising_start have it.
        trained: The levels the model was trained on.
    """
    steps = max(len(sigmas) - 1, 0)
    if at >= 1:
        return min(int(at), steps)
    cutoff = round(TRAINING_STEPS * (1 - at))
    return sum(trained.timestep(float(sigma)) >= cutoff for sigma in sigmas[:-1])


def _ending_in_zero(sigmas: Tensor) -> Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])
