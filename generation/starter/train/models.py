"""The four small models and what the checkpoint says of them in `easel.config`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from generation.sdxl.model.layout import Component
from generation.starter.train.compose import SIZE

PREDICTION = "v_prediction"
SYMBOLS = 514  # the 256 bytes, the 256 bytes that end a word, start and end; the merges come on top


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the models are; the defaults make 11 M parameters, 22 MB in half precision."""

    unet: tuple[int, int, int] = (64, 96, 160)
    unet_heads: tuple[int, int, int] = (1, 3, 5)
    unet_depth: tuple[int, int, int] = (1, 1, 1)
    unet_groups: int = 16
    vae: tuple[int, int, int, int] = (16, 32, 64, 96)
    vae_groups: int = 2
    vae_layers: int = 1
    text: tuple[int, int] = (64, 96)
    text_heads: tuple[int, int] = (2, 3)
    text_layers: tuple[int, int] = (2, 3)


@dataclass(slots=True)
class Models:
    """The models in training, and the numbers that go with them.

    Attributes:
        merges: The tokenizer's merges.
        scaling_factor: What latents are multiplied with, at first so that their standard deviation is 1.
        native_size: Side in pixels of the square pictures that they are trained on.
    """

    shape: Shape
    merges: tuple[str, ...]
    vae: Any
    unet: Any
    text: Any
    text_2: Any
    scaling_factor: float = 1.0
    native_size: int = SIZE
    notes: dict[str, Any] = field(default_factory=dict)

    def parts(self) -> dict[Component, Any]:
        """Names the models as the checkpoint's layout does."""
        return {"unet": self.unet, "vae": self.vae, "text_encoder": self.text, "text_encoder_2": self.text_2}

    def config(self) -> dict[str, Any]:
        """Returns what the checkpoint keeps under `easel.config`."""
        return {
            "format": 1,
            "native_size": self.native_size,
            "prediction": PREDICTION,
            "unet": {"attention_head_dim": list(self.shape.unet_heads), "norm_num_groups": self.shape.unet_groups},
            "vae": {"norm_num_groups": self.shape.vae_groups, "scaling_factor": self.scaling_factor},
            "text_encoder": {"num_attention_heads": self.shape.text_heads[0]},
            "text_encoder_2": {"num_attention_heads": self.shape.text_heads[1]},
            "tokenizer": {"merges": list(self.merges)},
            "training": self.notes,
        }


def build(shape: Shape, merges: tuple[str, ...], seed: int = 0) -> Models:
    """Makes the models with random weights, always the same ones for a seed."""
    torch.manual_seed(seed)
    text: Any = CLIPTextModel(_text(shape, merges, 0))
    text_2: Any = CLIPTextModelWithProjection(_text(shape, merges, 1))
    for encoder in (text, text_2):
        # CLIP's own 0.02 is too little here: each word is seen rarely, and the UNet must tell words apart early
        nn.init.normal_(encoder.get_input_embeddings().weight, std=0.4)
    return Models(shape, merges, vae=_vae(shape), unet=_unet(shape), text=text, text_2=text_2)


def parameters(modules: Iterable[nn.Module]) -> int:
    """Counts the parameters of some models."""
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def shape_of(parts: Mapping[Component, Any]) -> Shape:
    """Reads the sizes off loaded models, so that an exported checkpoint can be trained further."""
    unet, vae = parts["unet"].config, parts["vae"].config
    text, text_2 = parts["text_encoder"].config, parts["text_encoder_2"].config
    return Shape(
        unet=tuple(unet["block_out_channels"]),
        unet_heads=tuple(unet["attention_head_dim"]),
        unet_depth=tuple(unet["transformer_layers_per_block"]),
        unet_groups=unet["norm_num_groups"],
        vae=tuple(vae["block_out_channels"]),
        vae_groups=vae["norm_num_groups"],
        vae_layers=vae["layers_per_block"],
        text=(text.hidden_size, text_2.hidden_size),
        text_heads=(text.num_attention_heads, text_2.num_attention_heads),
        text_layers=(text.num_hidden_layers, text_2.num_hidden_layers),
    )


def _unet(shape: Shape) -> Any:
    return UNet2DConditionModel(
        sample_size=SIZE // 8,
        block_out_channels=shape.unet,
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=list(shape.unet_depth),
        attention_head_dim=list(shape.unet_heads),
        norm_num_groups=shape.unet_groups,
        cross_attention_dim=sum(shape.text),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=shape.text[1] + 6 * 256,
    )


def _vae(shape: Shape) -> Any:
    return AutoencoderKL(
        block_out_channels=shape.vae,
        down_block_types=["DownEncoderBlock2D"] * len(shape.vae),
        up_block_types=["UpDecoderBlock2D"] * len(shape.vae),
        layers_per_block=shape.vae_layers,
        latent_channels=4,
        norm_num_groups=shape.vae_groups,
        sample_size=SIZE,
    )


def _text(shape: Shape, merges: tuple[str, ...], number: int) -> CLIPTextConfig:
    tokens, width = SYMBOLS + len(merges), shape.text[number]
    return CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=shape.text_layers[number],
        num_attention_heads=shape.text_heads[number],
        projection_dim=width,
        hidden_act=("quick_gelu", "gelu")[number],
        bos_token_id=tokens - 2,
        eos_token_id=tokens - 1,
        pad_token_id=(tokens - 1, 0)[number],
    )
