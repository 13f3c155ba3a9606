"""`python -m generation.starter.train`: from nothing to an exported checkpoint."""

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from generation.starter.train import diffusion, vae
from generation.starter.train.export import export, fingerprint, resume
from generation.starter.train.models import Models, Shape, build
from generation.starter.train.pictures import load, select
from generation.starter.train.vocabulary import learn_merges

log = logging.getLogger("generation.starter.train")


@dataclass(frozen=True, slots=True)
class Shares:
    """How the time is divided among the stages."""

    vae: float = 0.15
    diffusion: float = 0.75
    decoder: float = 0.10


def main() -> None:
    """Trains the starter model."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)  # training on a CPU crawls once weights become denormal
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    pictures = load(folder)
    chosen = select(pictures, options.subjects)
    models = resume(options.resume_from) if options.resume_from else build(Shape(), learn_merges(pictures))
    for module in models.parts().values():
        module.to("cuda" if torch.cuda.is_available() else "cpu")
    log.info("%d of %d pictures; vocabulary of %d merges", len(chosen), len(pictures), len(models.merges))
    seconds = 60 * options.minutes
    shares = Shares(vae=0) if options.resume_from else Shares()
    if shares.vae:
        vae.train(models, pictures, seconds * shares.vae, folder)
    pool = diffusion.fill_pool(models, chosen, options.scenes, seed=1)
    diffusion.train(models, pool, seconds * shares.diffusion, folder)
    vae.polish(models, pictures, seconds * shares.decoder, folder)
    _note(models, len(chosen), options.minutes)
    path = export(models, options.output or folder / "easel-starter.safetensors")
    log.info("%s: %.1f MB, SHA-256 %s", path, path.stat().st_size / 1e6, fingerprint(path))


def _note(models: Models, subjects: int, minutes: float) -> None:
    models.notes["subjects"] = subjects
    models.notes["minutes"] = float(models.notes.get("minutes", 0)) + minutes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m generation.starter.train", description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=150, help="training time over all stages")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: as many as torch likes")
    parser.add_argument("--subjects", choices=("everyday", "all"), default="everyday", help="which pictures to learn")
    parser.add_argument("--scenes", type=int, default=8, help="scenes composed of each subject")
    parser.add_argument("--resume-from", type=Path, help="an exported checkpoint to go on from")
    parser.add_argument("--folder", type=Path, default=Path("data/starter"), help="downloads, state, logs and sheets")
    parser.add_argument("--output", type=Path, help="the checkpoint to write; default: in the folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
