"""`python -m generation.starter.train`: from nothing to an exported checkpoint."""

import argparse
import logging
from pathlib import Path

import torch

from generation.starter.train.pictures import load
from generation.starter.train.recipe import Recipe, export_now, run
from generation.starter.train.subjects import select


def main() -> None:
    """Trains the starter model."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    pictures = load(options.folder)
    recipe = Recipe(
        minutes=options.minutes,
        folder=options.folder,
        output=options.output,
        resume_from=options.resume_from,
        scenes=options.scenes,
    )
    work = export_now if options.export_now else run
    work(recipe, pictures, select(pictures, options.subjects))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m generation.starter.train", description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=150, help="training time over all stages")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0: as many as torch likes")
    parser.add_argument(
        "--subjects",
        choices=("familiar", "common", "everyday", "all"),
        default="common",
        help="which pictures to learn",
    )
    parser.add_argument("--scenes", type=int, default=8, help="scenes composed of each subject")
    parser.add_argument("--resume-from", type=Path, help="an exported checkpoint to go on from")
    parser.add_argument("--folder", type=Path, default=Path("data/starter"), help="downloads, state, logs and sheets")
    parser.add_argument("--output", type=Path, help="the checkpoint to write; default: in the folder")
    parser.add_argument("--export-now", action="store_true", help="only export the saved state of the folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
