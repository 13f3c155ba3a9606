"""Samplers that step below the next noise level and add fresh noise back up to it."""

from itertools import pairwise

import torch
from torch import Tensor

from generation.sdxl.sampling.samplers.interface import (
    Noise,
    Steps,
    ancestral_split,
    log_step,
    midpoint,
    sampler,
    slope_of,
)


@sampler("euler_ancestral")
def euler_ancestral(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Euler steps to below the next noise level, and fresh noise back up to it (arXiv 2206.00364 and 2006.11239)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        down, up = ancestral_split(sigma, sigma_next)
        x = x + slope_of(x, denoised, sigma) * (down - sigma)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * up
    return x


@sampler("dpm_2_ancestral")
def dpm_2_ancestral(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Midpoint steps as in dpm_2 (Lu et al. 2022, arXiv 2206.00927), ancestral."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        down, up = ancestral_split(sigma, sigma_next)
        slope = slope_of(x, denoised, sigma)
        if down > 0:
            sigma_mid = midpoint(sigma, down)
            x_mid = x + slope * (sigma_mid - sigma)
            denoised_mid = yield x_mid, sigma_mid
            slope = slope_of(x_mid, denoised_mid, sigma_mid)
        x = x + slope * (down - sigma)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * up
    return x


@sampler("dpmpp_2s_ancestral")
def dpmpp_2s_ancestral(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """DPM-Solver++(2S) with its inner point half-way (Lu et al. 2022, arXiv 2211.01095, algorithm 1), ancestral."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        down, up = ancestral_split(sigma, sigma_next)
        if down > 0:
            sigma_mid = midpoint(sigma, down)
            x_mid = sigma_mid / sigma * x - torch.expm1(-log_step(sigma, sigma_mid)) * denoised
            denoised = yield x_mid, sigma_mid
        x = down / sigma * x - torch.expm1(-log_step(sigma, down)) * denoised
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * up
    return x


@sampler("ddpm")
def ddpm(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """The posterior of the variance-preserving chain (Ho et al. 2020, arXiv 2006.11239, eq. 11 and beta-tilde of 7)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        kept, kept_next = 1 / (1 + sigma**2), 1 / (1 + sigma_next**2)  # alpha-bar
        alpha = kept / kept_next
        predicted_noise = slope_of(x, denoised, sigma)
        mean = (x * kept.sqrt() - (1 - alpha) / (1 - kept).sqrt() * predicted_noise) / alpha.sqrt()
        if sigma_next > 0:
            mean = mean + ((1 - alpha) * (1 - kept_next) / (1 - kept)).sqrt() * noise(sigma, sigma_next)
        x = mean / kept_next.sqrt()
    return x


@sampler("lcm")
def lcm(x: Tensor, sigmas: Tensor, noise: Noise) -> Steps:
    """Multistep consistency sampling: the estimate, noised anew (Luo et al. 2023, arXiv 2310.04378, algorithm 3)."""
    for sigma, sigma_next in pairwise(sigmas):
        x = yield x, sigma
        if sigma_next > 0:
            x = x + sigma_next * noise(sigma, sigma_next)
    return x
