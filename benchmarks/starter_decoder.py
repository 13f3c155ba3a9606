"""How well the starter's autoencoder reads back what it wrote down; `python -m benchmarks.starter` prints it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generation.starter.train.compose import COLOURS, compose, draw_layout, is_held_out, place
from generation.starter.train.pictures import Picture
from generation.starter.train.vae import to_tensor

SCENES = 200
SEED = 20_261


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Figures of scenes that training never showed.

    Attributes:
        psnr: Mean peak signal-to-noise ratio within the subject's box, in dB.
        worst: The lowest of them.
        edges: The mean share of the original's gradients there.
    """

    scenes: int
    psnr: float
    worst: float
    edges: float

    def __str__(self) -> str:
        return (
            f"autoencoder on {self.scenes} scenes never shown, within the subject's box: "
            f"{self.psnr:.1f} dB (worst {self.worst:.1f}), {self.edges:.2f} of the original's edge gradients"
        )


@torch.no_grad()
def measure(vae: Any, pictures: Sequence[Picture], canvas: int, scenes: int = SCENES) -> Fidelity:
    """Writes scenes down and reads them back.

    Args:
        vae: The autoencoder.
        pictures: The subjects.
        canvas: Side of the scenes in pixels.
        scenes: How many, of pairs that training never shows, always the same ones.
    """
    vae.eval()
    every = [(picture, colour) for picture in pictures for colour in COLOURS if is_held_out(picture.label, colour)]
    generator = np.random.default_rng(SEED)
    ratios, edges = [], []
    for number in generator.permutation(len(every))[:scenes]:
        picture, colour = every[int(number)]
        layout = draw_layout(generator, canvas)
        box = place(picture, layout, (canvas, canvas)).getbbox()
        scene = compose(picture, COLOURS[colour], layout, (canvas, canvas))
        decoded = vae.decode(vae.encode(to_tensor([scene])).latent_dist.mean).sample[0]
        painted = ((decoded / 2 + 0.5).clamp(0, 1) * 255).permute(1, 2, 0).numpy()
        left, top, right, bottom = box or (0, 0, canvas, canvas)
        original, read = (each[top:bottom, left:right].astype(np.float64) for each in (scene, painted))
        ratios.append(10 * math.log10(255**2 / max(1e-9, float(np.square(original - read).mean()))))
        edges.append(_gradients(read) / _gradients(original))
    return Fidelity(len(ratios), statistics.fmean(ratios), min(ratios), statistics.fmean(edges))


def _gradients(pixels: NDArray[np.float64]) -> float:
    return float(sum(np.abs(np.diff(pixels, axis=axis)).mean() for axis in (0, 1)))
