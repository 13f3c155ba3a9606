"""The whole way, stage by stage: from pictures to an exported checkpoint."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from generation.starter.train import diffusion, vae
from generation.starter.train.export import export, fingerprint, resume
from generation.starter.train.loop import restore_average
from generation.starter.train.models import Models, Shape, build
from generation.starter.train.pictures import Picture
from generation.starter.train.vocabulary import MERGES, learn_merges

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What can be chosen.

    Attributes:
        minutes: Training time over all stages; what a stage has had already in this folder is not repeated.
        folder: State, sheets and the exported checkpoint.
        output: The checkpoint to write; None for `easel-starter.safetensors` in the folder.
        resume_from: An exported checkpoint to go on from, its VAE's encoder and its text encoders as they are; None to
            begin anew.
        scenes: How many scenes are composed of each subject.
        shape: How large new models are.
        merges: How many merges a new vocabulary gets.
        vae, decoder: Shares of the time for the VAE, and for its decoder alone at the end.
    """

    minutes: float
    folder: Path
    output: Path | None = None
    resume_from: Path | None = None
    scenes: int = 8
    shape: Shape = field(default_factory=Shape)
    merges: int = MERGES
    vae: float = 0.15
    decoder: float = 0.07


def run(recipe: Recipe, pictures: Sequence[Picture], chosen: Sequence[Picture]) -> Path:
    """Trains and exports.

    Args:
        recipe: What was chosen.
        pictures: All pictures; the VAE and the vocabulary learn from all of them.
        chosen: The subjects that prompts can ask for after this run.

    Returns:
        The exported checkpoint.
    """
    torch.set_flush_denormal(True)  # a CPU crawls once weights become denormal
    recipe.folder.mkdir(parents=True, exist_ok=True)
    models = _models(recipe, pictures)
    for module in models.parts().values():
        module.to("cuda" if torch.cuda.is_available() else "cpu")
    log.info("%d of %d pictures; vocabulary of %d merges", len(chosen), len(pictures), len(models.merges))
    seconds = 60 * recipe.minutes
    share = 0.0 if recipe.resume_from else recipe.vae
    if share:
        vae.train(models, pictures, seconds * share, recipe.folder)
    pool = diffusion.pool_for(models, chosen, recipe.scenes, recipe.folder)
    log.info("%d scenes; latents are scaled by %.5f", len(pool.named), models.scaling_factor)
    budget = seconds * (1 - share - recipe.decoder)
    diffusion.train(models, pool, budget, recipe.folder, with_text=recipe.resume_from is None)
    vae.polish(models, pictures, seconds * recipe.decoder, recipe.folder)
    return _export(recipe, models, chosen)


def export_now(recipe: Recipe, pictures: Sequence[Picture], chosen: Sequence[Picture]) -> Path:
    """Exports the averaged weights as the folder's saved state has them, while training goes on elsewhere."""
    models = _models(recipe, pictures)
    decoder = (*models.vae.decoder.parameters(), *models.vae.post_quant_conv.parameters())
    restore_average(recipe.folder / "vae.pt", models.vae.parameters())
    modules = (models.unet,) if recipe.resume_from else (models.unet, models.text, models.text_2)
    restore_average(recipe.folder / "diffusion.pt", (each for module in modules for each in module.parameters()))
    diffusion.pool_for(models, chosen, recipe.scenes, recipe.folder)
    restore_average(recipe.folder / "decoder.pt", decoder)
    return _export(recipe, models, chosen)


def _export(recipe: Recipe, models: Models, chosen: Sequence[Picture]) -> Path:
    models.notes["subjects"] = sorted(picture.label for picture in chosen)
    models.notes["minutes"] = round(models.notes.get("minutes", 0) + recipe.minutes, 1)
    path = export(models, recipe.output or recipe.folder / "easel-starter.safetensors")
    log.info("%s: %.1f MB, SHA-256 %s", path.name, path.stat().st_size / 1e6, fingerprint(path))
    return path


def _models(recipe: Recipe, pictures: Sequence[Picture]) -> Models:
    if recipe.resume_from is not None:
        return resume(recipe.resume_from)
    path = recipe.folder / "merges.txt"
    if not path.is_file():
        path.write_text("\n".join(learn_merges(pictures, recipe.merges)), encoding="utf-8")
    return build(recipe.shape, tuple(path.read_text(encoding="utf-8").split("\n")))
