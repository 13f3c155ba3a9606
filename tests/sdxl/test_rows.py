"""Prompts of unequal length: how they come to share a UNet call, and what is painted where they cannot."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from generation import GenerationRequest, InvalidRequestError
from generation.limits import MAX_ROWS
from generation.prompt.tokenizer import ROW
from generation.sdxl.acceleration.cuda_graphs import USUAL, GraphedUnet
from generation.sdxl.engine.run import Run, call_unet
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import MOST_REPEATED, REMEMBERED_ROWS, Conditioning, TextStyle
from generation.sdxl.sampling.noise import first_noise
from generation.sdxl.sampling.sigmas import levels, schedule
from tests.sdxl.conftest import request
from tests.sdxl.test_graphs import Tape

WORDS = ("a red apple", "on a table", "by a window", "in autumn", "oil on canvas", "with a cat", "at noon")


def prompt_of(rows: int) -> str:
    """Returns a prompt of so many rows, all of them different."""
    return " BREAK ".join(f"{WORDS[row % len(WORDS)]} {row}" for row in range(rows))


def rows_of(model: Model, *prompts: str, style: TextStyle | None = None) -> list[int]:
    """Encodes prompts, and says how many rows each has then."""
    return [each.length // ROW for each in model.text.encode(prompts, style or TextStyle())]


def alone(model: Model, prompt: str, style: TextStyle | None = None) -> Conditioning:
    """Encodes a prompt beside no other."""
    return model.text.encode([prompt], style or TextStyle())[0]


def painted(asked: GenerationRequest, model: Model, text: list[Conditioning]) -> tuple[Tensor, list[int]]:
    """Returns the latents of a picture, and the rows of each UNet call they took."""
    rows = []
    run = Run(asked, 0, model, text)
    while run.latents is None:
        rows.append(run.rows)
        run.advance(call_unet(model, [run])[0])
    return run.latents, rows


def painted_apart(asked: GenerationRequest, model: Model, prompts: tuple[str, str]) -> Tensor:
    """Paints with Euler's method (arXiv 2206.00364, algorithm 1) and two UNet calls a step, one for each prompt.

    No prompt is repeated or padded, and nothing but the model itself and the noise is the engine's.
    """
    sigmas = schedule("normal", "euler", asked.steps)
    x = first_noise(asked, (1, 4, 8, 8)) * (1 + sigmas[0] ** 2).sqrt()
    size = torch.tensor([[64.0, 64, 0, 0, 64, 64]])
    text = [alone(model, prompt) for prompt in prompts]
    for sigma, following in pairwise(sigmas):
        seen, step = x / (1 + sigma**2).sqrt(), torch.tensor([levels().timestep(float(sigma))])
        positive, negative = (x - sigma * model.predict(seen, step, each, size) for each in text)
        denoised = negative + asked.guidance_scale * (positive - negative)
        x = x + (x - denoised) / sigma * (following - sigma)
    return x


@pytest.mark.parametrize("first", [1, 2, 3, 4, 5, 7, 12, 15, 19, 20])
@pytest.mark.parametrize("second", [1, 3, 4, 7, 16, 20])
def test_prompts_are_repeated_to_their_least_common_multiple_up_to_four_times_the_shorter(
    model: Model, first: int, second: int
) -> None:
    together = math.lcm(first, second)  # ComfyUI: comfy/conds.py, CONDCrossAttn.can_concat

    found = rows_of(model, prompt_of(first), prompt_of(second))

    assert found == ([together] * 2 if together // min(first, second) <= 4 else [first, second])
    assert max(found) <= MOST_REPEATED * MAX_ROWS


@torch.inference_mode()
@pytest.mark.parametrize(
    ("rows", "calls"), [((3, 7), [1, 1]), ((1, 5), [1, 1]), ((20, 19), [1, 1]), ((2, 3), [2]), ((4, 1), [2])]
)
def test_however_prompts_come_to_the_unet_the_picture_is_that_of_two_calls_with_each_as_it_is(
    model: Model, rows: tuple[int, int], calls: list[int]
) -> None:
    asked = request(sampler="euler", scheduler="normal", steps=3)
    prompts = prompt_of(rows[0]), prompt_of(rows[1])

    latents, taken = painted(asked, model, model.encode(*prompts))

    assert taken == calls * 3
    torch.testing.assert_close(latents, painted_apart(asked, model, prompts), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_steps_without_guidance_take_one_call_where_the_prompts_are_apart(model: Model) -> None:
    asked = request(sampler="euler", scheduler="normal", steps=4, guidance_start=0.25, guidance_end=0.75)

    _, taken = painted(asked, model, model.encode(prompt_of(3), prompt_of(7)))

    assert taken == [1, 1, 1, 1, 1, 1]


@torch.inference_mode()
def test_samplers_that_call_the_model_twice_a_step_take_two_calls_each_time(model: Model) -> None:
    asked = request(sampler="heun", scheduler="normal", steps=3)
    text = model.encode(prompt_of(3), prompt_of(7))
    even = [Conditioning(each.hidden.repeat(1, 21 * ROW // each.length, 1), each.pooled) for each in text]

    apart, rows_apart = painted(asked, model, text)
    together, rows_together = painted(asked, model, even)

    assert (rows_apart, rows_together) == ([1] * 10, [2] * 5)
    torch.testing.assert_close(apart, together, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a1111_pads_the_shorter_prompt_with_rows_of_the_empty_prompt(model: Model) -> None:
    style = TextStyle(weights="a1111")
    short, long, empty = (alone(model, text, style) for text in (prompt_of(3), prompt_of(7), ""))

    for prompts, expected in (
        ((prompt_of(3), prompt_of(7)), (torch.cat([short.hidden, *[empty.hidden] * 4], dim=1), long.hidden)),
        ((prompt_of(7), prompt_of(3)), (long.hidden, torch.cat([short.hidden, *[empty.hidden] * 4], dim=1))),
        ((prompt_of(3), prompt_of(3)), (short.hidden, short.hidden)),
    ):
        found = model.text.encode(prompts, style)
        assert all(torch.equal(each.hidden, hidden) for each, hidden in zip(found, expected, strict=True))
        assert torch.equal(found[0].pooled, alone(model, prompts[0], style).pooled)


@pytest.mark.parametrize("text", ["🦊" * 3000, "qzxj" * 1500, "a BREAK " * 20 + "b"], ids=["foxes", "noise", "breaks"])
@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_a_prompt_of_too_many_rows_is_refused_before_it_is_encoded(model: Model, field: str, text: str) -> None:
    encoded: list[int] = []
    hook: Any = model.text.encoder_2.register_forward_hook(lambda *_: encoded.append(1))
    model.text.forget()

    with pytest.raises(
        InvalidRequestError, match=rf"{field} takes \d+ rows of 75 tokens, and at most 20 are"
    ) as refused:
        model.text.encode([text] if field == "prompt" else ["a", text])
    hook.remove()

    assert refused.value.field == field
    assert len(encoded) == (field == "negative")


def test_what_is_remembered_of_prompts_is_bounded_by_their_rows(model: Model) -> None:
    model.text.forget()

    for number in range(12):
        model.text.encode([f"{number} {prompt_of(MAX_ROWS)}"])

    assert sum(each.length for each in model.text._known.values()) <= REMEMBERED_ROWS * ROW
    model.text.forget()


@torch.inference_mode()
def test_each_of_two_separate_calls_is_recorded_once(model: Model) -> None:
    asked, tape = request(sampler="euler", scheduler="normal", steps=USUAL + 4), Tape()
    text = model.encode(prompt_of(3), prompt_of(7))
    expected, _ = painted(asked, model, text)

    model.faster = GraphedUnet(model.unet, capture=tape)
    latents, rows = painted(asked, model, text)
    model.faster = None

    assert rows == [1] * 2 * (USUAL + 4)
    assert (tape.recorded, tape.played) == (2, 2 * 4)
    torch.testing.assert_close(latents, expected, atol=1e-5, rtol=1e-5)
