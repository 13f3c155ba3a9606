"""How well and how fast the starter paints what a prompt says.

`python -m benchmarks.starter` paints pairs of subject and colour that it was trained on, each with a seed of its own,
and pairs that training never showed, square, 3:2 and 2:3; then times single pictures. The pairs are drawn by a fixed
rule and were not looked at while the model was made. `generation/starter/judge.py` looks at the pictures.

With `--pictures FOLDER`, the download of the training recipe, the judge knows all subjects that the checkpoint lists,
at 32x32 pixels instead of 16x16; its own accuracy on true scenes comes first, the autoencoder's figures last.
"""

import argparse
import asyncio
import io
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks import starter_decoder
from bot.services.requests.sizes import size_for
from generation import Catalog, GenerationRequest, GenerationSettings
from generation.models.catalog import ModelEntry
from generation.models.safetensors_header import read_header
from generation.starter.judge import Judge, Pixels, judge_of
from generation.starter.train.compose import is_held_out, prompt
from generation.starter.train.export import resume
from generation.starter.train.pictures import Picture, load
from generation.starter.train.sheet import Cell, save_sheet
from generation.worker.local import LocalExecutor
from tests.sdxl import judge

STEPS, GUIDANCE_SCALE = 20, 4.0  # the starter's own preset
HELD_OUT, OTHERS, TIMED = 300, 100, 7
NAMELESS = 24  # pictures on the sheet for eyes that were told no names
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Pair:
    """One picture to paint and to judge."""

    label: str
    colour: str
    seed: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge saw in one picture."""

    background: bool
    subject: bool
    taken_for: str
    picture: Pixels


@dataclass(frozen=True, slots=True)
class Round:
    """Pictures of one kind: known pairs or pairs never shown, of one aspect."""

    name: str
    held_out: bool
    aspect: float
    pictures: int


def rounds(held_out: int) -> tuple[Round, ...]:
    """Lists what is painted; the other rounds have a third of the first one's pictures."""
    others = max(1, held_out * OTHERS // HELD_OUT)
    return (
        Round("never shown", held_out=True, aspect=1, pictures=held_out),
        Round("trained", held_out=False, aspect=1, pictures=others),
        Round("never shown, 3:2", held_out=True, aspect=3 / 2, pictures=others),
        Round("never shown, 2:3", held_out=True, aspect=2 / 3, pictures=others),
    )


def pairs(eye: Judge, count: int, *, held_out: bool) -> list[Pair]:
    """Draws pairs, always the same ones."""
    every = [
        (label, colour) for label in eye.labels for colour in eye.colours if is_held_out(label, colour) == held_out
    ]
    chosen = np.random.default_rng(20_260).permutation(len(every))[:count]
    return [Pair(*every[int(number)], seed=500_000 + index) for index, number in enumerate(chosen)]


def request(pair: Pair, model: str, size: tuple[int, int]) -> GenerationRequest:
    """Makes the request that everything here is measured with."""
    return GenerationRequest(
        prompt=prompt(pair.label, pair.colour),
        model=model,
        width=size[0],
        height=size[1],
        steps=STEPS,
        guidance_scale=GUIDANCE_SCALE,
        sampler="dpmpp_2m",
        scheduler="karras",
        seed=pair.seed,
    )


async def look(executor: LocalExecutor, eye: Judge, asked: Iterable[tuple[Pair, GenerationRequest]]) -> list[Verdict]:
    """Paints and judges, several pictures at once."""
    room = asyncio.Semaphore(AT_ONCE)
    alike = eye.alike()

    async def one(pair: Pair, wanted: GenerationRequest) -> Verdict:
        async with room:
            result = await executor.generate(wanted)
        with Image.open(io.BytesIO(result.artifacts[0].data)) as image:
            pixels = np.asarray(image.convert("RGB"))
        seen = eye.nearest(pixels, pair.colour)
        return Verdict(eye.background(pixels) == pair.colour, seen in alike[pair.label], seen, pixels)

    return await asyncio.gather(*(one(pair, wanted) for pair, wanted in asked))


async def seconds(executor: LocalExecutor, model: ModelEntry) -> list[float]:
    """Times single pictures from request to PNG, the model loaded already."""
    taken = []
    for seed in range(TIMED):
        start = time.perf_counter()
        await executor.generate(request(Pair("red apple", "blue", seed), model.name, (model.native_size,) * 2))
        taken.append(time.perf_counter() - start)
    return taken


async def measure(options: argparse.Namespace) -> None:
    """Measures everything and prints it."""
    torch.set_num_threads(options.threads)
    catalog = Catalog(Path("none"), options.model)
    entry = catalog.default()
    pictures = _subjects(entry, options.pictures)
    eye = judge_of(pictures, canvas=entry.native_size) if pictures else judge.load()
    if pictures:
        share = judge.ceiling(eye, pictures, entry.native_size)
        print(f"the judge is right in {share:.1%} of {len(pictures)} true scenes")
    executor = LocalExecutor(GenerationSettings(device="cpu"), catalog)
    await _paint(executor, entry, eye, options)
    taken = await seconds(executor, entry)
    await executor.close()
    median = statistics.median(taken)
    print(f"{STEPS} steps at {entry.native_size} pixels: {median:.2f} s (median of {TIMED}, {options.threads} thread)")
    if pictures:
        print(starter_decoder.measure(resume(Path(entry.source)).vae, pictures, entry.native_size))


async def _paint(executor: LocalExecutor, entry: ModelEntry, eye: Judge, options: argparse.Namespace) -> None:
    table = Table("pairs", "size", "pictures", "background right", "subject right", "both right")
    for number, each in enumerate(rounds(options.held_out)):
        size = size_for(each.aspect, entry.native_size)
        chosen = pairs(eye, each.pictures, held_out=each.held_out)
        verdicts = await look(executor, eye, [(pair, request(pair, entry.name, size)) for pair in chosen])
        table.add_row(each.name, f"{size[0]}x{size[1]}", *_row(verdicts))
        print(f"{each.name}: subjects missed:", _missed(chosen, verdicts))
        if options.sheet and number == 0:
            save_sheet([Cell(verdict.picture) for verdict in verdicts[:NAMELESS]], options.sheet)
    Console().print(table)


def _subjects(entry: ModelEntry, folder: Path | None) -> list[Picture]:
    if folder is None:
        return []
    known = set(read_header(Path(entry.source)).config["training"]["subjects"])
    return [picture for picture in load(folder) if picture.label in known]


def _row(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    backgrounds = statistics.fmean(verdict.background for verdict in verdicts)
    subjects = statistics.fmean(verdict.subject for verdict in verdicts)
    both = statistics.fmean(verdict.background and verdict.subject for verdict in verdicts)
    return str(len(verdicts)), *(f"{share:.1%}" for share in (backgrounds, subjects, both))


def _missed(chosen: Sequence[Pair], verdicts: Sequence[Verdict]) -> str:
    missed = [
        f"{pair.label} ({pair.colour}) as {verdict.taken_for}"
        for pair, verdict in zip(chosen, verdicts, strict=True)
        if not verdict.subject
    ]
    return "; ".join(missed) or "none"


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starter", description=main.__doc__)
    parser.add_argument("--model", default="starter", help="a checkpoint of the recipe; default: the bundled one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help="pairs never shown; fewer for a quick look")
    parser.add_argument(
        "--pictures", type=Path, help="the training recipe's download, for its judge and decoder figures"
    )
    parser.add_argument(
        "--sheet", type=Path, help=f"where to save the first {NAMELESS} held-out pictures, without names"
    )
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
