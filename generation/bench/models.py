"""What is measured with: a checkpoint, or random weights of SDXL's true size, or of a tiny one.

Speed does not depend on values, so a machine can be measured before a checkpoint was downloaded.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from generation.models.catalog import Catalog
from generation.prompt.tokenizer import Tokenizer, clip_merges
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import Placement
from generation.sdxl.model.fused_modules import fuse_modules
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import TextEncoders

RANDOM_SDXL, RANDOM_TINY = "random-sdxl", "random-tiny"
Widths = Mapping[str, Any]

_SDXL: Widths = {
    "unet": {"block_out_channels": (320, 640, 1280), "transformer_layers_per_block": [1, 2, 10],
             "attention_head_dim": [5, 10, 20]},
    "vae": {"block_out_channels": (128, 256, 512, 512)},
    "text": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
    "text_2": {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20},
}  # fmt: skip
_TINY: Widths = {
    "unet": {"block_out_channels": (32, 64, 64), "transformer_layers_per_block": [1, 1, 2],
             "attention_head_dim": [2, 4, 4]},
    "vae": {"block_out_channels": (16, 16, 32, 32), "norm_num_groups": 8},
    "text": {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2},
    "text_2": {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2},
}  # fmt: skip
_SPREAD = 0.02  # of the random weights


def open_model(name: str | None, models: Path, placement: Placement) -> Model:
    """Loads a model by its name, or makes one of random weights.

    Args:
        name: "random-sdxl", "random-tiny", or what EASEL_MODEL may be; None for what is painted with by default.
        models: The models folder.
        placement: Where it paints.

    Raises:
        ModelError: There is none of that name, or it cannot be loaded.
    """
    if name in {RANDOM_SDXL, RANDOM_TINY}:
        return random_model(_SDXL if name == RANDOM_SDXL else _TINY, placement)
    model = load(Catalog(models, name).default(), placement)
    fuse_modules(model.unet)
    fuse_modules(model.vae)
    return model


def random_model(widths: Widths, placement: Placement) -> Model:
    """Makes a model of random weights on its device, without a copy in main memory."""
    width, width_2 = widths["text"]["hidden_size"], widths["text_2"]["hidden_size"]
    unet = UNet2DConditionModel, {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": width + width_2,
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": width_2 + 6 * 256,
        **widths["unet"],
    }  # fmt: skip
    levels = len(widths["vae"]["block_out_channels"])
    vae = AutoencoderKL, {
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "layers_per_block": 2,
        "latent_channels": 4,
        "scaling_factor": 0.13025,
        **widths["vae"],
    }  # fmt: skip
    text: dict[str, Any] = {"bos_token_id": 49406, "eos_token_id": 49407, "vocab_size": 49408}
    encoder = CLIPTextModel, {"config": CLIPTextConfig(**text, **widths["text"], projection_dim=width)}
    encoder_2 = (
        CLIPTextModelWithProjection,
        {"config": CLIPTextConfig(**text, **widths["text_2"], projection_dim=width_2, hidden_act="gelu")},
    )
    made: list[Any] = [_fill(kind, config, placement) for kind, config in (unet, vae, encoder, encoder_2)]
    nn.Module.to(made[1], placement.vae_dtype)
    merges = clip_merges()
    encoders = TextEncoders(made[2], made[3], Tokenizer(merges), Tokenizer(merges, padding=0))
    fuse_modules(made[0])
    fuse_modules(made[1])
    return Model(made[0], made[1], encoders, placement)


def _fill(kind: Any, config: Mapping[str, Any], placement: Placement) -> nn.Module:
    with torch.device("meta"):
        module: nn.Module = kind(**config)
    module = nn.Module.to(module, placement.dtype)  # not diffusers' own, which warns of what is no trouble here
    module = module.to_empty(device=placement.device).requires_grad_(requires_grad=False).eval()
    for name, weight in module.named_parameters():
        if weight.ndim == 1:
            weight.fill_(float(name.endswith("weight")))  # norms leave values as they are, biases add nothing
        else:
            weight.normal_(std=_SPREAD)
    for name, buffer in module.named_buffers():
        if name.endswith("position_ids"):
            buffer.copy_(torch.arange(buffer.shape[-1]))
    return module
