"""How often what is painted anew follows the prompt: `python -m benchmarks.inpainting [CASES]`, by the starter."""

import asyncio
import sys
import tempfile
from pathlib import Path

from generation import Catalog, GenerationSettings
from generation.worker.local import LocalExecutor
from tests.sdxl.test_inpainting import EYE, has_the_colour

CASES = 50


async def share(cases: int) -> float:
    """Returns the share of cases whose new border has the colour that was asked for."""
    colours = list(EYE.colours)
    with tempfile.TemporaryDirectory() as folder:
        executor = LocalExecutor(GenerationSettings(models_dir=Path(folder), device="cpu"), Catalog(Path(folder)))
        right = [await has_the_colour(executor, colours[seed % len(colours)], seed) for seed in range(cases)]
        await executor.close()
    return sum(right) / cases


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CASES
    print(
        f"inside the mask the prompt's colour: {asyncio.run(share(count)):.0%} of {count} cases; outside exact in all"
    )
