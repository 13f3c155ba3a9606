"""LoRAs: small changes of weights, merged into a model for the time they are used and taken out again bit by bit.

A LoRA changes a weight W by strength * alpha / rank * (up @ down) (Hu et al. 2021, arXiv 2106.09685). Files name the
weights as kohya's scripts, diffusers or LyCORIS (arXiv 2309.14859: LoCon, LoHa, LoKr) do.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from cachetools import LRUCache
from torch import Tensor

from generation.errors import ModelError
from generation.models.auxiliary import AuxiliaryFiles
from generation.models.safetensors_header import Kind, lora_base, read_header
from generation.request.options import Lora
from generation.sdxl.model.layout import PREFIXES, Component, origins
from generation.sdxl.model.pinned_weights import PinnedWeights
from generation.sdxl.model.tensors import read_tensors
from generation.visible import shortened

KEPT_FILES = 4  # in memory, so that the next job need not read them again

Parts = Mapping[str, Tensor]
Share = tuple[float, Parts]  # of a change: how strongly, and what
_ROLES = {
    "lora_down.weight": "down", "lora_up.weight": "up", "lora_mid.weight": "mid", "lora_A.weight": "down",
    "lora_B.weight": "up", "lora.down.weight": "down", "lora.up.weight": "up", "lora_A.default.weight": "down",
    "lora_B.default.weight": "up",
}  # fmt: skip
_ROLE = re.compile(
    r"(?P<module>.+?)(?:\.|_)(?P<role>lora_(?:down|up|mid|[AB](?:\.default)?)\.weight|lora\.(?:down|up)\.weight|alpha"
    r"|hada_\w+|lokr_\w+|dora_scale|lora_magnitude_vector.*|diff(?:_b)?)"
)


@dataclass(frozen=True, slots=True, eq=False)
class LoraFile:
    """A file's changes by the name it has for each weight: "down", "up", "alpha" and so on."""

    name: str
    modules: Mapping[str, Parts]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedLora:
    """A LoRA to apply: what was asked for, and its file."""

    asked: Lora
    file: LoraFile


class LoraFiles:
    """Reads LoRA files, the latest few of them only once; safe from several threads.

    Args:
        extras: Where names are looked up; used by this object alone.
    """

    def __init__(self, extras: AuxiliaryFiles) -> None:
        self._extras = extras
        self._lock = threading.Lock()
        self._kept: LRUCache[tuple[Path, int], LoraFile] = LRUCache(KEPT_FILES)

    def load(self, asked: Lora) -> LoadedLora:
        """Reads what a LoRA's name stands for.

        Raises:
            ModelError: There is none of that name, it is for another base model, or of a kind that cannot be applied.
        """
        with self._lock:
            path = self._extras.find(Kind.LORA, asked.name)
            key = (path, path.stat().st_mtime_ns)
            if key not in self._kept:
                self._kept[key] = read(path)
            return LoadedLora(asked, self._kept[key])


def read(path: Path) -> LoraFile:
    """Reads a LoRA file.

    Raises:
        ModelError: It is damaged, for another base model, or of a kind that cannot be applied.
    """
    base = lora_base(read_header(path))
    if base is not None:
        raise ModelError(f"{path.name} is a LoRA for {base}, not for SDXL.")
    tensors = read_tensors(path)
    modules: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        match = _ROLE.fullmatch(key)
        if match is None or not _can_be_applied(match["role"]):
            raise ModelError(
                f"{path.name} has {shortened(key)}, which Easel cannot apply; LoRA, LoCon, LoHa and LoKr it can."
            )
        modules.setdefault(match["module"], {})[_ROLES.get(match["role"], match["role"])] = tensor
    return LoraFile(path.stem, modules)


def _can_be_applied(role: str) -> bool:
    return not role.startswith(("dora", "lora_magnitude", "diff")) and role not in {"hada_t1", "hada_t2", "lokr_t2"}


def change(parts: Parts, like: Tensor) -> Tensor:
    """Returns what is added to a weight at strength 1, of its shape, in float32 on its device.

    Raises:
        KeyError: A tensor is missing.
        RuntimeError: The shapes do not fit.
    """
    on_device = {role: tensor.to(like.device, torch.float32) for role, tensor in parts.items()}
    if "down" in on_device:
        product, rank = _low_rank(on_device)
    elif "hada_w1_a" in on_device:
        one = on_device["hada_w1_a"] @ on_device["hada_w1_b"]
        product, rank = one * (on_device["hada_w2_a"] @ on_device["hada_w2_b"]), on_device["hada_w1_b"].shape[0]
    else:
        product, rank = _kronecker(on_device)
    scale = float(parts["alpha"]) / rank if "alpha" in parts and rank else 1.0
    return product.reshape(like.shape) * scale


def _low_rank(parts: Parts) -> tuple[Tensor, int]:
    down, up = parts["down"], parts["up"]
    if "mid" in parts:  # Tucker: the kernel lies between the two
        return torch.einsum("or,rshw,si->oihw", up.flatten(1), parts["mid"], down.flatten(1)), down.shape[0]
    return up.flatten(1) @ down.flatten(1), down.shape[0]


def _kronecker(parts: Parts) -> tuple[Tensor, int]:
    """Returns LoKr's product, and its rank; 0 where neither factor has one."""
    factors, rank = [], 0
    for which in ("lokr_w1", "lokr_w2"):
        if which in parts:
            factors.append(parts[which])
        else:
            low, high = parts[f"{which}_a"], parts[f"{which}_b"]
            factors.append((low @ high.flatten(1)).reshape(low.shape[0], *high.shape[1:]))
            rank = high.shape[0]
    one, other = factors
    return torch.kron(one.reshape(*one.shape, *[1] * (other.ndim - one.ndim)), other), rank


