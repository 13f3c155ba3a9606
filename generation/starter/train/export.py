"""From models in training to the one checkpoint file, and back to go on."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from generation.models.catalog import describe, native_size
from generation.models.safetensors_header import CONFIG_KEY, prediction, read_header
from generation.sdxl.model.architecture import infer
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.device import Placement
from generation.sdxl.model.layout import Component, to_original
from generation.starter.train.models import PREDICTION, Models, shape_of
from generation.starter.train.pictures import RecipeError


def export(models: Models, path: Path) -> Path:
    """Writes the checkpoint: SDXL's original single-file layout, half precision, `easel.config` in its metadata."""
    tensors: dict[str, torch.Tensor] = {}
    for component, module in models.parts().items():
        tensors |= to_original(component, module.state_dict())
    tensors["v_pred"] = torch.tensor([])  # by which other programs know what the UNet predicts
    halves = {key: tensor.detach().half().cpu().contiguous() for key, tensor in tensors.items()}
    config = json.dumps(models.config(), ensure_ascii=False, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    save_file(halves, partial, metadata={CONFIG_KEY: config})
    partial.replace(path)
    return path


def resume(path: Path) -> Models:
    """Reads an exported checkpoint back so that training can go on from it.

    Raises:
        RecipeError: The file is a checkpoint with another vocabulary than its own, such as a real SDXL.
        ModelError: It is no usable checkpoint.
    """
    placement = Placement(torch.device("cpu"), torch.float32, torch.float32)
    model = load(describe(path), placement)
    header = read_header(path)
    merges = infer(header).merges
    if merges is None:
        raise RecipeError(f"{path.name} has no tokenizer of its own: only checkpoints of this recipe can go on.")
    parts: dict[Component, Any] = {
        "unet": model.unet,
        "vae": model.vae,
        "text_encoder": model.text.encoder,
        "text_encoder_2": model.text.encoder_2,
    }
    for module in parts.values():
        module.requires_grad_(requires_grad=True)
    if prediction(header) != PREDICTION:  # the first starter predicted the noise: all but its last layer is of use
        nn.init.zeros_(model.unet.conv_out.weight)
        nn.init.zeros_(model.unet.conv_out.bias)
    return Models(
        shape_of(parts),
        merges,
        vae=model.vae,
        unet=model.unet,
        text=model.text.encoder,
        text_2=model.text.encoder_2,
        scaling_factor=float(model.vae.config["scaling_factor"]),
        native_size=native_size(header),
        notes=dict(header.config.get("training", {})),
    )


def fingerprint(path: Path) -> str:
    """Returns a file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
