"""A prompt that was encoded before is not encoded again, unless something about it changed."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import REMEMBERED, TextStyle


@pytest.fixture
def encodings(model: Model) -> Iterator[list[int]]:
    """Gets an entry whenever the first encoder runs."""
    model.text.forget()
    runs: list[int] = []
    assert model.text.encoder is not None
    hook: Any = model.text.encoder.register_forward_hook(lambda *_: runs.append(1))
    yield runs
    hook.remove()
    model.text.weights = None
    model.text.forget()


def test_the_same_prompts_are_encoded_once(model: Model, encodings: list[int]) -> None:
    first = model.encode("a red apple", "blurry")
    second = model.encode("a red apple", "blurry")
    model.encode("a green apple", "blurry")

    assert len(encodings) == 3
    assert all(torch.equal(one.hidden, other.hidden) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("style", [TextStyle(clip_skip=1), TextStyle(weights="a1111")])
def test_another_style_is_another_encoding(model: Model, encodings: list[int], style: TextStyle) -> None:
    model.encode("a red apple", None)
    model.encode("a red apple", None, style)

    assert len(encodings) == 2


def test_other_weights_of_the_encoders_are_another_encoding(model: Model, encodings: list[int]) -> None:
    model.encode("a red apple", None)
    model.text.weights = ("pixel-style", 0.8)
    model.encode("a red apple", None)

    assert len(encodings) == 2


def test_a_long_prompt_beside_a_remembered_short_one_stretches_only_what_is_returned(
    model: Model, encodings: list[int]
) -> None:
    model.encode("an apple", None)
    long, short = model.encode("an apple " * 60, "an apple")
    (again,) = model.encode("an apple", None)

    assert long.hidden.shape == short.hidden.shape
    assert again.hidden.shape[1] == 77


def test_only_so_many_are_remembered(model: Model, encodings: list[int]) -> None:
    for number in range(REMEMBERED + 1):
        model.encode(f"{number} apples", None)
    encodings.clear()

    model.encode(f"{REMEMBERED} apples", None)
    model.encode("0 apples", None)

    assert len(encodings) == 1
