"""How well and how fast the starter paints what a prompt says.

`python -m benchmarks.starter` paints 200 pairs of subject and colour that it was trained on, each with a seed of
its own, and 100 pairs that training never showed; then times single pictures. The pairs are drawn by a fixed rule
and were not looked at while the model was made. `tests/sdxl/judge.py` looks at the pictures.
"""

import argparse
import asyncio
import io
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table

from generation import Catalog, GenerationRequest, GenerationSettings, LocalExecutor
from generation.starter.train.compose import is_held_out, prompt
from tests.sdxl import judge

STEPS, GUIDANCE_SCALE, NATIVE = 20, 4.0, 128  # the starter's own preset
TRAINED, HELD_OUT, TIMED = 200, 100, 7
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


def pairs(eye: judge.Judge, count: int, *, held_out: bool) -> list[Pair]:
    """Draws pairs, always the same ones."""
    every = [
        (label, colour) for label in eye.labels for colour in eye.colours if is_held_out(label, colour) == held_out
    ]
    chosen = np.random.default_rng(20_260).permutation(len(every))[:count]
    return [Pair(*every[int(number)], seed=500_000 + index) for index, number in enumerate(chosen)]


def request(pair: Pair, model: str) -> GenerationRequest:
    """Makes the request that everything here is measured with."""
    return GenerationRequest(
        prompt=prompt(pair.label, pair.colour),
        model=model,
        width=NATIVE,
        height=NATIVE,
        steps=STEPS,
        guidance_scale=GUIDANCE_SCALE,
        sampler="dpmpp_2m",
        scheduler="karras",
        seed=pair.seed,
    )


async def look(executor: LocalExecutor, eye: judge.Judge, chosen: Sequence[Pair], model: str) -> list[Verdict]:
    """Paints and judges, several pictures at once."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(pair: Pair) -> Verdict:
        async with room:
            result = await executor.generate(request(pair, model))
        with Image.open(io.BytesIO(result.artifacts[0].data)) as image:
            pixels = np.asarray(image.convert("RGB"))
        seen = eye.nearest(pixels, pair.colour)
        return Verdict(eye.background(pixels) == pair.colour, judge.noun(seen) == judge.noun(pair.label), seen)

    return await asyncio.gather(*(one(pair) for pair in chosen))


async def seconds(executor: LocalExecutor, model: str) -> list[float]:
    """Times single pictures from request to PNG, the model loaded already."""
    taken = []
    for seed in range(TIMED):
        start = time.perf_counter()
        await executor.generate(request(Pair("red apple", "blue", seed), model))
        taken.append(time.perf_counter() - start)
    return taken


async def measure(model: str, threads: int) -> None:
    """Measures everything and prints it."""
    torch.set_num_threads(threads)
    catalog = Catalog(Path("none"), model)
    name = catalog.default().name
    executor = LocalExecutor(GenerationSettings(device="cpu"), catalog)
    eye = judge.load()
    table = Table("pairs", "pictures", "background right", "subject right", "both right")
    for held_out, count in ((False, TRAINED), (True, HELD_OUT)):
        chosen = pairs(eye, count, held_out=held_out)
        verdicts = await look(executor, eye, chosen, name)
        shares = [
            statistics.fmean(getattr(verdict, what) for verdict in verdicts) for what in ("background", "subject")
        ]
        both = statistics.fmean(verdict.background and verdict.subject for verdict in verdicts)
        table.add_row(
            "never shown" if held_out else "trained", str(count), *(f"{share:.1%}" for share in (*shares, both))
        )
        missed = [
            f"{pair.label} ({pair.colour}) as {verdict.taken_for}"
            for pair, verdict in zip(chosen, verdicts, strict=True)
            if not verdict.subject
        ]
        print("subjects missed:", "; ".join(missed) or "none")
    taken = await seconds(executor, name)
    await executor.close()
    Console().print(table)
    print(f"{STEPS} steps at {NATIVE}x{NATIVE}: {statistics.median(taken):.2f} s (median of {TIMED}, {threads} thread)")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starter", description=main.__doc__)
    parser.add_argument("--model", default="starter", help="a checkpoint of the recipe; default: the bundled one")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(measure(options.model, options.threads))


if __name__ == "__main__":
    main()