@dataclass(slots=True)
class Merger:
    """Merges LoRAs into a model's weights and takes them out again.

    Weights that rest in main memory until they are needed on the device are left alone: `catch_up` merges once they
    have come there. When they leave they are given up, and rest as they were.

    Attributes:
        weights: The model's weights by every name that files have for them, and whether they are a text encoder's.
        copies: What main memory keeps of them.
        merged: What is merged now, or will be once its weights come.
    """

    weights: Mapping[str, tuple[Tensor, bool]]
    copies: PinnedWeights = field(default_factory=PinnedWeights)
    merged: tuple[Lora, ...] = ()
    _plan: dict[int, tuple[Tensor, list[Share]]] = field(default_factory=dict)
    _originals: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)  # of the weights that are changed now

    def use(self, loras: Sequence[LoadedLora]) -> None:
        """Makes these LoRAs, and no others, part of the weights.

        Raises:
            ModelError: One does not fit the model; then none is merged.
            RuntimeError: The device's memory does not suffice; then none is merged.
        """
        self._restore()
        self._plan = self._planned(loras)
        try:
            self.catch_up()
        except RuntimeError:
            self._restore()
            raise
        self.merged = tuple(lora.asked for lora in loras)

    def catch_up(self) -> None:
        """Merges into the weights that have come to the device meanwhile.

        Raises:
            RuntimeError: The device's memory does not suffice; the next time goes on where this one ended.
        """
        self._originals = {number: pair for number, pair in self._originals.items() if not self.copies.rests(pair[0])}
        for number, (weight, shares) in self._plan.items():
            if number in self._originals or self.copies.rests(weight):
                continue
            start = torch.zeros_like(weight, dtype=torch.float32)
            delta = sum((strength * change(parts, weight) for strength, parts in shares), start=start)
            kept = self.copies.original(weight)
            changed = (weight.detach().float() + delta).to(weight.dtype)
            self._originals[number] = (weight, weight.detach().to("cpu", copy=True) if kept is None else kept)
            weight.data.copy_(changed)

    def _restore(self) -> None:
        for weight, original in self._originals.values():
            if not self.copies.rests(weight):
                weight.data.copy_(original)
        self._originals, self._plan, self.merged = {}, {}, ()

    def _planned(self, loras: Sequence[LoadedLora]) -> dict[int, tuple[Tensor, list[Share]]]:
        """Says what all LoRAs change, weight by weight."""
        plan: dict[int, tuple[Tensor, list[Share]]] = {}
        for lora in loras:
            for name, parts in self._fitting(lora.file):
                weight, is_text = self.weights[name]
                strength = lora.asked.text_strength if is_text else lora.asked.strength
                plan.setdefault(id(weight), (weight, []))[1].append((strength, parts))
        return plan

    def _fitting(self, file: LoraFile) -> list[tuple[str, Parts]]:
        fitting = [(name, parts) for name, parts in file.modules.items() if name in self.weights]
        if not fitting:
            raise ModelError(f"{file.name} does not fit this model: none of its {len(file.modules)} parts is in it.")
        for name, parts in fitting:
            weight = self.weights[name][0]
            try:
                change(
                    {role: tensor.to("meta") for role, tensor in parts.items() if role != "alpha"}, weight.to("meta")
                )
            except (KeyError, RuntimeError) as error:
                raise ModelError(f"{file.name} does not fit this model: {name} has another shape there.") from error
        return fitting


def weights_of(unet: Any, text_encoder: Any, text_encoder_2: Any) -> dict[str, tuple[Tensor, bool]]:
    """Lists a model's weights by every name that LoRA files have for them; a refiner has no first text encoder."""
    found: dict[str, tuple[Tensor, bool]] = {}
    modules: dict[Component, Any] = {"unet": unet, "text_encoder_2": text_encoder_2}
    if text_encoder is not None:
        modules["text_encoder"] = text_encoder
    kohya = {"unet": "lora_unet_", "text_encoder": "lora_te1_", "text_encoder_2": "lora_te2_"}
    for component, module in modules.items():
        parameters = {name: weight for name, weight in module.named_parameters() if weight.ndim >= 2}
        originals = origins("unet", module.state_dict()) if component == "unet" else {}
        for name, weight in parameters.items():
            path = _path(component, name)
            names = {
                f"{component}.{path}",
                kohya[component] + path.replace(".", "_"),
                f"{component}.{_processor(path)}",
            }
            if name in originals:
                original = originals[name].key.removeprefix(PREFIXES["unet"]).removesuffix(".weight")
                names.add(kohya[component] + original.replace(".", "_"))
            found |= dict.fromkeys(names, (weight, component != "unet"))
    return found


def _path(component: Component, name: str) -> str:
    """Returns a weight's module as transformers and diffusers have long named it."""
    path = name.removesuffix(".weight")
    inside = component != "unet" and not path.startswith(("text_model.", "text_projection"))
    return f"text_model.{path}" if inside else path


def _processor(path: str) -> str:
    """Returns the name that diffusers gave an attention's weight when LoRAs lay in its processor."""
    return re.sub(r"\.(to_[qkv]|to_out)(?:\.0)?$", r".processor.\1", path)
