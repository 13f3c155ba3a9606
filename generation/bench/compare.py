"""The same work through our loop and through a plain StableDiffusionXLPipeline, with the same loaded weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

from generation.bench.clock import alternate
from generation.bench.loop import engine_of, paint, request
from generation.request.request import GenerationRequest
from generation.sdxl.model.model import Model
from generation.sdxl.sampling.noise import starting_noise

MIXED_STEPS = (4, 6, 8, 10, 12, 14, 16, 20)  # of eight people's jobs
SINGLE_STEPS = 12


@dataclass(frozen=True, slots=True)
class Compared:
    """Pictures a second, ours over theirs: one person's picture, and eight people's mixed jobs at once."""

    single: float
    mixed8: float


def compare_with_diffusers(model: Model, side: int, rounds: int) -> Compared:
    """Paints in turn with both.

    Both encode the prompts with the same encoders, take as many Euler steps on Karras' noise levels with the same
    guidance from the same noise, decode in the same precision, and end with pixels in main memory. The pipeline paints
    one job after the other, as a program built on it does; ours may mix them.
    """
    singles = [[request(side, SINGLE_STEPS, seed, f"a red apple, number {seed}")] for seed in range(3 * rounds)]
    mixed = [
        [request(side, steps, seed, f"a red apple, number {seed}, of {steps}") for steps in MIXED_STEPS]
        for seed in range(rounds)
    ]
    warm_up = [request(side, 1)]
    return Compared(_ratio(model, [warm_up, *singles]), _ratio(model, [warm_up, *mixed]))


def _ratio(model: Model, rounds: Sequence[Sequence[GenerationRequest]]) -> float:
    """Gives our pictures a second over theirs; the first round warms up."""
    engine, theirs = engine_of(model), _Pipeline(model)
    ours_left, theirs_left = iter(rounds), iter(rounds)
    works = (lambda: list(paint(engine, next(ours_left))), lambda: theirs.paint(next(theirs_left)))
    for work in works:
        work()
    ours_taken, theirs_taken = alternate(len(rounds) - 1, works, model.placement.device)
    engine.close()
    return theirs_taken / ours_taken


class _Pipeline:
    """StableDiffusionXLPipeline with a model's own parts."""

    def __init__(self, model: Model) -> None:
        self._model = model
        prediction = "epsilon" if model.prediction == "epsilon" else "v_prediction"
        scheduler = EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="leading",
            steps_offset=1, prediction_type=prediction, use_karras_sigmas=True,
        )  # fmt: skip
        self._pipeline: Any = StableDiffusionXLPipeline(
            vae=model.vae, unet=model.unet, scheduler=scheduler, text_encoder=None, text_encoder_2=None, tokenizer=None,
            tokenizer_2=None, force_zeros_for_empty_prompt=False, add_watermarker=False,
        )  # fmt: skip
        self._pipeline.set_progress_bar_config(disable=True)
        self._pipeline.vae_scale_factor = model.downscale

    def paint(self, requests: Sequence[GenerationRequest]) -> None:
        """Paints requests, one after the other."""
        for each in requests:
            self._paint(each)

    @torch.inference_mode()
    def _paint(self, asked: GenerationRequest) -> None:
        model = self._model
        model.text.forget()  # theirs knows no prompts from before
        prompt, negative = model.encode(asked.prompt, asked.negative_prompt)
        shape = (1, model.latent_channels, asked.height // model.downscale, asked.width // model.downscale)
        latents = self._pipeline(
            prompt_embeds=prompt.hidden,
            pooled_prompt_embeds=prompt.pooled,
            negative_prompt_embeds=negative.hidden,
            negative_pooled_prompt_embeds=negative.pooled,
            latents=starting_noise(asked.seed, shape).to(model.placement.device, model.placement.dtype),
            width=asked.width,
            height=asked.height,
            num_inference_steps=asked.steps,
            guidance_scale=asked.guidance_scale,
            output_type="latent",
            return_dict=False,
        )[0]
        # its own way to pixels would fail: it takes the VAE for as precise as the UNet
        scaled = latents.to(model.placement.vae_dtype) / model.vae.config["scaling_factor"]
        self._pipeline.image_processor.postprocess(model.vae.decode(scaled, return_dict=False)[0], output_type="np")
