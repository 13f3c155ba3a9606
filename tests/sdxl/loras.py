"""Small LoRAs for the tiny SDXL, named as the tools name them."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from generation.sdxl.model.model import Model

UNET = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"
UNET_ORIGINAL = "input_blocks_4_1_transformer_blocks_0_attn2_to_k"
CONVOLUTION = "down_blocks.0.resnets.0.conv1"
TEXT = "encoder.layers.0.self_attn.q_proj"
TEXT_2 = "encoder.layers.1.mlp.fc1"


def weight(model: Model, which: str, path: str) -> Tensor:
    """Returns one weight of a model, wherever its transformers version puts it."""
    module = {"unet": model.unet, "text_encoder": model.text.encoder, "text_encoder_2": model.text.encoder_2}[which]
    named = dict(module.named_parameters())
    name = f"{path}.weight" if f"{path}.weight" in named else f"text_model.{path}.weight"
    found: Tensor = named[name]
    return found


def pair(like: Tensor, rank: int = 4, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Draws a down and an up for a weight, strong enough to be seen."""
    generator = torch.Generator().manual_seed(seed)
    outwards, inwards = like.shape[0], like.shape[1:]
    down = torch.randn(rank, *inwards, generator=generator) * 0.3
    up = torch.randn(outwards, rank, *[1] * (like.ndim - 2), generator=generator) * 0.3
    return down, up


def kohya(model: Model, path: Path, alpha: float = 2.0, seed: int = 1) -> dict[str, tuple[Tensor, Tensor]]:
    """Writes a LoRA of all three models in kohya's names; returns down and up of each weight."""
    places = {
        f"lora_unet_{UNET.replace('.', '_')}": weight(model, "unet", UNET),
        f"lora_te1_text_model_{TEXT.replace('.', '_')}": weight(model, "text_encoder", TEXT),
        f"lora_te2_text_model_{TEXT_2.replace('.', '_')}": weight(model, "text_encoder_2", TEXT_2),
    }
    pairs = {name: pair(like, seed=seed) for name, like in places.items()}
    tensors: dict[str, Tensor] = {}
    for name, (down, up) in pairs.items():
        tensors |= {
            f"{name}.lora_down.weight": down,
            f"{name}.lora_up.weight": up,
            f"{name}.alpha": torch.tensor(alpha),
        }
    save_file(tensors, path)
    return pairs
