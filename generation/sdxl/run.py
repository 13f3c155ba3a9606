"""One picture on its way: its sampler, its noise, its place in the next UNet call."""

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from generation.methods import SAMPLERS as SAMPLER_FACTS
from generation.request import GenerationRequest
from generation.sdxl.guidance import denoised_from, guide, rescale
from generation.sdxl.model import Model
from generation.sdxl.noise import first_noise, later_noise
from generation.sdxl.policy import Candidate
from generation.sdxl.samplers import SAMPLERS
from generation.sdxl.sigmas import levels, schedule, sigma_max
from generation.sdxl.start import NOISE_ALONE, Start
from generation.sdxl.text import Conditioning
from generation.sdxl.tiling import Tiles
from generation.tiles import Box


class Run:
    """One picture being painted. Its sampler stands still at each model call; nothing here depends on others.

    Args:
        request: The request of this one picture (count 1).
        index: Which picture of its job it is.
        model: What paints it.
        text: The prompt and, where guidance is used, the negative prompt, of equal length.
        start: The latents it begins from, and which of them are kept.
    """

    def __init__(
        self,
        request: GenerationRequest,
        index: int,
        model: Model,
        text: Sequence[Conditioning],
        start: Start = NOISE_ALONE,
    ) -> None:
        self.index = index
        self.model = model
        self._text = text
        self._start = start
        self.latents: Tensor | None = None
        self.denoised: Tensor | None = None
        self.done = 0
        self.alone = False
        self.request = request
        self._time_ids: dict[Box, Tensor] = {}
        self._prediction = model.prediction if request.prediction == "checkpoint" else request.prediction
        zero_terminal = self._prediction == "v_prediction_zsnr"
        self._trained = levels(zero_terminal=zero_terminal)
        self._sigmas = schedule(
            request.scheduler, request.sampler, request.steps, start.strength, zero_terminal=zero_terminal
        )
        if len(self._sigmas) < 2:
            self.calls, self.latents = 0, start.latents
            return
        self._tiles = Tiles(request.width, request.height, start.tile, model.downscale)
        self.calls = SAMPLER_FACTS[request.sampler].calls(len(self._sigmas) - 1) * len(self._tiles)
        shape = (1, model.latent_channels, request.height // model.downscale, request.width // model.downscale)
        device = model.placement.device
        scale = starting_scale(self._sigmas[0], self._trained.highest)
        self._noise = first_noise(request, shape).to(device)
        x = self._noise * scale if start.latents is None else start.latents + self._noise * scale
        noise = later_noise(request, shape, self._sigmas, device)
        self._steps = SAMPLERS[request.sampler](x, self._sigmas, noise)
        self._go_on(*next(self._steps))

    @property
    def vae(self) -> str:
        """The name of the VAE that decodes it; "" for the checkpoint's own."""
        return self.request.vae

    @property
    def guided(self) -> bool:
        """Whether the present step is guided."""
        if len(self._text) == 1:
            return False
        if self.request.guidance_start == 0 and self.request.guidance_end >= 1:
            return True
        steps = len(self._sigmas) - 1
        step = max(int((self._sigmas[:-1] >= self._sigma * (1 - 1e-5)).sum()) - 1, 0)
        end = self.request.guidance_end
        return self.request.guidance_start <= step / steps and (end >= 1 or step / steps < end)

    @property
    def text(self) -> Sequence[Conditioning]:
        """What each row of the next UNet call is told: the prompt and, where it is guided, the negative prompt."""
        return self._text if self.guided else self._text[:1]

    @property
    def rows(self) -> int:
        """How many rows of a UNet call it takes: two with guidance."""
        return 2 if self.guided else 1

    def candidate(self, weights: Hashable, *, ready: bool) -> Candidate:
        """Describes it to the policy.

        Args:
            weights: What has to lie on the device for it.
            ready: Whether that lies there.
        """
        return Candidate(
            key=(self._tiles.shape, self._text[0].hidden.shape),
            weights=weights,
            remaining=max(self.calls - self.done, 1),
            total=max(self.calls, 1),
            pixels=self._tiles.pixels,
            rows=self.rows,
            ready=ready,
            alone=self.alone,
        )

    def model_input(self) -> Tensor:
        """Returns the latents as the UNet was trained to see them, one row per prompt."""
        scaled: Tensor = self._tiles.cut(self._x) / (1 + self._sigma**2).sqrt()
        if self._start.beside is not None:
            scaled = torch.cat([scaled, self._tiles.cut(self._start.beside)], dim=1)
        return scaled.repeat(self.rows, 1, 1, 1)

    def timesteps(self) -> Tensor:
        """Returns the training timestep of each of its rows, (rows,); filled in on the device, as nothing is copied."""
        step = self._trained.timestep(float(self._sigma))
        return torch.full((self.rows,), step, device=self.model.placement.device)

    def time_ids(self) -> Tensor:
        """Returns SDXL's micro-conditioning of each row: original size, crop, target size, (rows, 6)."""
        box = self._tiles.box
        if box not in self._time_ids:
            left, top, right, bottom = box
            ids = (self.request.height, self.request.width, top, left, bottom - top, right - left)
            self._time_ids[box] = torch.tensor([ids], dtype=torch.float32).to(self.model.placement.device)
        return self._time_ids[box].expand(self.rows, -1)

    def advance(self, answer: Tensor) -> None:
        """Takes the UNet's answer, (rows, 4, h, w), and goes on to the next model call or to the end."""
        x = self._tiles.cut(self._x)
        denoised = denoised_from(answer, x, self._sigma, self._prediction)
        if len(denoised) == 2:
            positive, negative = denoised[:1], denoised[1:]
            denoised = guide(positive, negative, self.request.guidance_scale)
            if self.request.guidance_rescale > 0:
                denoised = rescale(denoised, positive, x, self._sigma, self.request.guidance_rescale)
        self.done += 1
        whole = self._tiles.take(denoised)
        if whole is None:
            return
        whole = self._kept(whole, self._start.latents)
        self.denoised = self._as_shown(whole)
        try:
            self._go_on(*self._steps.send(whole))
        except StopIteration as end:
            self.latents = end.value

    def again(self, request: GenerationRequest, start: Start) -> "Run":
        """Begins another pass with the same prompts."""
        return Run(request, self.index, self.model, self._text, start)

    def _as_shown(self, denoised: Tensor) -> Tensor:
        """Returns an estimate of the size that people are shown on the way, in every pass the same."""
        if self._start.scale == 1:
            return denoised
        return torch.nn.functional.interpolate(denoised, scale_factor=1 / self._start.scale, mode="area")

    def _go_on(self, x: Tensor, sigma: Tensor) -> None:
        """Takes the sampler's next question; where latents are kept, the UNet sees them with this level's noise."""
        scale = starting_scale(sigma, self._trained.highest)
        known = None if self._start.latents is None else self._start.latents + self._noise * scale
        self._x, self._sigma = self._kept(x, known), sigma

    def _kept(self, painted: Tensor, known: Tensor | None) -> Tensor:
        """Puts what is known where the mask keeps it."""
        if self._start.anew is None or known is None:
            return painted
        return painted * self._start.anew + known * (1 - self._start.anew)


def call_unet(model: Model, runs: Sequence[Run]) -> list[Tensor]:
    """Makes one UNet call for several pictures and hands out its rows, one tensor per run."""
    noise = model.predict(
        torch.cat([run.model_input() for run in runs]),
        torch.cat([run.timesteps() for run in runs]),
        Conditioning(
            torch.cat([text.hidden for run in runs for text in run.text]),
            torch.cat([text.pooled for run in runs for text in run.text]),
        ),
        torch.cat([run.time_ids() for run in runs]),
    )
    return list(torch.split(noise, [run.rows for run in runs]))


def starting_scale(sigma: Tensor, highest: float | None = None) -> Tensor:
    """Returns what unit noise is scaled by at the start: sqrt(1 + sigma^2) at full noise, else sigma.

    Args:
        sigma: The first noise level.
        highest: The highest level the model was trained on; SDXL's own by default.
    """
    highest = sigma_max() if highest is None else highest
    full = float(sigma) > highest or math.isclose(float(sigma), highest, rel_tol=1e-5)
    return (1 + sigma**2).sqrt() if full else sigma
