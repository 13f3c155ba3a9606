"""The bundled starter paints what the prompt says: real questions about real pictures, asked of the normal executor.

`tests/sdxl/judge.py` looks at the pictures; the thresholds lie below what `python -m benchmarks.starter` measures.
"""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from generation import Catalog, GenerationRequest, GenerationSettings
from generation.models.catalog import STARTER_FILE
from generation.models.safetensors_header import read_header
from generation.starter.train.compose import is_held_out, prompt
from generation.worker.local import LocalExecutor
from tests.sdxl import judge

Pixels = NDArray[np.uint8]

EYE = judge.load()
TRAINED, HELD_OUT = 14, 6


def pairs() -> list[tuple[str, str]]:
    """Draws 20 pairs by a fixed rule, 6 of them never shown in training; other pairs and seeds than the benchmark's."""
    every = [(label, colour) for label in EYE.labels for colour in EYE.colours]
    order = [every[int(number)] for number in np.random.default_rng(77).permutation(len(every))]
    held_out = [pair for pair in order if is_held_out(*pair)][:HELD_OUT]
    return [pair for pair in order if not is_held_out(*pair)][:TRAINED] + held_out


def request(text: str, **changes: object) -> GenerationRequest:
    values: dict[str, object] = {
        "prompt": text, "model": "starter", "width": 128, "height": 128, "steps": 20, "sampler": "dpmpp_2m",
        "scheduler": "karras", "guidance_scale": 4.0, "seed": 11,
    }  # fmt: skip
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
async def starter(tmp_path: Path) -> AsyncIterator[LocalExecutor]:
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))
    yield executor
    await executor.close()


async def painted(executor: LocalExecutor, asked: GenerationRequest) -> list[Pixels]:
    result = await executor.generate(asked)
    pictures = [Image.open(io.BytesIO(artifact.data)).convert("RGB") for artifact in result.artifacts]
    return [np.asarray(picture) for picture in pictures]


def border(picture: Pixels) -> NDArray[np.float64]:
    """Returns the median colour of the outer sixteenth."""
    inner = np.zeros(picture.shape[:2], dtype=bool)
    inner[judge.BORDER : -judge.BORDER, judge.BORDER : -judge.BORDER] = True
    median: NDArray[np.float64] = np.median(picture[~inner].astype(np.float64), axis=0)
    return median


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


def test_the_file_is_small_and_says_what_it_was_trained_on() -> None:
    config = read_header(STARTER_FILE).config

    assert STARTER_FILE.stat().st_size <= 30e6
    assert tuple(config["training"]["subjects"]) == tuple(sorted(EYE.labels))


@pytest.mark.ci
async def test_twenty_prompts_get_their_background_and_their_subject(starter: LocalExecutor) -> None:
    asked = pairs()

    backgrounds, subjects, seen = 0, 0, []
    for number, (label, colour) in enumerate(asked):
        [picture] = await painted(starter, request(prompt(label, colour), seed=900 + number))
        nearest, background = EYE.nearest(picture, colour), EYE.background(picture)
        backgrounds += background == colour
        subjects += judge.noun(nearest) == judge.noun(label)
        seen.append((label, nearest, colour, background))

    assert backgrounds >= 19, seen
    assert subjects >= 19, seen


async def test_a_red_apple_is_red_on_a_blue_background(starter: LocalExecutor) -> None:
    [picture] = await painted(starter, request("a red apple on a blue background"))

    red, green, blue = picture[48:80, 48:80].reshape(-1, 3).mean(axis=0)
    assert red > green + 60
    assert red > blue + 60
    assert EYE.background(picture) == "blue"


async def test_an_everyday_word_means_the_same_as_the_label(starter: LocalExecutor) -> None:
    [word] = await painted(starter, request("a car on a white background"))
    [label] = await painted(starter, request("a automobile on a white background"))
    [other] = await painted(starter, request("a cat on a white background"))

    assert difference(word, label) < difference(word, other) / 2


async def test_the_negative_prompt_takes_away_what_it_names_and_leaves_the_rest(starter: LocalExecutor) -> None:
    asked = request("a cat on a gray background")
    [plain] = await painted(starter, asked)
    [less_red] = await painted(starter, request(asked.prompt, negative_prompt="a cat on a red background"))
    [less_blue] = await painted(starter, request(asked.prompt, negative_prompt="a cat on a blue background"))

    def redness(picture: Pixels) -> float:
        red, _green, blue = border(picture)
        return float(red - blue)

    assert redness(less_red) < redness(plain) - 10
    assert redness(less_blue) > redness(plain) + 10


async def test_guidance_follows_the_prompt_more_closely(starter: LocalExecutor) -> None:
    text = "a strawberry on a yellow background"
    [free] = await painted(starter, request(text, guidance_scale=1.0))
    [guided] = await painted(starter, request(text, guidance_scale=7.0))

    assert difference(free, guided) > 2
    assert guided.std() > free.std()
    assert EYE.background(guided) == "yellow"


async def test_the_same_seed_is_the_same_picture_and_another_seed_another(starter: LocalExecutor) -> None:
    [one] = await painted(starter, request("a penguin on a pink background", seed=1))
    [again] = await painted(starter, request("a penguin on a pink background", seed=1))
    [other] = await painted(starter, request("a penguin on a pink background", seed=2))

    assert (one == again).all()
    assert difference(one, other) > 0.5
    assert EYE.nearest(one, "pink") == EYE.nearest(other, "pink") == "penguin"


async def test_a_batch_is_the_pictures_of_its_seeds(starter: LocalExecutor) -> None:
    asked = request("a rocket on a purple background", seed=40, count=3)
    batch = await painted(starter, asked)

    alone = [(await painted(starter, asked.picture(index)))[0] for index in range(3)]

    assert [difference(*pair) for pair in zip(batch, alone, strict=True)] == pytest.approx([0, 0, 0], abs=0.1)


async def test_other_sizes_are_painted_too(starter: LocalExecutor) -> None:
    [wide] = await painted(starter, request("a cat on a green background", width=192, height=128))

    assert wide.shape == (128, 192, 3)
    assert EYE.background(wide) == "green"
