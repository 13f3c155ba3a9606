"""What the UNet is told, compared with a direct computation."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from generation.sdxl.model import Model
from generation.sdxl.tokenizer import Tokenizer, clip_merges

PROMPTS = json.loads((Path(__file__).parents[1] / "golden" / "prompts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Tokenizer]:
    return {"l": Tokenizer(clip_merges()), "g": Tokenizer(clip_merges(), padding=0)}


@pytest.mark.parametrize("prompt", sorted(PROMPTS))
def test_a_prompt_becomes_the_references_tokens(tokenizers: dict[str, Tokenizer], prompt: str) -> None:
    rows = {name: tokenizer.rows(prompt) for name, tokenizer in tokenizers.items()}

    assert rows == PROMPTS[prompt]


def test_the_vocabulary_is_clips(tokenizers: dict[str, Tokenizer]) -> None:
    assert (tokenizers["l"].size, tokenizers["l"].start, tokenizers["l"].end) == (49408, 49406, 49407)


def test_hidden_states_are_the_last_layers_input_without_the_final_norm(model: Model) -> None:
    taken: dict[str, Tensor] = {}
    layers = (model.text.encoder.encoder.layers[-1], model.text.encoder_2.text_model.encoder.layers[-1])
    hooks = [
        layer.register_forward_pre_hook(_keep(taken, name), with_kwargs=True)
        for name, layer in zip("lg", layers, strict=True)
    ]

    encoded = model.text.encode(["a red apple"])[0]

    assert torch.equal(encoded.hidden, torch.cat([taken["l"], taken["g"]], dim=-1))
    for hook in hooks:
        hook.remove()


def test_the_summary_is_the_projection_at_the_end_token(model: Model) -> None:
    rows = model.text.tokenizer_2.rows("a red apple")
    end = rows[0].index(model.text.tokenizer_2.end)
    with torch.inference_mode():
        last = model.text.encoder_2.text_model(torch.tensor(rows)).last_hidden_state
        expected = model.text.encoder_2.text_projection(last[:, end])

    assert torch.allclose(model.text.encode(["a red apple"])[0].pooled, expected, atol=1e-6)


def test_a_long_prompt_takes_as_many_rows_as_it_needs(model: Model) -> None:
    encoded = model.text.encode(["apple " * 200])[0]

    assert encoded.hidden.shape[1] == 3 * 77
    assert encoded.pooled.shape[0] == 1


def test_a_shorter_prompt_is_repeated_to_the_length_of_the_longer(model: Model) -> None:
    long, short = model.text.encode(["apple " * 100, "cat"])

    assert long.hidden.shape == short.hidden.shape
    assert torch.equal(short.hidden[:, :77], short.hidden[:, 77:])


def _keep(taken: dict[str, Tensor], name: str) -> Any:
    def hook(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        taken[name] = args[0] if args else kwargs["hidden_states"]

    return hook
