"""Prompts become what the UNet listens to: both CLIP encoders, long prompts in rows of 77, weights, embeddings."""

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from cachetools import LRUCache
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from generation.errors import InvalidRequestError, ModelError
from generation.limits import check_rows
from generation.prompt.parser import Dialect, complaint, parse, weigh
from generation.prompt.tokenizer import ROW, Row, Tokenizer, clip_tokenizers

Vectors = Mapping[str, Tensor]
FindEmbedding = Callable[[str], Vectors]
Which = Literal["clip_l", "clip_g"]

REMEMBERED = 64  # prompts; a row of SDXL's takes 0.3 MB in half precision
REMEMBERED_ROWS = 160  # of all of them
MOST_REPEATED = 4  # times as long as the shortest, up to which prompts are repeated to share a UNet call
FIELDS = ("prompt", "negative")


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the UNet is told for one or more rows.

    Attributes:
        hidden: Hidden states of the encoders side by side, (rows, 77 times chunks, width).
        pooled: The second encoder's projected summary of the first chunk, (rows, projection width).
    """

    hidden: Tensor
    pooled: Tensor

    @property
    def length(self) -> int:
        """How many tokens it has."""
        return self.hidden.shape[1]


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How prompts are read.

    Attributes:
        weights: Whose brackets they have, and how their weights are applied.
        clip_skip: Which layer is listened to, counted from the end; 2 is the last but one.
    """

    weights: Dialect = "comfyui"
    clip_skip: int = 2


SDXL_STYLE = TextStyle()


def no_embedding(name: str) -> Vectors:
    """Knows no textual inversion embedding."""
    raise ModelError(f"There is no embedding named {name!r}.")


def tokenize(prompt: str) -> dict[str, list[list[tuple[int, float]]]]:
    """Tokenises a prompt as ComfyUI does, with CLIP's own vocabulary: brackets count, all else is plain text.

    Returns:
        Rows of 77 pairs (token id, weight) for the encoders "l" and "g".
    """
    pieces = weigh(prompt)
    return {
        name: [[(token.id, token.weight) for token in row] for row in tokenizer.rows(pieces)]
        for name, tokenizer in zip("lg", clip_tokenizers(), strict=True)
    }


