"""What a checkpoint file is, told from its first bytes and its header: no tensor is read."""

import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from generation.errors import ModelError
from generation.models.documents import EaselConfig, parse_document
from generation.models.folders import reason, status_of
from generation.request.sampler_info import PREDICTIONS
from generation.visible import shortened

CONFIG_KEY = "easel.config"
MAX_HEADER_BYTES = 32 * 2**20  # SDXL's own takes 0.3 MB, a LoRA's with the tags of its pictures some MB
_LENGTH_BYTES = 8  # that a file begins with
_BIG_G = "conditioner.embedders.1.model."
_UNET = "model.diffusion_model."
_TINY_FIRST = ("1.weight", "decoder.layers.0.weight")  # TAESD's own layout, and diffusers'
_CROSS_ATTENTION = "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"

_OF_LORAS = (".lora_", "lora_up", ".lora.", "_lora.", "hada_", "lokr_")
_TAG_COUNTS = TypeAdapter(dict[str, dict[str, Annotated[int, Field(ge=0, le=10**9)]]])


class Kind(StrEnum):
    """What a safetensors file holds, as a person would call it."""

    SDXL = "SDXL checkpoint"
    SDXL_NO_VAE = "SDXL checkpoint without a VAE"
    SDXL_V_PREDICTION = "SDXL v-prediction checkpoint"
    SDXL_INPAINT = "SDXL inpainting checkpoint"
    SDXL_REFINER = "SDXL refiner"
    SD1 = "Stable Diffusion 1.x checkpoint"
    SD2 = "Stable Diffusion 2.x checkpoint"
    SD3 = "Stable Diffusion 3 or Flux checkpoint"
    UNET_ONLY = "UNet without text encoders and VAE"
    LORA = "LoRA"
    CONTROLNET = "ControlNet"
    VAE = "VAE"
    UPSCALER = "upscaler"
    EMBEDDING = "textual inversion embedding"
    TINY_DECODER = "TAESD decoder for previews"
    UNKNOWN = "safetensors file of an unknown kind"


@dataclass(frozen=True, slots=True)
class Header:
    """A safetensors file's table of contents.

    Attributes:
        path: The file.
        shapes: The shape of each tensor by its key.
        dtype: The data type that most tensors of its UNet, or else of the file, have ("F16", "BF16", "F32", ...).
        metadata: The file's own key-value texts.
    """

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    dtype: str
    metadata: Mapping[str, str]

    @property
    def config(self) -> dict[str, Any]:
        """What the checkpoint says of itself under `easel.config`; {} for ordinary ones.

        Raises:
            ModelError: It is not what EaselConfig describes.
        """
        text = self.metadata.get(CONFIG_KEY)
        if text is None:
            return {}
        said = parse_document(text, EaselConfig, f"{self.path.name}: its {CONFIG_KEY}")
        return said.model_dump(exclude_none=True)


def read_header(path: Path) -> Header:
    """Reads a safetensors file's table of contents.

    Raises:
        ModelError: The file is missing, unreadable, truncated, or no safetensors file; the text says which.
    """
    _refuse_other_formats(path)
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118 - the handle is no mapping
            shapes = {key: tuple(piece.get_shape()) for key, piece in slices.items()}
            dtype = _usual_dtype({key: piece.get_dtype() for key, piece in slices.items()})
            metadata = dict(file.metadata() or {})
    except SafetensorError as error:
        raise ModelError(
            f"{path.name} is damaged or was not downloaded completely ({shortened(error)}); download it again."
        ) from error
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({reason(error)}).") from error
    return Header(path, shapes, dtype, metadata)


def recognise(header: Header) -> Kind:
    """Says what kind of model a file holds, from the names and shapes of its tensors."""
    shapes = header.shapes
    if any(key.startswith(_UNET) for key in shapes):
        return _kind_of_checkpoint(shapes)
    if any(mark in key for key in shapes for mark in _OF_LORAS):
        return Kind.LORA
    if any(key.startswith(("control_model.", "controlnet_", "input_hint_block.")) for key in shapes):
        return Kind.CONTROLNET
    if "first_stage_model.decoder.conv_in.weight" in shapes or "decoder.conv_in.weight" in shapes:
        return Kind.VAE
    if any(shapes.get(key) == (64, 4, 3, 3) for key in _TINY_FIRST):
        return Kind.TINY_DECODER
    if any(key.startswith(("down_blocks.", "input_blocks.")) for key in shapes):
        return Kind.UNET_ONLY
    return _kind_of_small_file(shapes)


def _kind_of_small_file(shapes: Mapping[str, tuple[int, ...]]) -> Kind:
    if set(shapes) <= {"clip_l", "clip_g", "emb_params", "string_to_param.*"}:
        return Kind.EMBEDDING
    if "conv_first.weight" in shapes and "body.0.rdb1.conv1.weight" in shapes:
        return Kind.UPSCALER
    return Kind.UNKNOWN


