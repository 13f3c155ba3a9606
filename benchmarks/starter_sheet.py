"""The sheet of pictures in README: what the starter paints, with the prompts under the pictures.

`python -m benchmarks.starter_sheet` writes docs/images/starter-sheet.png. Every picture has the same seed; none was
picked out of several.
"""

import argparse
import asyncio
import io
from pathlib import Path

import numpy as np
from PIL import Image

from generation import Catalog, GenerationRequest, GenerationSettings
from generation.starter.train.sheet import Cell, save_sheet
from generation.worker.local import LocalExecutor

PROMPTS = (
    "a red apple on a blue background", "a cat on a yellow background", "a rocket on a purple background",
    "a penguin on a red background", "a strawberry on a gray background", "a guitar on a white background",
    "an owl on a pink background", "a house on a green background", "a star on a black background",
    "a bicycle on an orange background", "a car on a green background", "a dog on a blue background",
    "a pizza on a purple background", "a robot on a white background", "a heart on a pink background",
    "a sunflower on a blue background", "a frog on a black background", "a rainbow on a white background",
)  # fmt: skip
SEED = 1


async def paint(model: str) -> list[Cell]:
    """Paints all prompts."""
    catalog = Catalog(Path("none"), model)
    executor = LocalExecutor(GenerationSettings(device="cpu"), catalog)
    requests = [
        GenerationRequest(
            prompt=prompt,
            model=catalog.default().name,
            width=128,
            height=128,
            steps=20,
            guidance_scale=4.0,
            sampler="dpmpp_2m",
            scheduler="karras",
            seed=SEED,
        )
        for prompt in PROMPTS
    ]
    results = await asyncio.gather(*(executor.generate(request) for request in requests))
    await executor.close()
    pictures = [Image.open(io.BytesIO(result.artifacts[0].data)).convert("RGB") for result in results]
    return [Cell(np.asarray(picture), prompt) for picture, prompt in zip(pictures, PROMPTS, strict=True)]


def main() -> None:
    """Paints the sheet."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starter_sheet", description=main.__doc__)
    parser.add_argument("--model", default="starter", help="a checkpoint of the recipe; default: the bundled one")
    parser.add_argument("--output", type=Path, default=Path("docs/images/starter-sheet.png"))
    options = parser.parse_args()
    save_sheet(asyncio.run(paint(options.model)), options.output, columns=6)


if __name__ == "__main__":
    main()
