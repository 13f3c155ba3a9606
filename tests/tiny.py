"""A tiny SDXL with random weights and the real CLIP vocabulary, saved as people download checkpoints.

`python -m tests.tiny PATH` writes it as one .safetensors file in the original layout.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from generation.sdxl.model.layout import PREFIXES, REFINER_PREFIXES, Component, to_original

NATIVE_SIZE = 256
WIDTHS = (32, 64, 64)
REFINER_WIDTHS, REFINER_HEADS = (32, 32, 64, 64), [2, 2, 4, 4]
VAE_WIDTHS = (16, 16, 32, 32)
HEADS = [2, 4, 4]
VAE_GROUPS = 8
TEXT_WIDTHS = (32, 48)
VOCABULARY = 49408


def parts(seed: int = 0) -> dict[Component, Any]:
    """Makes the four models, always the same ones for a seed."""
    torch.manual_seed(seed)
    made: dict[Component, Any] = {
        "unet": unet(),
        "vae": _vae(),
        "text_encoder": CLIPTextModel(_text(TEXT_WIDTHS[0], "quick_gelu", 49407)),
        "text_encoder_2": CLIPTextModelWithProjection(_text(TEXT_WIDTHS[1], "gelu", 0)),
    }
    for model in made.values():
        model.eval()
    return made


def refiner_parts(seed: int = 7) -> dict[Component, Any]:
    """Makes a tiny refiner: four levels, one text encoder, a score instead of the target size."""
    torch.manual_seed(seed)
    refiner = UNet2DConditionModel(
        sample_size=NATIVE_SIZE // 8,
        block_out_channels=REFINER_WIDTHS,
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=2,
        attention_head_dim=REFINER_HEADS,
        cross_attention_dim=TEXT_WIDTHS[1],
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=TEXT_WIDTHS[1] + 5 * 256,
    )
    others = parts()
    return {"unet": refiner.eval(), "vae": others["vae"], "text_encoder_2": others["text_encoder_2"]}


def save_single_file(
    path: Path, models: dict[Component, Any] | None = None, config: dict[str, Any] | None = None
) -> Path:
    """Writes one checkpoint file in SDXL's original layout, in half precision."""
    tensors: dict[str, torch.Tensor] = {}
    models = parts() if models is None else models
    prefixes = PREFIXES if "text_encoder" in models else REFINER_PREFIXES
    for component, model in models.items():
        tensors |= to_original(component, model.state_dict(), prefixes)
    halves = {key: tensor.half().contiguous() for key, tensor in tensors.items()}
    save_file(halves, path, metadata={"easel.config": json.dumps(CONFIG if config is None else config)})
    return path


CONFIG: dict[str, Any] = {
    "format": 1,
    "native_size": NATIVE_SIZE,
    "unet": {"attention_head_dim": HEADS},
    "vae": {"norm_num_groups": VAE_GROUPS},
    "text_encoder": {"num_attention_heads": 2},
    "text_encoder_2": {"num_attention_heads": 2},
}


REFINER_CONFIG: dict[str, Any] = {**CONFIG, "unet": {"attention_head_dim": REFINER_HEADS}}


def unet(in_channels: int = 4) -> Any:
    """Makes a UNet; nine channels are those of an inpainting one."""
    return UNet2DConditionModel(
        sample_size=NATIVE_SIZE // 8,
        in_channels=in_channels,
        block_out_channels=WIDTHS,
        layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=[1, 1, 2],
        attention_head_dim=HEADS,
        cross_attention_dim=sum(TEXT_WIDTHS),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=TEXT_WIDTHS[1] + 6 * 256,
    )


def _vae() -> Any:
    return AutoencoderKL(
        block_out_channels=VAE_WIDTHS,
        down_block_types=["DownEncoderBlock2D"] * len(VAE_WIDTHS),
        up_block_types=["UpDecoderBlock2D"] * len(VAE_WIDTHS),
        layers_per_block=2,
        latent_channels=4,
        norm_num_groups=VAE_GROUPS,
        scaling_factor=0.13025,
    )


def _text(width: int, activation: str, padding: int) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=2,
        projection_dim=width,
        hidden_act=activation,
        bos_token_id=VOCABULARY - 2,
        eos_token_id=VOCABULARY - 1,
        pad_token_id=padding,
    )


if __name__ == "__main__":
    save_single_file(Path(sys.argv[1]))
