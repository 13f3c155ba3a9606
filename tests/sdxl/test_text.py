"""What the UNet is told, compared with a direct computation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.errors import InvalidRequestError, ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.safetensors_header import Kind
from generation.prompt.parser import Piece
from generation.prompt.tokenizer import clip_tokenizers
from generation.sdxl.model.auxiliary import AuxiliaryModels
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import TextStyle, tokenize

PROMPTS = json.loads((Path(__file__).parents[1] / "golden" / "prompts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("prompt", sorted(PROMPTS))
def test_a_prompt_becomes_the_references_tokens_and_weights(prompt: str) -> None:
    expected = {name: [[tuple(pair) for pair in row] for row in rows] for name, rows in PROMPTS[prompt].items()}

    assert tokenize(prompt) == expected


def test_the_vocabulary_is_clips() -> None:
    small, large = clip_tokenizers()

    assert (small.size, small.start, small.end) == (49408, 49406, 49407)
    assert [row[-1].id for row in (*small.rows([]), *large.rows([]))] == [49407, 0]


def test_a_short_piece_is_never_cut_and_a_long_one_is() -> None:
    tokenizer = clip_tokenizers()[0]
    filling = Piece("cat " * 72)

    short = tokenizer.rows([filling, Piece("dog " * 7)])
    long = tokenizer.rows([filling, Piece("dog " * 8)])

    assert [token.id for token in short[0]].index(tokenizer.end) == 73
    assert [token.id for token in long[0]].index(tokenizer.end) == 76


def test_hidden_states_are_the_last_layers_input_without_the_final_norm(model: Model) -> None:
    taken: dict[str, Tensor] = {}
    model.text.forget()
    assert model.text.encoder is not None
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
    rows = [[token.id for token in row] for row in model.text.tokenizer_2.rows([Piece("a red apple")])]
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


@torch.inference_mode()
def test_a_weight_moves_a_token_away_from_the_empty_prompt(model: Model) -> None:
    plain, empty = model.text.encode(["a red apple"])[0], model.text.encode([""])[0]

    heavy = model.text.encode(["a (red:1.5) apple"])[0]

    expected = plain.hidden.clone()
    expected[:, 2] = (plain.hidden[:, 2] - empty.hidden[:, 2]) * 1.5 + empty.hidden[:, 2]
    assert torch.allclose(heavy.hidden, expected, atol=1e-5)
    assert torch.equal(heavy.pooled, plain.pooled)


@torch.inference_mode()
def test_a1111_multiplies_and_keeps_the_mean(model: Model) -> None:
    plain = model.text.encode(["a red apple"])[0]

    heavy = model.text.encode(["a (red:1.5) apple"], TextStyle(weights="a1111"))[0]

    assert model.text.encoder is not None
    width = model.text.encoder.config.hidden_size
    for part in (slice(None, width), slice(width, None)):
        before, after = plain.hidden[..., part], heavy.hidden[..., part]
        louder = before.clone()
        louder[:, 2] *= 1.5
        assert torch.allclose(after, louder * before.mean() / louder.mean(), atol=1e-4)


@torch.inference_mode()
def test_break_begins_a_new_row(model: Model) -> None:
    rows = model.text.encode(["a cat BREAK a dog"])[0].hidden

    assert rows.shape[1] == 2 * 77
    assert torch.allclose(rows[:, 77:], model.text.encode(["a dog"])[0].hidden, atol=1e-5)


@torch.inference_mode()
def test_clip_skip_listens_to_another_layer(model: Model) -> None:
    ids = torch.tensor([[token.id for token in model.text.tokenizer.rows([Piece("a red apple")])[0]]])
    assert model.text.encoder is not None
    states = model.text.encoder(ids, output_hidden_states=True).hidden_states

    for skip in (1, 2, 3):
        hidden = model.text.encode(["a red apple"], TextStyle(clip_skip=skip))[0].hidden
        assert torch.allclose(hidden[..., : states[0].shape[-1]], states[-skip], atol=1e-5)


def test_a_clip_skip_beyond_the_encoder_is_refused(model: Model) -> None:
    with pytest.raises(InvalidRequestError, match="has only 3 layers"):
        model.text.encode(["a"], TextStyle(clip_skip=4))


@pytest.fixture
def with_embedding(model: Model, tmp_path: Path) -> Iterator[Model]:
    """The tiny model with an embedding `pear` whose two vectors are those of the words red and apple."""
    small, large = (cast(Tensor, each.get_input_embeddings().weight) for each in model.text.modules)
    red, apple = (token.id for token in model.text.tokenizer.rows([Piece("red apple")])[0][1:3])
    vectors = {"clip_l": small[[red, apple]].clone(), "clip_g": large[[red, apple]].clone()}
    save_file({key: tensor.detach() for key, tensor in vectors.items()}, tmp_path / "pear.safetensors")
    save_file({"emb_params": torch.zeros(1, 768)}, tmp_path / "old.safetensors")
    before = model.text.find_embedding
    model.text.find_embedding = AuxiliaryModels(AuxiliaryFiles(tmp_path)).embedding
    yield model
    model.text.find_embedding = before


@torch.inference_mode()
def test_an_embeddings_vectors_stand_where_its_name_does(with_embedding: Model) -> None:
    encode = with_embedding.text.encode

    assert torch.allclose(
        encode(["a embedding:pear, big"])[0].hidden, encode(["a red apple, big"])[0].hidden, atol=1e-5
    )
    assert torch.allclose(
        encode(["(a:1.2) (embedding:pear:1.3)"])[0].hidden, encode(["(a:1.2) (red apple:1.3)"])[0].hidden, atol=1e-5
    )
    assert encode(["embedding:pear"])[0].pooled.allclose(encode(["red apple"])[0].pooled, atol=1e-5)


def test_an_unknown_embedding_is_shown_with_a_caret(with_embedding: Model) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        with_embedding.text.encode(["a cat, embedding:paer"])

    lines = str(refused.value).splitlines()
    assert lines[0] == "prompt: There is no textual inversion embedding named 'paer'. Did you mean pear?"
    assert lines[1][lines[2].index("^") :] == "embedding:paer"


def test_an_embedding_of_another_model_family_is_refused(with_embedding: Model) -> None:
    with pytest.raises(InvalidRequestError, match="not for SDXL"):
        with_embedding.text.encode(["embedding:old"])


def test_an_embedding_of_another_width_is_refused_in_words(model: Model, tmp_path: Path) -> None:
    save_file({"clip_l": torch.zeros(1, 4), "clip_g": torch.zeros(1, 6)}, tmp_path / "narrow.safetensors")
    before = model.text.find_embedding
    model.text.find_embedding = AuxiliaryModels(AuxiliaryFiles(tmp_path)).embedding
    try:
        with pytest.raises(InvalidRequestError, match="'narrow' has vectors of another width"):
            model.text.encode(["a embedding:narrow"])
    finally:
        model.text.find_embedding = before


def test_extras_are_found_by_name_and_told_apart(tmp_path: Path) -> None:
    save_file({"clip_l": torch.zeros(1, 4), "clip_g": torch.zeros(1, 6)}, tmp_path / "Pear.safetensors")
    save_file({"decoder.conv_in.weight": torch.zeros(1)}, tmp_path / "soft.safetensors")
    extras = AuxiliaryFiles(tmp_path)

    assert (extras.names(Kind.VAE), extras.names(Kind.EMBEDDING)) == (["soft"], ["Pear"])
    assert extras.find(Kind.EMBEDDING, "pear") == tmp_path / "Pear.safetensors"
    with pytest.raises(ModelError, match=r"There is no VAE named 'sofd'. Did you mean soft\?"):
        extras.find(Kind.VAE, "sofd")


def _keep(taken: dict[str, Tensor], name: str) -> Any:
    def hook(_module: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        taken[name] = args[0] if args else kwargs["hidden_states"]

    return hook
