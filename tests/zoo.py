"""A models folder full of files and folders that are broken, hostile, or half copied, and what to be told of each."""

import json
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import save, save_file

from generation.models.catalog import STARTER_FILE

UNET = "model.diffusion_model."
BIG_G = "conditioner.embedders.1.model.x"
PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
BRACKETS = "[" * 200_000


def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """Writes a safetensors file byte by byte, whatever its header says."""
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def tensors(shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> bytes:
    """Writes a sound safetensors file of zeros."""
    return save({key: np.zeros(shape, np.float16) for key, shape in shapes.items()}, metadata)


def sdxl(metadata: dict[str, str] | None = None, first: tuple[int, ...] = (1, 4)) -> bytes:
    """Writes what passes for an SDXL checkpoint by its names."""
    shapes = {UNET + "input_blocks.0.0.weight": first, BIG_G: (1,), "first_stage_model.x": (1,)}
    return tensors(shapes, metadata)


def said(**config: object) -> bytes:
    """Writes a checkpoint that says something of itself."""
    return sdxl({"easel.config": json.dumps(config)})


def lora(metadata: dict[str, str]) -> bytes:
    """Writes a LoRA with metadata."""
    return tensors({"lora_unet_x.lora_up.weight": (1,)}, metadata)


# File names and contents, each with words of the reason for which it cannot be painted with.
FILES: dict[str, tuple[bytes, str]] = {
    "empty.safetensors": (b"", "is empty"),
    "short.safetensors": (b"\x01", "is damaged"),
    "no-tensors.safetensors": (raw(b"{}"), "is not an SDXL checkpoint"),
    "brackets.safetensors": (raw(b"[" * 200_000), "is damaged"),
    "header-too-long.safetensors": (raw(b"{}", length=2**63), "is damaged"),
    "header-beyond-file.safetensors": (raw(b"{}", length=10**6), "is damaged"),
    "huge-header.safetensors": (raw(b"{" + b" " * (33 * 2**20) + b"}"), "has a header of 33 MB"),
    "null-metadata.safetensors": (raw(b'{"__metadata__":{"a":null}}'), "is damaged"),
    "surrogate-key.safetensors": (
        raw(b'{"a\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"1234"), "is damaged",
    ),
    "escaping-key.safetensors": (
        raw(b'{"a\\u001b]0;owned\\u0007":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', b"1234"), "is damaged",
    ),
    "double-key.safetensors": (
        raw(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}',
            b"1234",
        ),
        "is not an SDXL checkpoint",
    ),
    "overlap.safetensors": (raw(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', b"1234"), "is damaged"),
    "overflow.safetensors": (
        raw(b'{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,4]}}', b"1234"), "is damaged",
    ),
    "flat-first-weight.safetensors": (sdxl(first=()), "is not an SDXL checkpoint"),
    "flat-attention.safetensors": (
        tensors({UNET + "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": ()}), "is not an SDXL checkpoint",
    ),
    "deep-config.safetensors": (sdxl({"easel.config": BRACKETS}), "its easel.config is not valid JSON"),
    "deep-object.safetensors": (sdxl({"easel.config": '{"a":' * 50_000}), "its easel.config is not valid JSON"),
    "list-config.safetensors": (sdxl({"easel.config": "[]"}), "its easel.config cannot be used"),
    "null-config.safetensors": (sdxl({"easel.config": "null"}), "its easel.config cannot be used"),
    "long-number.safetensors": (
        sdxl({"easel.config": '{"native_size": ' + "1" * 10_000 + "}"}), "its easel.config is not valid JSON",
    ),
    "odd-size.safetensors": (said(native_size=[64]), "its easel.config cannot be used"),
    "prediction-list.safetensors": (said(prediction=["epsilon"]), "its easel.config cannot be used"),
    "prediction.safetensors": (said(prediction="flow"), "prediction in its easel.config must be one of"),
    "section.safetensors": (said(unet=[]), "its easel.config cannot be used"),
    "layers.safetensors": (said(unet={"layers_per_block": 10**9}), "its easel.config cannot be used"),
    "no-heads.safetensors": (said(text_encoder={"num_attention_heads": 0}), "its easel.config cannot be used"),
    "merges.safetensors": (said(tokenizer={"merges": [1, "a b c", None]}), "its easel.config cannot be used"),
    "tokenizer.safetensors": (said(tokenizer=[]), "its easel.config cannot be used"),
    "web-page.safetensors": (b"<!DOCTYPE html><html>", "is a web page"),
    "esc\x1b]0;owned\x07.safetensors": (sdxl(), "its name holds characters that cannot be shown"),
    "line\nbreak.safetensors": (sdxl(), "its name holds characters that cannot be shown"),
    "mirror\u202e.safetensors": (sdxl(), "its name holds characters that cannot be shown"),
    "bytes\udcff.safetensors": (sdxl(), "its name holds characters that cannot be shown"),
    "tags-infinite.safetensors": (lora({"ss_tag_frequency": '{"a": {"b": 1e400}}'}), "is not an SDXL checkpoint"),
    "tags-deep.safetensors": (lora({"ss_tag_frequency": BRACKETS}), "is not an SDXL checkpoint"),
    "tags-list.safetensors": (lora({"ss_tag_frequency": "[[]]"}), "is not an SDXL checkpoint"),
    "tags-escape.safetensors": (lora({"modelspec.trigger_phrase": "\x1b[2J[red]"}), "is not an SDXL checkpoint"),
    "flat-embedding.safetensors": (tensors({"clip_l": (), "clip_g": ()}), "is not an SDXL checkpoint"),
    "flat-lora.safetensors": (
        tensors({"lora_unet_down_blocks_1_attn2_to_k.lora_down.weight": ()}), "is not an SDXL checkpoint",
    ),
    "old.ckpt": (b"PK\x03\x04", "is a pickled PyTorch file"),
}  # fmt: skip


def diffusers(folder: Path, index: str = "{}", unet: str = "{}") -> Path:
    """Writes what passes for a diffusers folder by its names."""
    for part in PARTS:
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text("{}", encoding="utf-8")
        save_file({"x": np.zeros(1, np.float16)}, folder / part / "model.safetensors")
    (folder / "unet" / "config.json").write_text(unet, encoding="utf-8")
    (folder / "model_index.json").write_text(index, encoding="utf-8")
    return folder


def _index_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "model_index.json").write_text("{}", encoding="utf-8")


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _pipe_as_index(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "model_index.json")


# Folders' names, what makes each of them broken, and words of the reason.
FOLDERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "index-list": (lambda at: diffusers(at, index="[]"), "model_index.json cannot be used"),
    "index-null": (lambda at: diffusers(at, index="null"), "model_index.json cannot be used"),
    "index-cut": (lambda at: diffusers(at, index='{"_class_name": "Stab'), "model_index.json is not valid JSON"),
    "index-deep": (lambda at: diffusers(at, index=BRACKETS), "model_index.json is not valid JSON"),
    "index-huge": (lambda at: diffusers(at, index=" " * (2**20 + 1)), "model_index.json is larger than 1 MB"),
    "unet-empty": (lambda at: diffusers(at, unet=""), "unet/config.json is not valid JSON"),
    "unet-list": (lambda at: diffusers(at, unet="[]"), "unet/config.json cannot be used"),
    "vae-list": (lambda at: (diffusers(at) / "vae" / "config.json").write_text("[]"), "vae/config.json cannot be used"),
    "unet-text": (lambda at: diffusers(at, unet='{"sample_size": "large"}'), "unet/config.json cannot be used"),
    "unet-huge": (lambda at: diffusers(at, unet='{"sample_size": 1e300}'), "unet/config.json cannot be used"),
    "no-parts": (_index_alone, "is not an SDXL model: unet, vae, text_encoder, text_encoder_2 is miss"),
    "dangling-weights": (lambda at: _dangling(diffusers(at) / "vae" / "x.safetensors"), "x.safetensors is a link to"),
    "pipe-config": (lambda at: _pipe(diffusers(at) / "vae" / "more.json"), "more.json is neither a file nor a folder"),
    "folder.safetensors": (lambda at: at.mkdir(), "is no diffusers folder"),
    "not-regular": (_pipe_as_index, "is neither a file nor a folder"),
}


def fill(folder: Path) -> dict[str, str]:
    """Fills a folder with all of it and a usable model; returns words of each one's reason by its name on disk."""
    reasons = {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (content, reason) in FILES.items():
        (folder / name).write_bytes(content)
        reasons[name] = reason
    for name, (make, reason) in FOLDERS.items():
        make(folder / name)
        reasons[name] = reason
    (folder / "dangling.safetensors").symlink_to(folder / "nowhere")
    (folder / "loop.safetensors").symlink_to("loop.safetensors")
    (folder / "around").mkdir()
    (folder / "around" / "back").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "device.safetensors").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder / "socket.safetensors"))  # a socket's path must be short
    reasons |= {
        "dangling.safetensors": "is a link to a file that does not exist",
        "loop.safetensors": "cannot be read (Too many levels of symbolic links)",
        "pipe.safetensors": "is neither a file nor a folder",
        "device.safetensors": "is neither a file nor a folder",
        "socket.safetensors": "is neither a file nor a folder",
    }
    (folder / "zz-good.safetensors").write_bytes(STARTER_FILE.read_bytes())
    diffusers(folder / "zz-oblong", unet='{"sample_size": [96, 128]}')
    return reasons
