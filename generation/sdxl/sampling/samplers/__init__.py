"""Samplers: each a short generator that asks for denoised estimates and never calls the model itself.

A sampler gets noisy latents x, the falling noise levels `sigmas`, and `noise(sigma, sigma_next)`, which gives unit
noise of x's shape. It yields (x, sigma), is sent the model's estimate of the picture without noise, and returns the
finished latents. Who drives it decides when, and beside whom, the model is called.
"""

from generation.sdxl.sampling.samplers import adams, ancestral, multistep, one_step, sde
from generation.sdxl.sampling.samplers.interface import SAMPLERS, Noise, Sampler, Steps, sample

__all__ = ["SAMPLERS", "Noise", "Sampler", "Steps", "adams", "ancestral", "multistep", "one_step", "sample", "sde"]
