"""One picture on its way: its sampler, its noise, its place in the next UNet call."""

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from generation.request.request import GenerationRequest
from generation.request.sampler_info import SAMPLERS as SAMPLER_FACTS
from generation.request.tile_grid import Box
from generation.scheduling.policy import Candidate
from generation.sdxl.latents.init_latents import NOISE_ALONE, LatentHandoff, Start
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import Conditioning
from generation.sdxl.sampling.guidance import denoised_from, guide, rescale
from generation.sdxl.sampling.multidiffusion import Tiles
from generation.sdxl.sampling.noise import first_noise, later_noise
from generation.sdxl.sampling.samplers import SAMPLERS
from generation.sdxl.sampling.sigmas import levels, schedule, sigma_max, steps_before

AESTHETIC_SCORES = (6.0, 2.5)  # that a refiner is told of the prompt's row and of the negative prompt's


class Run:
    """One picture being painted. Its sampler stands still at each model call; nothing here depends on others.

    Args:
        request: The request of this one picture (count 1).
        index: Which picture of its job it is.
        model: What paints it.
        text: The prompt and, where guidance is used, the negative prompt. Where their lengths differ, each takes a UNet
            call of its own, and a step is made once both are answered.
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
        self._apart = len({each.length for each in text}) > 1
        self._first_answer: Tensor | None = None
        self.start = start
        self.latents: Tensor | None = None
        self.denoised: Tensor | None = None
        self.done = 0
        self.alone = False
        self.request = request
        self._time_ids: dict[Box, Tensor] = {}
        self._prediction = model.prediction if request.prediction == "checkpoint" else request.prediction
        zero_terminal = self._prediction == "v_prediction_zsnr"
        self._trained = levels(zero_terminal=zero_terminal)
        self._tiles = Tiles(request.width, request.height, start.tile, model.downscale)
        self._schedule = self._own_schedule() if start.handoff is None else start.handoff.sigmas
        self._first = 0 if start.handoff is None else start.handoff.done
        self._last = self._first_of_the_next()
        self._sigmas = self._schedule[self._first : self._last + 1]
        self.calls = self._calls_of(self._sigmas)
        x = self._noisy_latents()
        if x is None or not self.calls:
            self.latents = x
            return
        noise = later_noise(request, self._shape, self._sigmas, model.placement.device)
        self._steps = SAMPLERS[request.sampler](x, self._sigmas, noise)
        self._go_on(*next(self._steps))

    def _own_schedule(self) -> Tensor:
        asked, zero_terminal = self.request, self._prediction == "v_prediction_zsnr"
        return schedule(asked.scheduler, asked.sampler, asked.steps, self.start.strength, zero_terminal=zero_terminal)

    def _first_of_the_next(self) -> int:
        """Says which step is the first that this checkpoint does not take any more."""
        refiner = self.request.refiner
        if refiner is None or refiner.strength or self.request.hires is not None:
            return len(self._schedule) - 1
        return steps_before(self._schedule, refiner.at, self._trained)

    def _calls_of(self, sigmas: Tensor) -> int:
        if len(sigmas) < 2:
            return 0
        facts = SAMPLER_FACTS[self.request.sampler]
        return facts.calls(len(sigmas) - 1, to_the_end=float(sigmas[-1]) == 0) * len(self._tiles)

    def _noisy_latents(self) -> Tensor | None:
        """Returns what sampling begins with; without a schedule what is there already."""
        model, start = self.model, self.start
        self._noise = first_noise(self.request, self._shape).to(model.placement.device)
        if start.handoff is not None:
            return start.handoff.latents
        if not len(self._schedule):
            return start.latents
        noise = self._noise * starting_scale(self._schedule[0], self._trained.highest)
        return noise if start.latents is None else start.latents + noise

    @property
    def next_model(self) -> str:
        """The checkpoint that goes on with its latents once they are there; "" where none does."""
        refiner = self.request.refiner
        if refiner is None or self.request.hires is not None:
            return ""
        return refiner.model if refiner.strength or self.left is not None else ""

    @property
    def refiner_skipped(self) -> bool:
        """Whether a refiner was asked for and no step is left for it."""
        return self.request.refiner is not None and self.request.hires is None and not self.next_model

    @property
    def left(self) -> LatentHandoff | None:
        """What it leaves to another checkpoint; None if nothing, or not yet."""
        if self.latents is None or self._last >= len(self._schedule) - 1:
            return None
        return LatentHandoff(self.latents, self._schedule, self._last)

    @property
    def calls_to_the_end(self) -> int:
        """How many UNet calls it and the checkpoint that takes over take together."""
        return self.calls + self._calls_of(self._schedule[self._last :])

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
        steps = len(self._schedule) - 1
        step = max(int((self._schedule[:-1] >= self._sigma * (1 - 1e-5)).sum()) - 1, 0)
        end = self.request.guidance_end
        return self.request.guidance_start <= step / steps and (end >= 1 or step / steps < end)

    @property
    def midway(self) -> bool:
        """Whether its prompts take separate UNet calls, and only the first of the two is answered."""
        return self._first_answer is not None

    @property
    def _next_rows(self) -> slice:
        """Which of its two rows the next UNet call has."""
        if not self.guided:
            return slice(1)
        if not self._apart:
            return slice(2)
        return slice(1, 2) if self.midway else slice(1)

    @property
    def text(self) -> Sequence[Conditioning]:
        """What each row of the next UNet call is told: the prompt and, where it is guided, the negative prompt."""
        return self._text[self._next_rows]

    @property
    def rows(self) -> int:
        """How many rows of the next UNet call it takes: two with guidance, unless they take separate calls."""
        return len(self.text)

    def candidate(self, weights: Hashable, *, ready: bool) -> Candidate:
        """Describes it to the policy.

        Args:
            weights: What has to lie on the device for it.
            ready: Whether that lies there.
        """
        each = 2 if self._apart else 1
        return Candidate(
            key=(self._tiles.shape, self.text[0].hidden.shape),
            weights=weights,
            remaining=max(each * (self.calls - self.done) - self.midway, 1),
            total=max(each * self.calls, 1),
            pixels=self._tiles.pixels,
            rows=self.rows,
            ready=ready,
            alone=self.alone,
        )

    def model_input(self) -> Tensor:
        """Returns the latents as the UNet was trained to see them, one row per prompt."""
        scaled: Tensor = self._tiles.cut(self._x) / (1 + self._sigma**2).sqrt()
        if self.start.beside is not None:
            scaled = torch.cat([scaled, self._tiles.cut(self.start.beside)], dim=1)
        return scaled.repeat(self.rows, 1, 1, 1)

    def timesteps(self) -> Tensor:
        """Returns the training timestep of each of its rows, (rows,); filled in on the device, as nothing is copied."""
        step = self._trained.timestep(float(self._sigma))
        return torch.full((self.rows,), step, device=self.model.placement.device)

    def time_ids(self) -> Tensor:
        """Returns SDXL's micro-conditioning of each row: original size, crop, and target size or a refiner's score.

        Returns:
            (rows, 6), or (rows, 5) for a refiner.
        """
        box = self._tiles.box
        if box not in self._time_ids:
            left, top, right, bottom = box
            place = (self.request.height, self.request.width, top, left)
            told = (
                [(score,) for score in AESTHETIC_SCORES] if self.model.refines else [(bottom - top, right - left)] * 2
            )
            ids = torch.tensor([(*place, *each) for each in told], dtype=torch.float32)
            self._time_ids[box] = ids.to(self.model.placement.device)
        return self._time_ids[box][self._next_rows]

    def advance(self, answer: Tensor) -> None:
        """Takes the UNet's answer, (rows, 4, h, w), and goes on to the next model call or to the end."""
        if self._apart and self.guided and not self.midway:
            self._first_answer = answer
            return
        if self._first_answer is not None:
            answer, self._first_answer = torch.cat([self._first_answer, answer]), None
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
        whole = self._kept(whole, self.start.latents)
        self.denoised = self._as_shown(whole)
        try:
            self._go_on(*self._steps.send(whole))
        except StopIteration as end:
            self.latents = end.value

    def again(self, request: GenerationRequest, start: Start) -> "Run":
        """Begins another pass with the same prompts."""
        return Run(request, self.index, self.model, self._text, start)

    @property
    def _shape(self) -> tuple[int, ...]:
        sides = (self.request.height, self.request.width)
        return (1, self.model.latent_channels, *(side // self.model.downscale for side in sides))

    def _as_shown(self, denoised: Tensor) -> Tensor:
        """Returns an estimate of the size that people are shown on the way, in every pass the same."""
        if self.start.scale == 1:
            return denoised
        return torch.nn.functional.interpolate(denoised, scale_factor=1 / self.start.scale, mode="area")

    def _go_on(self, x: Tensor, sigma: Tensor) -> None:
        """Takes the sampler's next question; where latents are kept, the UNet sees them with this level's noise."""
        scale = starting_scale(sigma, self._trained.highest)
        known = None if self.start.latents is None else self.start.latents + self._noise * scale
        self._x, self._sigma = self._kept(x, known), sigma

    def _kept(self, painted: Tensor, known: Tensor | None) -> Tensor:
        """Puts what is known where the mask keeps it."""
        if self.start.mask is None or known is None:
            return painted
        return painted * self.start.mask + known * (1 - self.start.mask)


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
