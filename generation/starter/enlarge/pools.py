"""Scenes of several sizes, written down as latents once and kept on the disk."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from generation.starter.enlarge.arithmetic import autocast
from generation.starter.enlarge.schedule import BUCKETS, SQUARE, Phase
from generation.starter.train.diffusion import Pool, fill_pool
from generation.starter.train.models import Models
from generation.starter.train.pictures import Picture

log = logging.getLogger(__name__)

Size = tuple[int, int]


class StoppedError(Exception):
    """Training was asked to stop; what it has so far is saved."""


def pools_for(
    models: Models, phase: Phase, pictures: Sequence[Picture], folder: Path, stopped: Callable[[], bool]
) -> dict[Size, Pool]:
    """Returns a phase's latents by the scenes' width and height, from the disk where they are there already.

    Raises:
        StoppedError: `stopped` said so; buckets that are complete are kept.
    """
    pools = {}
    for number, size in enumerate(BUCKETS):
        scenes = phase.square if size == SQUARE else phase.oblong
        if scenes:
            path = folder / f"latents-{phase.name}-{size[0]}x{size[1]}.pt"
            pools[size] = _kept_pool(models, pictures, (scenes, phase.seed + number, size), path, stopped)
    return pools


def _kept_pool(
    models: Models,
    pictures: Sequence[Picture],
    wanted: tuple[int, int, Size],
    path: Path,
    stopped: Callable[[], bool],
) -> Pool:
    scenes, seed, size = wanted
    made_of = _digest(models, pictures, wanted)
    kept = torch.load(path, weights_only=True) if path.is_file() else {}
    if kept.get("made_of") != made_of:
        log.info("encoding %d scenes of %dx%d", scenes * len(pictures), *size)
        with autocast(models.vae.device):
            pool = fill_pool(models, _until(stopped, pictures), scenes, seed, size)
        kept = {"made_of": made_of, "latents": pool.latents.half(), "named": list(pool.named)}
        partial = path.with_suffix(".partial")
        torch.save(kept, partial)
        partial.replace(path)
    return Pool(kept["latents"], [(label, colour) for label, colour in kept["named"]])


def _digest(models: Models, pictures: Sequence[Picture], wanted: tuple[int, int, Size]) -> str:
    encoder = float(models.vae.encoder.conv_out.weight.detach().double().sum())
    labels = [picture.label for picture in pictures]
    return hashlib.sha256(repr((encoder, models.scaling_factor, wanted, labels)).encode()).hexdigest()


def _until(stopped: Callable[[], bool], pictures: Sequence[Picture]) -> Iterator[Picture]:
    for number, picture in enumerate(pictures):
        if stopped():
            raise StoppedError
        if number % 100 == 0:
            log.info("subject %d of %d", number, len(pictures))
        yield picture
