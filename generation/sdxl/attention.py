"""The UNet without detours: direct attention, and weights laid out as convolutions read them.

diffusers looks up a processor and inspects its signature at every call of every attention, 140 times a UNet call of
SDXL's. Where nothing but plain attention is asked for, the same few operations in the same order give the same numbers.
"""

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import Tensor, nn
from torch.nn import functional


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


def streamline(unet: UNet2DConditionModel) -> None:
    """Lets every plain attention of a UNet compute directly, and lays its weights out channels last."""
    nn.Module.to(unet, memory_format=torch.channels_last)  # type: ignore[call-overload]  # it takes it alone as well
    for module in unet.modules():
        if type(module) is Attention and _is_plain(module):
            module.__class__ = PlainAttention


def _is_plain(attention: Any) -> bool:
    """Whether queries, keys and values are all there is: no norms, no residual, no scaling, no extra heads."""
    norms = (attention.group_norm, attention.spatial_norm, attention.norm_q, attention.norm_k, attention.norm_cross)
    return (
        not any(norms)
        and isinstance(attention.processor, AttnProcessor2_0)
        and not attention.residual_connection
        and attention.rescale_output_factor == 1
    )