@dataclass(slots=True)
class TextEncoders:
    """SDXL's two text encoders, CLIP-L and OpenCLIP bigG, each with its tokenizer.

    Attributes:
        encoder: CLIP-L; None for a refiner, which listens to bigG alone.
        find_embedding: Gives the vectors of a textual inversion embedding for "clip_l" and "clip_g", each
            (count, width), by its name; raises ModelError if there is none.
        weights: Names the encoders' present weights; whoever changes them, as LoRAs do, changes this too.
    """

    encoder: CLIPTextModel | None
    encoder_2: CLIPTextModelWithProjection
    tokenizer: Tokenizer
    tokenizer_2: Tokenizer
    find_embedding: FindEmbedding = field(default=no_embedding)
    weights: Hashable = None
    _known: LRUCache[tuple[str, TextStyle, Hashable], Conditioning] = field(
        default_factory=lambda: LRUCache(REMEMBERED_ROWS, getsizeof=_rows)
    )

    def forget(self) -> None:
        """Forgets the prompts of before."""
        self._known.clear()

    @property
    def modules(self) -> tuple[Any, ...]:
        """The encoders there are."""
        return (self.encoder_2,) if self.encoder is None else (self.encoder, self.encoder_2)

    def encode(self, prompts: Sequence[str], style: TextStyle = SDXL_STYLE) -> list[Conditioning]:
        """Encodes the prompt of a picture and its negative prompt, so that they can share a UNet call if possible.

        Where their lengths differ, `weights=a1111` appends rows of the empty prompt to the shorter one, as A1111 does
        by its option "Pad prompt/negative prompt". Else both are repeated to their least common multiple, but only
        while that is at most 4 times the shorter one, as in ComfyUI (`CONDCrossAttn.can_concat`). Beyond that their
        lengths stay different and they need UNet calls of their own. Attention to repeated tokens is attention to the
        tokens, so both ways paint the same picture.

        Args:
            prompts: The prompt and, where guidance uses it, the negative prompt.
            style: How they are read.

        Raises:
            InvalidRequestError: A prompt is malformed, takes too many rows, names an unknown embedding, or the encoders
                have no such layer.
        """
        encoded = [self._recall_or_encode(prompt, style, field) for field, prompt in zip(FIELDS, prompts, strict=False)]
        if style.weights == "a1111":
            return self._padded(encoded, style)
        return _repeated(encoded)

    def _padded(self, encoded: Sequence[Conditioning], style: TextStyle) -> list[Conditioning]:
        """Appends rows of the empty prompt to what is shorter than the longest."""
        longest = max(each.length for each in encoded)
        if all(each.length == longest for each in encoded):
            return list(encoded)
        empty = self._recall_or_encode("", style).hidden
        padding = [empty.repeat(1, (longest - each.length) // empty.shape[1], 1) for each in encoded]
        return [
            Conditioning(torch.cat([each.hidden, rows], dim=1), each.pooled)
            for each, rows in zip(encoded, padding, strict=True)
        ]

    def _recall_or_encode(self, prompt: str, style: TextStyle, field: str = "prompt") -> Conditioning:
        """Encodes a prompt, or takes it from before: negative prompts and variations come again and again."""
        key = (prompt, style, self.weights)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._encode_one(prompt, style, field)
        if len(self._known) > REMEMBERED:
            self._known.popitem()
        return known

    def _encode_one(self, prompt: str, style: TextStyle, field: str) -> Conditioning:
        chunks = parse(prompt, style.weights).chunks

        def count(name: str) -> int:
            try:
                return self._count_vectors(name)
            except ModelError as error:
                raise complaint(prompt, prompt.find(f"embedding:{name}"), str(error)) from error

        rows_2 = [row for chunk in chunks for row in self.tokenizer_2.rows(chunk, count)]
        check_rows(field, len(rows_2))
        heard, pooled = self._weighted(self.encoder_2, "clip_g", rows_2, style)
        if self.encoder is not None:
            rows = [row for chunk in chunks for row in self.tokenizer.rows(chunk, count)]
            hidden, _ = self._weighted(self.encoder, "clip_l", rows, style)
            heard = torch.cat([hidden, heard], dim=-1)
        return Conditioning(heard.reshape(1, -1, heard.shape[-1]), pooled)

    def _count_vectors(self, embedding: str) -> int:
        vectors = self.find_embedding(embedding)
        for encoder, which in ((self.encoder, "clip_l"), (self.encoder_2, "clip_g")):
            if encoder is not None and vectors[which].shape[-1] != encoder.config.hidden_size:
                raise ModelError(f"The embedding {embedding!r} has vectors of another width than this model's words.")
        return len(vectors["clip_l"])

    def _weighted(self, encoder: Any, which: Which, rows: list[Row], style: TextStyle) -> tuple[Tensor, Tensor]:
        """Returns hidden states with their weights applied, (rows, 77, width), and the first row's summary."""
        hidden, pooled = self._run(encoder, which, rows, style.clip_skip)
        weights = torch.tensor([[token.weight for token in row] for row in rows]).to(hidden).unsqueeze(-1)
        if bool((weights == 1).all()):
            return hidden, pooled
        if style.weights == "a1111":
            louder = hidden * weights
            means = hidden.mean(dim=(1, 2), keepdim=True) / louder.mean(dim=(1, 2), keepdim=True)
            return louder * means, pooled
        tokenizer = self.tokenizer if which == "clip_l" else self.tokenizer_2
        empty, _ = self._run(encoder, which, tokenizer.rows([]), style.clip_skip)
        return (hidden - empty) * weights + empty, pooled

    def _run(self, encoder: Any, which: Which, rows: list[Row], clip_skip: int) -> tuple[Tensor, Tensor]:
        layers = encoder.config.num_hidden_layers
        if clip_skip > layers:
            message = f"clip_skip is {clip_skip}, but this model's text encoder has only {layers} layers."
            raise InvalidRequestError("clip_skip", message)
        ids = torch.tensor([[token.id for token in row] for row in rows], device=encoder.device)
        with self._vectors_in_place(encoder, which, rows):
            answer = encoder(ids, output_hidden_states=True)
        pooled = answer.text_embeds if which == "clip_g" else answer.pooler_output
        return answer.hidden_states[-clip_skip], pooled[:1]

    @contextmanager
    def _vectors_in_place(self, encoder: Any, which: Which, rows: list[Row]) -> Iterator[None]:
        """Puts the vectors of embeddings where their tokens stand, while the encoder looks its tokens up."""
        places = [
            (row, column, token.vector)
            for row, tokens in enumerate(rows)
            for column, token in enumerate(tokens)
            if token.vector is not None
        ]

        def replace(_module: object, _inputs: object, looked_up: Tensor) -> Tensor:
            found = looked_up.clone()
            for row, column, (name, number) in places:
                found[row, column] = self.find_embedding(name)[which][number].to(found)
            return found

        hook = encoder.get_input_embeddings().register_forward_hook(replace) if places else None
        try:
            yield
        finally:
            if hook is not None:
                hook.remove()


def _rows(conditioning: Conditioning) -> int:
    return conditioning.length // ROW


def _repeated(encoded: Sequence[Conditioning]) -> list[Conditioning]:
    """Repeats prompts to their least common multiple, unless that is far longer than the shortest."""
    lengths = [each.length for each in encoded]
    common = math.lcm(*lengths)
    if common > MOST_REPEATED * min(lengths):
        return list(encoded)
    return [Conditioning(each.hidden.repeat(1, common // each.length, 1), each.pooled) for each in encoded]
