"""The UNet learns to paint with four times as many latents."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor

from generation.starter.enlarge.arithmetic import autocast
from generation.starter.enlarge.pools import Size, StoppedError, pools_for
from generation.starter.enlarge.schedule import BUCKETS, DEVIATION, Phase, Schedule
from generation.starter.train.compose import draw_prompt
from generation.starter.train.diffusion import UNPROMPTED, Pool, Remembering, v_loss
from generation.starter.train.loop import Plan, Training
from generation.starter.train.models import Models
from generation.starter.train.pictures import Picture
from generation.starter.train.subjects import select

log = logging.getLogger(__name__)

PEAK = 8e-4
MISTOLD = 0.05  # of the batches are said to have another size, so that other sizes surprise the UNet less
LARGEST_TOLD = 64  # latents


class UNetTraining:
    """The UNet's part of the way: its state, and what it is shown.

    Args:
        models: What is trained.
        schedule: For how long, and on what.
        folder: Where state and latents are kept.
    """

    def __init__(self, models: Models, schedule: Schedule, folder: Path) -> None:
        models.unet.train().to(memory_format=torch.channels_last)
        models.unet.set_attn_processor(AttnProcessor())  # a fifth faster in training on a CPU than torch's own
        plan = Plan(
            "unet",
            seconds=0,
            peak=PEAK,
            averaging=0.9995,
            warm_up=200,
            steps=schedule.unet_steps,
            show_seconds=schedule.export_seconds,
        )
        self.training = Training(plan, {"unet": models.unet}, folder)
        self._models, self._schedule, self._folder = models, schedule, folder
        self._heard = Remembering(models)

    def run(self, pictures: Sequence[Picture], show: Callable[[], None], stopped: Callable[[], bool]) -> None:
        """Trains through the phases that are left; leaves the averaged weights in the UNet.

        Raises:
            StoppedError: `stopped` said so; the state is saved.
        """
        for phase in self._schedule.phases:
            if self.training.steps >= phase.until:
                continue
            pools = pools_for(self._models, phase, select(pictures, phase.subjects), self._folder, stopped)
            log.info("phase %s: %d scenes", phase.name, sum(len(pool.named) for pool in pools.values()))
            self.training.run(self._loss_of(pools), show, self._end_of(phase, stopped))
            if stopped():
                raise StoppedError
        self.training.keep_average()
        self._models.unet.eval()

    def _end_of(self, phase: Phase, stopped: Callable[[], bool]) -> Callable[[], bool]:
        return lambda: stopped() or self.training.steps >= phase.until

    def _loss_of(self, pools: Mapping[Size, Pool]) -> Callable[[], Tensor]:
        generator = np.random.default_rng(4_000_000 + self.training.steps)
        torch.manual_seed(5_000_000 + self.training.steps)
        sizes = list(pools)
        shares = np.array([BUCKETS[size] for size in sizes])
        shares /= shares.sum()
        batch = self._schedule.batch

        def loss_of() -> Tensor:
            size = sizes[int(generator.choice(len(sizes), p=shares))]
            pool = pools[size]
            chosen = generator.integers(len(pool.named), size=batch)
            prompts = [draw_prompt(*pool.named[int(number)], generator) for number in chosen]
            unprompted = generator.random(batch) < UNPROMPTED
            heard = self._heard(["" if empty else text for empty, text in zip(unprompted, prompts, strict=True)])
            latents = pool.latents[torch.from_numpy(chosen)].float()
            with autocast(self._models.unet.device):
                return v_loss(self._models, heard, latents, _time_ids(size, batch, generator), DEVIATION)

        return loss_of


def _time_ids(size: Size, count: int, generator: np.random.Generator) -> Tensor:
    """Returns the sizes that the UNet is told, nearly always the true one: height, width, no crop, and both again."""
    width, height = size
    if generator.random() < MISTOLD:
        height, width = (8 * int(side) for side in generator.integers(LARGEST_TOLD // 4, LARGEST_TOLD + 1, 2))
    return torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32).repeat(count, 1)
