"""Whatever a file holds, its readers give a value or a refusal in words, and nothing else."""

import copy
import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import GenerationRequest, Hires, Init, InvalidRequestError, Mask, OutpaintPadding, Refiner, metadata
from generation.images.pixels import Pixels
from generation.metadata import Reading
from generation.request.options import Lora
from generation.sdxl.engine.png import encode
from generation.visible import is_visible
from tests.fuzzing import examples

DIGEST = "ab" * 32
REQUESTS = (
    GenerationRequest(
        prompt="a (cat:1.2)", negative_prompt="dog", model="tiny", seed=7, clip_skip=1, vae="soft",
        guidance_rescale=0.7, prediction="v_prediction_zsnr", loras=(Lora("fur", 0.5, 0.25),),
        hires=Hires(method="realesrgan-x4plus"),
    ),
    GenerationRequest(prompt="a", model="m", seed=1, hires=Hires(method="latent"), refiner=Refiner(model="r", at=10)),
    GenerationRequest(
        prompt="a", model="m", seed=1, init=Init(picture=DIGEST),
        mask=Mask(picture=DIGEST, invert=True, grow=3, feather=8, area="canvas"),
        refiner=Refiner(model="r", strength=0.3),
    ),
    GenerationRequest(
        prompt="a", model="m", seed=1, init=Init(picture=DIGEST), outpaint=OutpaintPadding(left=64, feather=8)
    ),
)  # fmt: skip
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, math.nan, math.inf, 10**400, "", "x", "nan", "9" * 5000, "\x1b[2J", [], [None], [[]],
    ["3"], ["3", 0], [3, 0], {}, {"class_type": None}, {"class_type": [], "inputs": None}, {"inputs": []}, [{}], "3",
    {"content": "43"}, [1, 2, 3, 4, 5, 6],
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Lists every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        found += ((each, key) for key in keys)
        waiting += (each[key] for key in keys)
    return found


def spoiled(document: Any, chance: random.Random) -> Any:
    """Returns a document with a few of its values exchanged, dropped, doubled or rewired."""
    document = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        container, key = chance.choice(places(document))
        what = chance.random()
        if what < 0.6:
            container[key] = copy.deepcopy(chance.choice(HOSTILE))
        elif what < 0.8:
            del container[key]
        elif isinstance(container, dict):
            container[key] = [chance.choice(list(document)) if isinstance(document, dict) else 1, 0]
        else:
            container.append(copy.deepcopy(container[key]))
        if not places(document):
            break
    return document


def check(reading: Reading) -> None:
    for value in reading.values.values():
        assert not (isinstance(value, float) and not math.isfinite(value))
        str(value).encode()
    assert all(len(each) < 2000 and is_visible(each) for each in reading.unknown)


CHANCES = st.randoms(use_true_random=False)


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(REQUESTS), CHANCES)
def test_a_spoiled_graph_is_read_or_refused_in_words(request: GenerationRequest, chance: random.Random) -> None:
    for write, read in ((metadata.to_prompt, metadata.from_prompt), (metadata.to_workflow, metadata.from_workflow)):
        text = json.dumps(spoiled(json.loads(write(request)), chance))
        try:
            check(read(text))
        except InvalidRequestError as refused:
            assert str(refused)  # noqa: PT017 - either is right


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(REQUESTS), CHANCES)
def test_a_spoiled_recipe_of_ours_is_read_or_refused_in_words(
    request: GenerationRequest, chance: random.Random
) -> None:
    text = json.dumps(spoiled(json.loads(metadata.to_json(request)), chance))
    try:
        assert metadata.from_json(text).prompt is not None
        metadata.easel_json.model_hash(text)
    except InvalidRequestError as refused:
        assert str(refused)  # noqa: PT017 - either is right


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(REQUESTS), CHANCES)
def test_a_spoiled_text_of_a1111_is_read(request: GenerationRequest, chance: random.Random) -> None:
    text = metadata.to_a1111(request)
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(text))
        text = (
            text[:place]
            + chance.choice(["9" * 5000, "nan", "1e999", '"\\ud800"', ", ", ": ", "\0", ""])
            + text[place + 3 :]
        )

    check(metadata.from_a1111(text))


READERS: tuple[Callable[[str], object], ...] = (metadata.from_json, metadata.from_prompt, metadata.from_workflow)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"nodes": ' + "[" * 900 + "]" * 900 + "}",
        "null",
        "3",
        '"\\ud800"',
        "\ud800",
        "1" * 10_000,
        "",
        "\xff",
        '{"1": {"class_type": "KSampler", "inputs": {"seed": "\\ud800"}}}',
        '{"1": {"class_type": "KSampler", "inputs": null}}',
    ],
    ids=lambda text: text[:12].encode("ascii", "backslashreplace").decode(),
)
def test_json_that_is_no_recipe_is_refused_in_words(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(InvalidRequestError):
        read(text)


def test_wires_that_go_in_a_circle_come_to_an_end() -> None:
    graph = {
        "3": {"class_type": "KSampler", "inputs": {"latent_image": ["4", 0], "model": ["5", 0], "positive": ["6", 0]}},
        "4": {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["4", 0], "mask": ["7", 0]}},
        "5": {"class_type": "LoraLoader", "inputs": {"model": ["5", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["6", 0], "clip": ["6", 0]}},
        "7": {"class_type": "InvertMask", "inputs": {"mask": ["7", 0]}},
    }

    assert metadata.from_prompt(json.dumps(graph)).tool == "ComfyUI"


@settings(max_examples=examples(200), deadline=None)
@given(CHANCES)
def test_a_spoiled_file_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, chance: random.Random
) -> None:
    path = tmp_path_factory.getbasetemp() / "spoiled.png"
    data = bytearray(encode(Pixels(8, 8, bytes(192)), chance.choice(REQUESTS)).data)
    for _ in range(chance.randint(1, 8)):
        place = chance.randrange(len(data))
        data[place : place + chance.randint(0, 4)] = bytes(chance.randrange(256) for _ in range(chance.randint(0, 4)))
    Path(path).write_bytes(data[: chance.randint(0, len(data))] if chance.random() < 0.3 else data)

    try:
        check(metadata.read_file(path))
    except InvalidRequestError as refused:
        assert str(refused)  # noqa: PT017 - either is right
