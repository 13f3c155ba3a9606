"""The UNet and the VAE without detours: direct attention, and one layout of memory from end to end.

diffusers looks up a processor and inspects its signature at every call of every attention, 140 times a UNet call of
SDXL's. Where nothing but plain attention is asked for, the same few operations in the same order give the same numbers.

Convolutions are fastest with channels last. On a card torch's own group normalisation knows only channels first: each
copies its input, and the convolution behind it copies back. On an H100 that was a twelfth of a UNet call's time at
1024x1024 and half of a picture's decoding. diffusers' transformers lay their answers out channels first: so would
everything be up to the next convolution, and whatever meets both layouts at once is slow.
"""

from typing import Any

import torch
from diffusers import AutoencoderKL, Transformer2DModel, UNet2DConditionModel
from diffusers.models.activations import GEGLU
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn
from torch.nn import functional


class ChannelsLastNorm(nn.GroupNorm):
    """Group normalisation that leaves channels last where they are last, on a card."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalises (rows, channels, h, w)."""
        last = input.ndim == 4 and input.is_contiguous(memory_format=torch.channels_last)
        if input.device.type != "cuda" or not last:
            return super().forward(input)
        return group_norm_last(input, self.num_groups, self.weight, self.bias, self.eps)


def group_norm_last(pixels: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Normalises groups of channels that lie last in memory (Wu & He 2018, arXiv 1803.08494, eq. 1 to 6).

    Args:
        pixels: (rows, channels, h, w), channels last.
        groups: How many groups of channels have a mean and a variance of their own.
        weight: What channels are scaled by afterwards, (channels,).
        bias: What is added to them then, (channels,).
        eps: Added to the variance.

    Returns:
        The same shape and layout. Everything between is kept in float32, as torch's own does it.
    """
    rows, channels, height, width = pixels.shape
    flat = pixels.permute(0, 2, 3, 1).reshape(rows, height * width, channels)
    members = channels // groups * height * width

    def by_group(sums: Tensor) -> Tensor:
        return sums.view(rows, groups, -1).sum(-1, keepdim=True) / members

    mean = by_group(flat.sum(1, dtype=torch.float32))
    squares = by_group(torch.linalg.vector_norm(flat, dim=1, dtype=torch.float32).square())
    deviation = ((squares - mean.square()).clamp(min=0) + eps).sqrt()
    scale = weight.float().view(1, groups, -1) / deviation
    shift = bias.float().view(1, groups, -1) - mean * scale
    scale, shift = (each.view(rows, 1, channels) for each in (scale, shift))
    normal = torch.addcmul(shift, flat, scale, out=torch.empty_like(flat))
    return normal.view(rows, height, width, channels).permute(0, 3, 1, 2)


class PlainAttention(Attention):  # type: ignore[misc]  # diffusers is not typed
    """Attention with queries, keys and values and nothing else, computed where it is called.

    A class of its own rather than another `forward` for each: what torch compiles for one then serves all of them.
    """

    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_ignored: object,
    ) -> Tensor:
        """Attends from (rows, tokens, width) to itself or to the prompt; returns the same shape."""
        context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            project(source).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for project, source in ((self.to_q, hidden_states), (self.to_k, context), (self.to_v, context))
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask)
        mixed: Tensor = self.to_out[0](attended.transpose(1, 2).flatten(2))
        return mixed


class ChannelsLastTransformer(Transformer2DModel):  # type: ignore[misc]
    """Attention blocks over an image that leave its channels last, as they work on them."""

    def _get_output_for_continuous_inputs(
        self, hidden_states: Tensor, residual: Tensor, batch_size: int, height: int, width: int, inner_dim: int
    ) -> Tensor:
        def as_image(tokens: Tensor) -> Tensor:
            return tokens.view(batch_size, height, width, inner_dim).permute(0, 3, 1, 2)

        if self.use_linear_projection:
            return as_image(self.proj_out(hidden_states)) + residual
        projected: Tensor = self.proj_out(as_image(hidden_states))
        return projected + residual


class HalvedLinear(nn.Linear):
    """A projection whose answer comes in two halves; on a card each lies in memory of its own."""

    def forward(self, input: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Projects (..., width) to two halves of what comes out, (..., half)."""
        if input.device.type != "cuda" or torch.compiler.is_compiling():
            first, second = super().forward(input).chunk(2, dim=-1)
            return first, second
        return self.apart(input)

    def apart(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Projects to each half by itself: the same products in the same order."""
        halves = zip(self.weight.chunk(2), self.bias.chunk(2), strict=True)
        first, second = (functional.linear(input, weight, bias) for weight, bias in halves)
        return first, second


class HalvedGEGLU(GEGLU):  # type: ignore[misc]
    """GEGLU (Shazeer 2020, arXiv 2002.05202) whose halves need not be stripes of one tensor.

    torch's own kernels read stripes at half the speed of a card's memory; compiled ones do not mind them.
    """

    def forward(self, hidden_states: Tensor) -> Tensor:
        """Takes (..., width) to (..., inner width)."""
        hidden, gate = self.proj(hidden_states)
        gated: Tensor = hidden * functional.gelu(gate)
        return gated


def fuse_modules(model: UNet2DConditionModel | AutoencoderKL) -> None:
    """Takes the detours out of a UNet or a VAE, and lays its weights out channels last."""
    nn.Module.to(model, memory_format=torch.channels_last)  # type: ignore[call-overload]  # it takes it alone as well
    for module in model.modules():
        if type(module) is Attention and _is_plain(module):
            module.__class__ = PlainAttention
        elif type(module) is nn.GroupNorm and module.affine:
            module.__class__ = ChannelsLastNorm
        elif type(module) is Transformer2DModel and module.is_input_continuous:
            module.__class__ = ChannelsLastTransformer
        elif type(module) is GEGLU and module.proj.bias is not None:
            module.__class__, module.proj.__class__ = HalvedGEGLU, HalvedLinear


def _is_plain(attention: Any) -> bool:
    """Whether queries, keys and values are all there is: no norms, no residual, no scaling, no extra heads."""
    norms = (attention.group_norm, attention.spatial_norm, attention.norm_q, attention.norm_k, attention.norm_cross)
    return (
        not any(norms)
        and isinstance(attention.processor, AttnProcessor2_0)
        and not attention.residual_connection
        and attention.rescale_output_factor == 1
    )
