"""Prompts become what the UNet listens to: both CLIP encoders, long prompts in rows of 77."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from generation.sdxl.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What the UNet is told for one or more rows.

    Attributes:
        hidden: Penultimate hidden states of both encoders side by side, (rows, 77 times chunks, width).
        pooled: The second encoder's projected summary of the first chunk, (rows, projection width).
    """

    hidden: Tensor
    pooled: Tensor


@dataclass(slots=True)
class TextEncoders:
    """SDXL's two text encoders, CLIP-L and OpenCLIP bigG, each with its tokenizer."""

    encoder: CLIPTextModel
    encoder_2: CLIPTextModelWithProjection
    tokenizer: Tokenizer
    tokenizer_2: Tokenizer

    def to(self, device: torch.device | str) -> None:
        """Moves both encoders."""
        self.encoder.to(device)  # type: ignore[arg-type]  # transformers' own annotation lost nn.Module's
        self.encoder_2.to(device)  # type: ignore[arg-type]

    def encode(self, prompts: Sequence[str]) -> list[Conditioning]:
        """Encodes prompts so that they can share a UNet call: all with the same number of tokens.

        Shorter ones are repeated up to the least common multiple of all lengths, as ComfyUI does it.
        """
        encoded = [self._encode_one(prompt) for prompt in prompts]
        length = math.lcm(*(each.hidden.shape[1] for each in encoded))
        return [Conditioning(each.hidden.repeat(1, length // each.hidden.shape[1], 1), each.pooled) for each in encoded]

    def _encode_one(self, prompt: str) -> Conditioning:
        rows, rows_2 = self.tokenizer.rows(prompt), self.tokenizer_2.rows(prompt)
        device = self.encoder.device
        first = self.encoder(torch.tensor(rows, device=device), output_hidden_states=True)
        second = self.encoder_2(torch.tensor(rows_2, device=device), output_hidden_states=True)
        hidden = torch.cat([first.hidden_states[-2], second.hidden_states[-2]], dim=-1)
        return Conditioning(hidden.reshape(1, -1, hidden.shape[-1]), second.text_embeds[:1])
