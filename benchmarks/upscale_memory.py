"""How a tiled upscale's memory grows with the picture: the same tile, larger and larger results, a process for each.

    python -m benchmarks.upscale_memory [--sides 1024 2048 4096] [--tile 512] [--model starter]

Prints for each result the peak of resident memory, the part of it that painting took beyond the loaded model, and the
time. What has to grow: the finished picture (3 bytes a pixel, a few copies on its way into the PNG file) and its
latents (a quarter of a byte a pixel, a few copies). The C library is told to give freed memory back at once: what it
keeps otherwise, up to a hundred MiB of holes between what is still used, changes from run to run. Exit code 1 if the
peak grows by 10 % or more from 1024 to 2048.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch

from generation import Catalog, GenerationRequest, GenerationSettings, Hires
from generation.worker.local import LocalExecutor

SCALE = 4
STEPS = 2
MOST_GROWTH = 0.10
GIVE_BACK = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "1048576"}  # glibc's, mallopt(3)


def main() -> int:
    """Measures every side in a process of its own and compares the peaks."""
    arguments = _arguments()
    if arguments.one is not None:
        sys.stdout.write(json.dumps(asyncio.run(_measure(arguments.one, arguments.tile, arguments.model))) + "\n")
        return 0
    peaks: dict[int, float] = {}
    for side in arguments.sides:
        command = [sys.executable, "-m", "benchmarks.upscale_memory", "--one", str(side)]
        command += ["--tile", str(arguments.tile), "--model", arguments.model]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | GIVE_BACK)  # noqa: S603 - this very program
        found = json.loads(done.stdout)
        peaks[side] = found["peak"]
        sys.stdout.write(
            f"{side}x{side}, tile {arguments.tile}: peak {found['peak']:.0f} MiB, of that "
            f"{found['painting']:.0f} MiB for painting; {found['seconds']:.0f} s\n"
        )
        sys.stdout.flush()
    if {1024, 2048} <= peaks.keys():
        growth = peaks[2048] / peaks[1024] - 1
        sys.stdout.write(f"growth from 1024 to 2048: {growth:.1%}\n")
        return int(growth >= MOST_GROWTH)
    return 0


async def _measure(side: int, tile: int, model: str) -> dict[str, float]:
    torch.set_num_threads(1)
    folder = Path("data/models")
    executor = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))
    small = GenerationRequest(
        prompt="a red apple on a blue background", model=model, width=64, height=64, steps=1, seed=3
    )
    await executor.generate(small)
    loaded = _peak()
    start = time.perf_counter()
    asked = GenerationRequest(
        prompt=small.prompt, model=model, width=side // SCALE, height=side // SCALE, steps=STEPS, seed=3,
        hires=Hires(scale=SCALE, strength=0.3, steps=STEPS, tile=tile),
    )  # fmt: skip
    await executor.generate(asked)
    await executor.close()
    return {"peak": _peak(), "painting": _peak() - loaded, "seconds": time.perf_counter() - start}


def _peak() -> float:
    """Returns the most memory that was resident so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
