"""How many tokens a prompt takes; off the event loop, and never on the device's thread."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from generation.models.auxiliary import AuxiliaryFiles, count_vectors
from generation.models.catalog import ModelEntry
from generation.models.safetensors_header import Kind, read_header
from generation.prompt.parser import Dialect, parse
from generation.typed_text import TypedText


@dataclass(frozen=True, slots=True)
class TokenCount:
    """What a prompt takes of one text encoder.

    Attributes:
        encoder: Its name.
        used: Tokens, without those that begin and end a row.
        rows: Rows of 75 that the prompt goes over.
    """

    encoder: str
    used: int
    rows: int


class TokenCounter:
    """Counts with the vocabulary of the model that will paint. Touches the disk.

    Args:
        extras: Where textual inversion embeddings are looked up.
    """

    def __init__(self, extras: AuxiliaryFiles) -> None:
        self._extras = extras

    def count(self, prompt: TypedText | str, dialect: Dialect, model: ModelEntry) -> tuple[TokenCount, ...]:
        """Counts a prompt's tokens for both encoders.

        Raises:
            GenerationError: The prompt is malformed or names an unknown embedding, or a file cannot be read.
        """
        from generation.prompt.tokenizer import Tokenizer, clip_tokenizers  # noqa: PLC0415 - 4 MiB, for dry runs alone

        merges = _merges(model.source)
        both = clip_tokenizers() if merges is None else (Tokenizer(merges), Tokenizer(merges, padding=0))
        chunks = parse(prompt, dialect).chunks
        by_name = cache(self._vectors)  # each look-up walks the models folder

        def vectors(embedding: str) -> int:
            return by_name(embedding.lower())

        return tuple(
            TokenCount(
                name,
                sum(tokenizer.used(chunk, vectors) for chunk in chunks),
                sum(len(tokenizer.rows(chunk, vectors)) for chunk in chunks),
            )
            for name, tokenizer in zip(("CLIP-L", "bigG"), both, strict=True)
        )

    def _vectors(self, embedding: str) -> int:
        """Says how many vectors an embedding has, the same for both encoders."""
        return count_vectors(read_header(self._extras.find(Kind.EMBEDDING, embedding)))


def _merges(source: Path | str) -> tuple[str, ...] | None:
    """Returns the vocabulary that a single file brings; None for CLIP's own."""
    if isinstance(source, str) or source.is_dir():
        return None
    merges = read_header(source).config.get("tokenizer", {}).get("merges")
    return None if merges is None else tuple(merges)
