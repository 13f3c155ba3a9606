"""CLIP's byte-pair encoding, made from its list of merges alone (OpenAI, "simple_tokenizer.py", 2021)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import tokenizers
from tokenizers import AddedToken, Regex, models, normalizers, pre_tokenizers

from generation.errors import ModelError
from generation.prompt.parser import CHUNK, EMBEDDING, Piece
from generation.visible import shortened

ROW = 77
START, END = "<|startoftext|>", "<|endoftext|>"
_UNCUT = 8  # a piece of fewer tokens is never cut across two rows
_END_OF_WORD = "</w>"
_WORD = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@dataclass(frozen=True, slots=True)
class Token:
    """One position of a row.

    Attributes:
        id: Its number in the vocabulary; where a vector takes its place, that of a word without meaning.
        weight: Its emphasis.
        vector: The name of the textual inversion embedding it belongs to, and which of its vectors it is.
    """

    id: int
    weight: float = 1.0
    vector: tuple[str, int] | None = None


Row = list[Token]
CountVectors = Callable[[str], int]


def no_embeddings(_name: str) -> int:
    """Knows no textual inversion embedding: `embedding:name` is plain text."""
    return 0


class Tokenizer:
    """Turns prompts into rows of 77 tokens for one encoder.

    Args:
        merges: CLIP's merges in their order, each "left right"; the vocabulary follows from them:
            the 256 bytes, the 256 bytes that end a word, one token per merge, start, end.
        padding: The id that fills a row up after its end token; None for the end token itself.

    Raises:
        ModelError: A merge is no pair, or of symbols that do not exist.
    """

    def __init__(self, merges: Sequence[str], padding: int | None = None) -> None:
        pairs = [tuple(merge.split()) for merge in merges]
        symbols = _byte_symbols()
        words = [*symbols, *(symbol + _END_OF_WORD for symbol in symbols), *("".join(pair) for pair in pairs)]
        vocabulary = {word: number for number, word in enumerate([*words, START, END])}
        for pair in pairs:
            if len(pair) != 2 or not all(part in vocabulary for part in pair):
                raise ModelError(f"The model's vocabulary is damaged: it cannot merge {shortened(' '.join(pair), 40)}.")
        self.vocabulary = vocabulary
        self._clip = _clip_encoding(vocabulary, [(left, right) for left, right in pairs])
        self.start = vocabulary[START]
        self.end = vocabulary[END]
        self._padding = self.end if padding is None else padding

    @property
    def size(self) -> int:
        """How many different tokens there are."""
        return self.end + 1

    def rows(self, pieces: Sequence[Piece], vectors: CountVectors = no_embeddings) -> list[Row]:
        """Tokenises one chunk of a prompt.

        Every piece is tokenised on its own; one of fewer than 8 tokens is never cut across two rows.

        Args:
            pieces: What the prompt's parser found.
            vectors: Says how many vectors the embedding of a name has, 0 if there is none.

        Returns:
            At least one row of 77 tokens; more than 75 go on in further rows.
        """
        chunks: list[Row] = [[]]
        for group in self._groups(pieces, vectors):
            tokens = group
            if len(tokens) < _UNCUT and len(chunks[-1]) + len(tokens) > CHUNK:
                chunks.append([])
            while len(chunks[-1]) + len(tokens) > CHUNK:
                room = CHUNK - len(chunks[-1])
                chunks[-1] += tokens[:room]
                tokens = tokens[room:]
                chunks.append([])
            chunks[-1] += tokens
        return [self._row(chunk) for chunk in chunks]

    def used(self, pieces: Sequence[Piece], vectors: CountVectors = no_embeddings) -> int:
        """Counts the tokens of one chunk of a prompt, without those that begin, end and fill up its rows."""
        return sum(len(group) for group in self._groups(pieces, vectors))

    def ids(self, text: str) -> list[int]:
        """Encodes plain text, without the tokens that begin and end a row."""
        return self._clip.encode(text, add_special_tokens=False).ids

    def _groups(self, pieces: Iterable[Piece], vectors: CountVectors) -> Iterator[Row]:
        for piece in pieces:
            done = 0
            for match in EMBEDDING.finditer(piece.text):
                count = vectors(match[1])
                if count:
                    yield self._words(piece.text[done : match.start()], piece.weight)
                    yield [Token(0, piece.weight, (match[1], number)) for number in range(count)]
                    done = match.end()
            yield self._words(piece.text[done:], piece.weight)

    def _words(self, text: str, weight: float) -> Row:
        return [Token(number, weight) for number in self.ids(text)]

    def _row(self, chunk: Row) -> Row:
        return [Token(self.start), *chunk, Token(self.end), *[Token(self._padding)] * (CHUNK - len(chunk))]


@cache
def clip_merges() -> tuple[str, ...]:
    """Returns the 48,894 merges of CLIP itself, which are part of this package."""
    text = resources.files("generation").joinpath("assets/clip/merges.txt").read_text(encoding="utf-8")
    return tuple(text.splitlines())


@cache
def clip_tokenizers() -> tuple[Tokenizer, Tokenizer]:
    """Returns the tokenizers of SDXL's two encoders, CLIP-L and bigG, with CLIP's own vocabulary."""
    return Tokenizer(clip_merges()), Tokenizer(clip_merges(), padding=0)


def _clip_encoding(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    """Builds what transformers builds for CLIP (`CLIPTokenizer`), without loading transformers and torch."""
    model = models.BPE(vocabulary, merges, unk_token=END, continuing_subword_prefix="", end_of_word_suffix=_END_OF_WORD)
    encoding = tokenizers.Tokenizer(model)
    encoding.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    encoding.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    encoding.add_special_tokens([AddedToken(word, normalized=False, special=True) for word in (START, END)])
    return encoding


def _byte_symbols() -> list[str]:
    """Lists one printable symbol per byte in CLIP's order: printable bytes first, then the others in turn."""
    return sorted(pre_tokenizers.ByteLevel.alphabet(), key=lambda symbol: (ord(symbol) >= 256, ord(symbol)))
