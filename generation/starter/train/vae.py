"""The first stage: a small AutoencoderKL learns to write pictures down as 16x16 latents, and to read them again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from generation.starter.train.beginning import begin_as_pixels
from generation.starter.train.compose import COLOURS, SIZE, compose, draw_layout
from generation.starter.train.loop import Plan, Training
from generation.starter.train.models import Models
from generation.starter.train.pictures import Picture
from generation.starter.train.sheet import Cell, save_sheet, to_pixels

CROP = 64
BATCH = 4  # crops; a whole picture has as many pixels
KL_WEIGHT = 4e-4
SCALES = (1, 2, 4, 8)
WHOLE_FROM = 0.75  # of the time: whole pictures from then on, for the edges and the attention in the middle


def to_tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    """Returns pictures as the VAE takes them: (n, 3, h, w), -1 to 1."""
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
    return (stacked / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def train(models: Models, pictures: Sequence[Picture], seconds: float, folder: Path) -> None:
    """Trains the VAE for some seconds and leaves the averaged weights in it."""
    vae = models.vae.train().to(memory_format=torch.channels_last)
    shown = _examples(pictures)
    begin_as_pixels(vae, shown.to(vae.device))
    training = Training(Plan("vae", seconds, peak=2e-4, averaging=0.995, warm_up=200), {"vae": vae}, folder)
    generator = np.random.default_rng(training.steps)

    def loss_of() -> Tensor:
        whole = training.done > WHOLE_FROM
        scenes = [
            scene(pictures[int(generator.integers(len(pictures)))], generator) for _ in range(1 if whole else BATCH)
        ]
        batch = to_tensor(scenes if whole else [_crop(each, generator) for each in scenes])
        return _loss(vae, batch.to(vae.device))

    training.run(loss_of, lambda: _show(training, vae, shown, folder / "vae.png"))
    training.keep_average()
    vae.eval()


def polish(models: Models, pictures: Sequence[Picture], seconds: float, folder: Path) -> None:
    """Trains the decoder alone for some seconds more: latents, and with them the UNet, stay what they are."""
    vae = models.vae.train().to(memory_format=torch.channels_last)
    vae.requires_grad_(requires_grad=False)
    for part in (vae.decoder, vae.post_quant_conv):
        part.requires_grad_(requires_grad=True)
    training = Training(Plan("decoder", seconds, peak=7e-4, averaging=0.998), {"vae": vae}, folder)
    generator = np.random.default_rng(1_000_000 + training.steps)
    shown = _examples(pictures)

    def loss_of() -> Tensor:
        batch = to_tensor([scene(pictures[int(generator.integers(len(pictures)))], generator)]).to(vae.device)
        with torch.no_grad():
            latents = vae.encode(batch).latent_dist.sample()
        return difference(vae.decode(latents).sample, batch)

    training.run(loss_of, lambda: _show(training, vae, shown, folder / "decoder.png"))
    training.keep_average()
    vae.requires_grad_(requires_grad=True).eval()


def scene(picture: Picture, generator: np.random.Generator) -> np.ndarray:
    """Draws a subject on a background: one of the ten colours, or any at all every third time."""
    colours = list(COLOURS.values())
    colour = colours[generator.integers(len(colours))]
    if generator.random() < 1 / 3:
        red, green, blue = (int(value) for value in generator.integers(0, 256, 3))
        colour = (red, green, blue)
    return compose(picture, colour, draw_layout(generator))


@torch.no_grad()
def error(vae: Any, pictures: Sequence[Picture], seed: int = 7) -> float:
    """Measures the mean absolute error of writing down and reading again, on a range of -1 to 1."""
    generator = np.random.default_rng(seed)
    batch = to_tensor([scene(picture, generator) for picture in pictures]).to(vae.device)
    return float(functional.l1_loss(vae.decode(vae.encode(batch).latent_dist.mean).sample, batch))


def _examples(pictures: Sequence[Picture]) -> Tensor:
    generator = np.random.default_rng(0)
    return to_tensor([scene(picture, generator) for picture in list(pictures)[:: max(1, len(pictures) // 12)][:12]])


def _crop(picture: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    top, left = generator.integers(0, SIZE - CROP + 1, 2)
    return picture[top : top + CROP, left : left + CROP]


def _loss(vae: Any, batch: Tensor) -> Tensor:
    posterior = vae.encode(batch).latent_dist
    divergence: Tensor = 0.5 * (posterior.mean.pow(2) + posterior.var - 1 - posterior.logvar).mean()
    return difference(vae.decode(posterior.sample()).sample, batch) + KL_WEIGHT * divergence


def difference(decoded: Tensor, batch: Tensor) -> Tensor:
    """Mean absolute error at four scales, so that colours of areas are learnt early, and of edges."""
    off = decoded - batch
    loss: Tensor = off.diff(dim=2).abs().mean() + off.diff(dim=3).abs().mean()
    for scale in SCALES:
        loss = loss + functional.avg_pool2d(off, scale).abs().mean()
    return loss


@torch.no_grad()
def _show(training: Training, vae: Any, shown: Tensor, path: Path) -> None:
    for _ in training.averaged():
        vae.eval()
        decoded = vae.decode(vae.encode(shown.to(vae.device)).latent_dist.mean).sample
        vae.train()
        pairs = zip(to_pixels(shown), to_pixels(decoded.cpu()), strict=True)
        save_sheet([Cell(pixels) for pair in pairs for pixels in pair], path, columns=8)
