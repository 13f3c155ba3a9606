"""A checkpoint's architecture, read from the shapes of its tensors.

What shapes cannot tell (attention heads, normalisation groups, scaling factor) has SDXL's values unless the
checkpoint says otherwise in `easel.config`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.errors import ModelError
from generation.models.safetensors_header import Header, Kind, recognise
from generation.sdxl.model.layout import PREFIXES, REFINER_PREFIXES, Component, Prefixes

CHANNELS_PER_HEAD = 64
MOST_LAYERS = 256  # of a kind; bigG has 32
Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Architecture:
    """The models' configurations, as diffusers and transformers take them, and the tokenizer's merges.

    Attributes:
        text_encoder: None for a refiner, which listens to the second one alone.
        prefixes: Where in the file each of them lies.
    """

    unet: Config
    vae: Config
    text_encoder: Config | None
    text_encoder_2: Config
    merges: tuple[str, ...] | None = None
    prefixes: Prefixes = field(default_factory=lambda: PREFIXES)


def infer(header: Header) -> Architecture:
    """Reads the architecture of a single-file SDXL checkpoint or refiner.

    Raises:
        ModelError: Tensors that every SDXL has are missing, or `easel.config` is wrong.
    """
    said = header.config
    prefixes = REFINER_PREFIXES if recognise(header) is Kind.SDXL_REFINER else PREFIXES

    def part(component: Component, read: Callable[[Shapes], Config]) -> Config:
        prefix = prefixes[component]
        shapes = {key.removeprefix(prefix): shape for key, shape in header.shapes.items() if key.startswith(prefix)}
        config = read(shapes) | _said(said, component)
        _check_heads(config)
        return config

    try:
        return Architecture(
            unet=part("unet", _unet),
            vae=part("vae", _vae),
            text_encoder=part("text_encoder", _clip_l) if "text_encoder" in prefixes else None,
            text_encoder_2=part("text_encoder_2", _open_clip),
            merges=_merges(said),
            prefixes=prefixes,
        )
    except KeyError as error:
        raise ModelError(f"{header.path.name} is not a complete SDXL checkpoint: {error} is missing in it.") from error
    except (ValueError, IndexError) as error:
        raise ModelError(f"{header.path.name} is no SDXL checkpoint: its tensors have impossible shapes.") from error


def _said(config: Config, section: str) -> Config:
    return dict(config.get(section, {}))


def _check_heads(config: Config) -> None:
    """Refuses heads that do not share a block's width evenly; the libraries find out only while they paint."""
    heads, widths = config.get("attention_head_dim"), config.get("block_out_channels", [])
    heads = [heads] * len(widths) if isinstance(heads, int) else heads or []
    if len(heads) not in {0, len(widths)} or any(width % head for width, head in zip(widths, heads, strict=False)):
        raise ValueError("heads")


def _merges(config: Config) -> tuple[str, ...] | None:
    merges = _said(config, "tokenizer").get("merges")
    return None if merges is None else tuple(merges)


def _count(shapes: Shapes, pattern: str) -> int:
    """Counts the different numbers that the pattern's group takes among the keys."""
    count = len({match[1] for key in shapes if (match := re.match(pattern, key))})
    if count > MOST_LAYERS:
        raise ValueError(f"{count} layers")
    return count


def _unet(shapes: Shapes) -> Config:
    downsamplers = sorted(int(m[1]) for key in shapes if (m := re.match(r"input_blocks\.(\d+)\.0\.op\.weight", key)))
    layers = downsamplers[0] - 1 if downsamplers else _count(shapes, r"input_blocks\.(\d+)\.0\.in_layers")
    firsts = [1 + block * (layers + 1) for block in range(len(downsamplers) + 1)]
    widths = [shapes[f"input_blocks.{first}.0.out_layers.3.weight"][0] for first in firsts]
    depths = [_count(shapes, rf"input_blocks\.{first}\.1\.transformer_blocks\.(\d+)\.") for first in firsts]
    attends = [depth > 0 for depth in depths]
    depths[-1] = _count(shapes, r"middle_block\.1\.transformer_blocks\.(\d+)\.")  # diffusers takes it from there
    return {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "block_out_channels": widths,
        "layers_per_block": layers,
        "down_block_types": ["CrossAttnDownBlock2D" if attend else "DownBlock2D" for attend in attends],
        "up_block_types": ["CrossAttnUpBlock2D" if attend else "UpBlock2D" for attend in reversed(attends)],
        "transformer_layers_per_block": [max(depth, 1) for depth in depths],
        "attention_head_dim": [max(width // CHANNELS_PER_HEAD, 1) for width in widths],  # diffusers means heads
        "cross_attention_dim": _cross_attention_width(shapes),
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": shapes["label_emb.0.0.weight"][1],
    }


def _cross_attention_width(shapes: Shapes) -> int:
    for key, shape in shapes.items():
        if key.endswith("attn2.to_k.weight"):
            return shape[1]
    raise KeyError("cross attention")


def _vae(shapes: Shapes) -> Config:
    levels = _count(shapes, r"encoder\.down\.(\d+)\.")
    if not levels:
        raise KeyError("encoder.down.0.block.0.conv1.weight")
    widths = [shapes[f"encoder.down.{level}.block.0.conv1.weight"][0] for level in range(levels)]
    return {
        "in_channels": 3,
        "out_channels": 3,
        "latent_channels": shapes["post_quant_conv.weight"][1],
        "block_out_channels": widths,
        "layers_per_block": _count(shapes, r"encoder\.down\.0\.block\.(\d+)\."),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "scaling_factor": 0.13025,
        "sample_size": 1024,
    }


def _clip_l(shapes: Shapes) -> Config:
    tokens, width = shapes["embeddings.token_embedding.weight"]
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": _count(shapes, r"encoder\.layers\.(\d+)\."),
        "num_attention_heads": max(width // CHANNELS_PER_HEAD, 1),
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
        "hidden_act": "quick_gelu",
        "projection_dim": width,
        "bos_token_id": tokens - 2,
        "eos_token_id": tokens - 1,
        "pad_token_id": tokens - 1,
    }


def _open_clip(shapes: Shapes) -> Config:
    tokens, width = shapes["token_embedding.weight"]
    return {
        "vocab_size": tokens,
        "hidden_size": width,
        "intermediate_size": shapes["transformer.resblocks.0.mlp.c_fc.weight"][0],
        "num_hidden_layers": _count(shapes, r"transformer\.resblocks\.(\d+)\."),
        "num_attention_heads": max(width // CHANNELS_PER_HEAD, 1),
        "max_position_embeddings": shapes["positional_embedding"][0],
        "hidden_act": "gelu",
        "projection_dim": shapes["text_projection"][1],
        "bos_token_id": tokens - 2,
        "eos_token_id": tokens - 1,
        "pad_token_id": 0,
    }