def lora_base(header: Header) -> str | None:
    """Says which base model a LoRA is for where that is another one than SDXL; None for SDXL, or where nothing tells.

    SDXL's cross attention looks at 2048 numbers a token, that of Stable Diffusion 1.x at 768, that of 2.x at 1024.
    """
    keys = " ".join(header.shapes)
    said = header.metadata.get("modelspec.architecture", "").lower()
    if "flux" in said or any(mark in keys for mark in ("double_blocks", "single_transformer_blocks", "single_blocks")):
        return "Flux"
    if "stable-diffusion-3" in said or "joint_blocks" in keys or "context_embedder" in keys:
        return "Stable Diffusion 3"
    if any(mark in keys for mark in ("lora_te1_", "lora_te2_", "text_encoder_2.")):
        return None
    context = {
        shape[-1] if len(shape) == 2 else shape[1]
        for key, shape in header.shapes.items()
        if "attn2" in key and "to_k" in key and ("down" in key or "lora_A" in key) and len(shape) >= 2
    }
    for width, base in ((768, "Stable Diffusion 1.x"), (1024, "Stable Diffusion 2.x")):
        if context == {width}:
            return base
    return "Stable Diffusion 1.x or 2.x" if "lora_te_" in keys else None


def trigger_words(header: Header, most: int = 5) -> tuple[str, ...]:
    """Tells from a LoRA's metadata what its pictures were captioned with, the most frequent first."""
    phrase = header.metadata.get("modelspec.trigger_phrase", "").strip()
    if phrase:
        return (phrase,)
    try:
        folders = _TAG_COUNTS.validate_json(header.metadata.get("ss_tag_frequency", "{}"))
    except ValidationError:
        return ()
    counted = Counter[str]()
    for tags in folders.values():
        counted.update({tag.strip(): count for tag, count in tags.items()})
    return tuple(tag for tag, _ in counted.most_common(most))


def prediction(header: Header) -> str:
    """Says what a checkpoint's UNet predicts, a name of generation.request.sampler_info.PREDICTIONS.

    Marker tensors tell it, as ComfyUI reads them, or `prediction` in `easel.config`.
    """
    said = header.config.get("prediction")
    if said is not None:
        if said not in PREDICTIONS or said == "checkpoint":
            raise ModelError(f"{header.path.name}: prediction in its {CONFIG_KEY} must be one of {PREDICTIONS[1:]}.")
        return str(said)
    if "v_pred" not in header.shapes:
        return "epsilon"
    return "v_prediction_zsnr" if "ztsnr" in header.shapes else "v_prediction"


def _kind_of_checkpoint(shapes: Mapping[str, tuple[int, ...]]) -> Kind:
    if any(key.startswith((_UNET + "joint_blocks.", _UNET + "double_blocks.")) for key in shapes):
        return Kind.SD3
    if not any(key.startswith(_BIG_G) for key in shapes):
        return _kind_without_big_g(shapes)
    channels = _width(shapes, "input_blocks.0.0.weight", 1, 4)
    if not channels:
        return Kind.UNKNOWN
    if channels != 4:
        return Kind.SDXL_INPAINT
    if "v_pred" in shapes:
        return Kind.SDXL_V_PREDICTION
    if not any(key.startswith("first_stage_model.") for key in shapes):
        return Kind.SDXL_NO_VAE
    return Kind.SDXL


def _kind_without_big_g(shapes: Mapping[str, tuple[int, ...]]) -> Kind:
    if any(key.startswith("conditioner.embedders.0.model.") for key in shapes):
        return Kind.SDXL_REFINER
    if any(key.startswith("cond_stage_model.model.") for key in shapes):
        return Kind.SD2
    if any(key.startswith("cond_stage_model.") for key in shapes):
        return Kind.SD1
    width = _width(shapes, _CROSS_ATTENTION, -1, 0)
    return {768: Kind.SD1, 1024: Kind.SD2}.get(width, Kind.UNET_ONLY)


def _width(shapes: Mapping[str, tuple[int, ...]], key: str, axis: int, usual: int) -> int:
    """Returns one side of a UNet's tensor; the usual one where there is no such tensor, 0 where it has no such side."""
    shape = shapes.get(_UNET + key)
    if shape is None:
        return usual
    return shape[axis] if len(shape) >= 2 else 0


def _usual_dtype(dtypes: Mapping[str, str]) -> str:
    of_unet = [dtype for key, dtype in dtypes.items() if key.startswith(_UNET)] or list(dtypes.values())
    return max(set(of_unet), key=of_unet.count) if of_unet else "none"


def _start_of(path: Path) -> tuple[bytes, int]:
    """Returns the first bytes of a regular file, and its size."""
    status = status_of(path)
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"{path.name} is a folder, a file was expected.")
    try:
        with path.open("rb") as file:
            return file.read(512), status.st_size
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({reason(error)}).") from error


def _refuse_other_formats(path: Path) -> None:
    start, size = _start_of(path)
    if not start:
        raise ModelError(f"{path.name} is empty; download it again.")
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise ModelError(
            f"{path.name} is a web page, not a model: the download link led to a page; download the file itself."
        )
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(f"{path.name} is a Git LFS pointer, not the model itself; fetch it with `git lfs pull`.")
    if start.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
        raise ModelError(
            f"{path.name} is a pickled PyTorch file, which can run code when opened; use its .safetensors version."
        )
    if start.startswith(b"GGUF"):
        raise ModelError(f"{path.name} is a GGUF file; use its .safetensors version.")
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    if len(start) > _LENGTH_BYTES and MAX_HEADER_BYTES < length <= size:
        raise ModelError(f"{path.name} has a header of {length / 2**20:.0f} MB, which no model file needs.")
