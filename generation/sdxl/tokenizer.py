"""CLIP's byte-pair encoding, made from its list of merges alone (OpenAI, "simple_tokenizer.py", 2021)."""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import cast

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

ROW = 77
CHUNK = 75  # a row less its start and end token
_UNCUT = 8  # a word of fewer tokens is never cut across two rows
_END_OF_WORD = "</w>"


class Tokenizer:
    """Turns a prompt into rows of 77 token ids for one encoder.

    Args:
        merges: CLIP's merges in their order, each "left right"; the vocabulary follows from them:
            the 256 bytes, the 256 bytes that end a word, one token per merge, start, end.
        padding: The id that fills a row up after its end token; None for the end token itself.
    """

    def __init__(self, merges: Sequence[str], padding: int | None = None) -> None:
        pairs = [tuple(merge.split()) for merge in merges]
        symbols = _byte_symbols()
        words = [*symbols, *(symbol + _END_OF_WORD for symbol in symbols), *("".join(pair) for pair in pairs)]
        vocabulary = {word: number for number, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
        self._clip = CLIPTokenizer(vocab=vocabulary, merges=cast(list[str], pairs))  # its annotation forgot pairs
        self.start = vocabulary["<|startoftext|>"]
        self.end = vocabulary["<|endoftext|>"]
        self._padding = self.end if padding is None else padding

    @property
    def size(self) -> int:
        """How many different tokens there are."""
        return self.end + 1

    def rows(self, prompt: str) -> list[list[int]]:
        """Returns at least one row of 77 ids; a prompt of more than 75 tokens goes on in further rows."""
        chunks: list[list[int]] = [[]]
        for word in self._words(prompt):
            if len(word) < _UNCUT and len(chunks[-1]) + len(word) > CHUNK:
                chunks.append([])
            for token in word:
                if len(chunks[-1]) == CHUNK:
                    chunks.append([])
                chunks[-1].append(token)
        return [self._row(chunk) for chunk in chunks]

    def _words(self, prompt: str) -> Iterable[list[int]]:
        encoded = self._clip.backend_tokenizer.encode(prompt, add_special_tokens=False)
        word: list[int] = []
        for token, text in zip(encoded.ids, encoded.tokens, strict=True):
            word.append(token)
            if text.endswith(_END_OF_WORD):
                yield word
                word = []
        if word:
            yield word

    def _row(self, chunk: list[int]) -> list[int]:
        return [self.start, *chunk, self.end] + [self._padding] * (CHUNK - len(chunk))


@cache
def clip_merges() -> tuple[str, ...]:
    """Returns the 48,894 merges of CLIP itself, which are part of this package."""
    text = resources.files("generation.sdxl").joinpath("assets/clip/merges.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


def _byte_symbols() -> list[str]:
    """Lists one printable symbol per byte in CLIP's order: printable bytes first, then the others in turn."""
    return sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda symbol: (ord(symbol) >= 256, ord(symbol)))
