"""One picture on its way: its sampler, its noise, its place in the next UNet call."""

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from generation.methods import SAMPLERS as SAMPLER_FACTS
from generation.request import GenerationRequest
from generation.sdxl.model import Model
from generation.sdxl.noise import starting_noise, step_noise
from generation.sdxl.policy import Candidate
from generation.sdxl.samplers import SAMPLERS
from generation.sdxl.sigmas import schedule, sigma_max, timestep
from generation.sdxl.text import Conditioning


class Run:
    """One picture being painted. Its sampler stands still at each model call; nothing here depends on others.

    Args:
        request: The request of this one picture (count 1).
        index: Which picture of its job it is.
        model: What paints it.
        text: The prompt and, where guidance is used, the negative prompt, of equal length.
    """

    def __init__(self, request: GenerationRequest, index: int, model: Model, text: Sequence[Conditioning]) -> None:
        self.index = index
        self.text = text
        self.latents: Tensor | None = None
        self.done = 0
        self.waited = 0
        self.alone = False
        self._guidance_scale = request.guidance_scale
        self._pixels = request.width * request.height
        self._size = (request.height, request.width)
        shape = (1, model.latent_channels, request.height // model.downscale, request.width // model.downscale)
        sigmas = schedule(request.scheduler, request.sampler, request.steps)
        self.calls = SAMPLER_FACTS[request.sampler].calls(len(sigmas) - 1)
        device = model.placement.device
        x = (starting_noise(request.seed, shape) * starting_scale(sigmas[0])).to(device)
        self._steps = SAMPLERS[request.sampler](x, sigmas, step_noise(request.seed, shape, device))
        self._x, self._sigma = next(self._steps)

    @property
    def rows(self) -> int:
        """How many rows of a UNet call it takes: two with guidance."""
        return len(self.text)

    def candidate(self) -> Candidate:
        """Describes it to the policy."""
        key: Hashable = (self._x.shape, self.text[0].hidden.shape)
        return Candidate(key, max(self.calls - self.done, 1), self.waited, self._pixels, self.alone)

    def model_input(self) -> Tensor:
        """Returns the latents as the UNet was trained to see them, one row per prompt."""
        scaled: Tensor = self._x / (1 + self._sigma**2).sqrt()
        return scaled.repeat(self.rows, 1, 1, 1)

    def timesteps(self) -> list[int]:
        """Returns the training timestep of each of its rows."""
        return [timestep(float(self._sigma))] * self.rows

    def time_ids(self) -> list[tuple[float, ...]]:
        """Returns SDXL's micro-conditioning of each row: original size, crop, target size."""
        height, width = self._size
        return [(height, width, 0, 0, height, width)] * self.rows

    def advance(self, noise: Tensor) -> None:
        """Takes the UNet's answer, (rows, 4, h, w), and goes on to the next model call or to the end."""
        guided = noise[:1]
        if self.rows == 2:
            guided = noise[1:] + self._guidance_scale * (noise[:1] - noise[1:])
        self.done += 1
        try:
            self._x, self._sigma = self._steps.send(self._x - self._sigma * guided)
        except StopIteration as end:
            self.latents = end.value


def call_unet(model: Model, runs: Sequence[Run]) -> list[Tensor]:
    """Makes one UNet call for several pictures and hands out its rows, one tensor per run."""
    device = model.placement.device
    noise = model.predict(
        torch.cat([run.model_input() for run in runs]),
        torch.tensor([step for run in runs for step in run.timesteps()], device=device),
        Conditioning(
            torch.cat([text.hidden for run in runs for text in run.text]),
            torch.cat([text.pooled for run in runs for text in run.text]),
        ),
        torch.tensor([ids for run in runs for ids in run.time_ids()], device=device),
    )
    return list(torch.split(noise, [run.rows for run in runs]))


def starting_scale(sigma: Tensor) -> Tensor:
    """Returns what unit noise is scaled by at the start: sqrt(1 + sigma^2) at full noise, else sigma."""
    full = float(sigma) > sigma_max() or math.isclose(float(sigma), sigma_max(), rel_tol=1e-5)
    return (1 + sigma**2).sqrt() if full else sigma
