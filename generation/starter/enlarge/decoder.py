"""The decoder is polished for pictures of 256 pixels; latents, and with them the UNet, stay what they are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from generation.starter.enlarge.arithmetic import autocast
from generation.starter.enlarge.perceptual import distance
from generation.starter.enlarge.pools import StoppedError
from generation.starter.enlarge.schedule import SIDE, SQUARE, Schedule
from generation.starter.train.compose import COLOURS, compose, draw_layout
from generation.starter.train.loop import Plan, Training
from generation.starter.train.models import Models
from generation.starter.train.pictures import Picture
from generation.starter.train.vae import difference, to_tensor

PEAK = 4e-4
BATCH = 2
PERCEPTUAL_FROM = 0.6  # of the steps
PERCEPTUAL_WEIGHT = 0.5


class DecoderTraining:
    """The decoder's part of the way.

    Args:
        models: Whose VAE's decoder is trained.
        schedule: For how long.
        folder: Where the state is kept.
    """

    def __init__(self, models: Models, schedule: Schedule, folder: Path) -> None:
        self._vae: Any = models.vae.train().to(memory_format=torch.channels_last)
        self._vae.requires_grad_(requires_grad=False)
        for part in (self._vae.decoder, self._vae.post_quant_conv):
            part.requires_grad_(requires_grad=True)
        plan = Plan(
            "decoder",
            seconds=0,
            peak=PEAK,
            averaging=0.999,
            steps=schedule.decoder_steps,
            show_seconds=schedule.export_seconds,
        )
        decoder = nn.ModuleDict({"decoder": self._vae.decoder, "post_quant_conv": self._vae.post_quant_conv})
        self.training = Training(plan, {"decoder": decoder}, folder)

    def run(self, pictures: Sequence[Picture], show: Callable[[], None], stopped: Callable[[], bool]) -> None:
        """Trains to the end and leaves the averaged weights in the decoder.

        Raises:
            StoppedError: `stopped` said so; the state is saved.
        """
        self.training.run(self._loss_of(pictures), show, stopped)
        if self.training.done < 1:
            raise StoppedError
        self.training.keep_average()
        self._vae.requires_grad_(requires_grad=True).eval()

    def _loss_of(self, pictures: Sequence[Picture]) -> Callable[[], Tensor]:
        generator = np.random.default_rng(6_000_000 + self.training.steps)
        torch.manual_seed(7_000_000 + self.training.steps)

        def loss_of() -> Tensor:
            batch = to_tensor([_scene(pictures, generator) for _ in range(BATCH)]).to(self._vae.device)
            with autocast(self._vae.device):
                with torch.no_grad():
                    latents = self._vae.encode(batch).latent_dist.sample()
                decoded = self._vae.decode(latents).sample
                loss = difference(decoded.float(), batch)
                if self.training.done > PERCEPTUAL_FROM:
                    loss = loss + PERCEPTUAL_WEIGHT * distance(self._vae.encoder, decoded, batch)
            return loss

        return loss_of


def _scene(pictures: Sequence[Picture], generator: np.random.Generator) -> np.ndarray:
    """Draws a subject on a background: one of the ten colours, or any at all every third time."""
    colour = list(COLOURS.values())[int(generator.integers(len(COLOURS)))]
    if generator.random() < 1 / 3:
        red, green, blue = (int(value) for value in generator.integers(0, 256, 3))
        colour = (red, green, blue)
    picture = pictures[int(generator.integers(len(pictures)))]
    return compose(picture, colour, draw_layout(generator, SIDE), SQUARE)
