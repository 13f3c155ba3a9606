import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from generation.prompt.parser import Piece
from generation.prompt.tokenizer import clip_merges, clip_tokenizers

PROSE = st.text(st.sampled_from("abcxyz ABC 0129'\u2019.,!?()<|>-_\t\nÄßéñ\u0301İ你好🎲\u200d中"), max_size=60)
ANY = st.text(max_size=40)
MARKS = st.sampled_from(["<|endoftext|>", "a <|startoftext|> b", "it's we'll", "100%", "</w>", "ﬁ Å ①"])


@pytest.fixture(scope="module")
def transformers_clip() -> CLIPTokenizer:
    """Builds the tokenizer as transformers does, from the same vocabulary."""
    symbols = clip_tokenizers()[0].vocabulary
    merges = [tuple(merge.split()) for merge in clip_merges()]
    return CLIPTokenizer(vocab=symbols, merges=merges)  # type: ignore[arg-type] # its annotation forgot pairs


@given(text=PROSE | ANY | MARKS)
def test_tokens_are_those_of_transformers(transformers_clip: CLIPTokenizer, text: str) -> None:
    expected = transformers_clip.backend_tokenizer.encode(text, add_special_tokens=False).ids

    assert clip_tokenizers()[0].ids(text) == expected
    assert [token.id for row in clip_tokenizers()[0].rows([Piece(text)]) for token in row][1:76][: len(expected)] == (
        expected[:75]
    )
