"""A single file, a diffusers folder or a hub id becomes the models that paint; safetensors only."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, StrictDataclassError
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from generation.errors import ModelError
from generation.models.catalog import ModelEntry, check_usable, describe
from generation.models.documents import SchedulerConfig, read_document
from generation.models.folders import is_file, read_text, without_path
from generation.models.safetensors_header import Header, prediction, read_header
from generation.prompt.tokenizer import Tokenizer, clip_merges
from generation.sdxl.model.architecture import Config, infer
from generation.sdxl.model.device import Placement, is_memory_error
from generation.sdxl.model.layout import Component, Origin, origins, read
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import TextEncoders
from generation.visible import shortened

log = logging.getLogger(__name__)

MAX_MERGES_BYTES = 4 * 2**20  # CLIP's own have 0.5 MB
# What diffusers, transformers, safetensors and torch raise on files that make no sense, found by trying many.
_NONSENSE = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError, OSError, SafetensorError,
    StrictDataclassError,
)  # fmt: skip
_HUB_FILES = ("*.json", "*.txt", "*.safetensors")


def load(entry: ModelEntry, placement: Placement) -> Model:
    """Loads a model onto the device. Nothing is fetched unless the entry is a hub id.

    Raises:
        ModelError: It cannot be loaded; the text says what it is or what is missing.
    """
    source = _fetch(entry.source) if isinstance(entry.source, str) else entry.source
    return _load_folder(source, placement) if source.is_dir() else _load_file(source, placement)


def _load_file(path: Path, placement: Placement) -> Model:
    header = read_header(path)
    check_usable(header)
    architecture = infer(header)
    with _in_words(path):
        parts: dict[Component, nn.Module] = {
            "unet": _blank(UNet2DConditionModel, architecture.unet),
            "vae": _blank(AutoencoderKL, architecture.vae),
            "text_encoder_2": _blank(CLIPTextModelWithProjection, architecture.text_encoder_2),
        }
        if architecture.text_encoder is not None:
            parts["text_encoder"] = _blank(CLIPTextModel, architecture.text_encoder)
        with safe_open(path, framework="pt") as file:
            for component, module in parts.items():
                found = origins(component, module.state_dict(), architecture.prefixes)
                _fill(module, found, header, file.get_tensor, _dtype(component, placement))
    return _assemble(parts, architecture.merges, placement, prediction(header))


@contextmanager
def _in_words(source: Path) -> Iterator[None]:
    """Turns what the libraries raise on files that make no sense into a refusal that shows no folder."""
    try:
        yield
    except _NONSENSE as error:
        if is_memory_error(error):
            raise
        log.warning("%s cannot be loaded", source, exc_info=error)
        raise ModelError(f"{source.name} cannot be loaded: {without_path(error, source)}.") from error


def _blank(kind: Any, config: Config) -> nn.Module:
    """Makes a model without memory for its weights; they are assigned later."""
    is_text = kind in (CLIPTextModel, CLIPTextModelWithProjection)
    with torch.device("meta"):
        module: nn.Module = kind(CLIPTextConfig(**config)) if is_text else kind(**config)
        return module


def _fill(
    module: nn.Module,
    found: Mapping[str, Origin],
    header: Header,
    get: Callable[[str], torch.Tensor],
    dtype: torch.dtype,
) -> None:
    expected = module.state_dict()
    state: dict[str, torch.Tensor] = {}
    for name, origin in found.items():
        if origin.key not in header.shapes:
            raise ModelError(f"{header.path.name} is not a complete SDXL checkpoint: {origin.key} is missing in it.")
        tensor = read(origin, get)
        if tensor.shape != expected[name].shape:
            raise ModelError(
                f"{header.path.name}: {origin.key} has the shape {tuple(tensor.shape)}, "
                f"{tuple(expected[name].shape)} was expected."
            )
        state[name] = tensor.to(dtype)
    module.load_state_dict(state, strict=True, assign=True)


def _dtype(component: Component, placement: Placement) -> torch.dtype:
    return placement.vae_dtype if component == "vae" else placement.dtype


def _load_folder(folder: Path, placement: Placement) -> Model:
    entry = describe(folder)
    if entry.problem is not None:
        raise ModelError(entry.problem)
    predicted = _folder_prediction(folder)
    kinds: dict[Component, Any] = {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder_2": CLIPTextModelWithProjection,
    }
    if not entry.refines:
        kinds["text_encoder"] = CLIPTextModel
    with _in_words(folder):
        parts: dict[Component, Any] = {
            component: kind.from_pretrained(
                folder / component,
                torch_dtype=_dtype(component, placement),
                use_safetensors=True,
                local_files_only=True,
                variant=_variant(folder / component),
            )
            for component, kind in kinds.items()
        }
    return _assemble(parts, _folder_merges(folder), placement, predicted)


def _variant(folder: Path) -> str | None:
    """Takes the half-precision weights where a folder has only those."""
    names = [path.name for path in folder.glob("*.safetensors")]
    return "fp16" if names and all(".fp16" in name for name in names) else None


def _folder_merges(folder: Path) -> tuple[str, ...] | None:
    paths = [folder / name / "merges.txt" for name in ("tokenizer", "tokenizer_2")]  # a refiner has only the second
    there = [path for path in paths if is_file(path)]
    if not there:
        return None
    lines = read_text(there[0], MAX_MERGES_BYTES).decode("utf-8", errors="replace").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#version"))


def _folder_prediction(folder: Path) -> str:
    path = folder / "scheduler" / "scheduler_config.json"
    config = read_document(path, SchedulerConfig) if is_file(path) else SchedulerConfig()
    kind = config.prediction_type
    if kind not in {"epsilon", "v_prediction"}:
        raise ModelError(
            f"{folder.name} predicts {shortened(kind)}; only epsilon and v_prediction can be painted with."
        )
    return "v_prediction_zsnr" if kind == "v_prediction" and config.rescale_betas_zero_snr else kind


def _fetch(hub_id: str) -> Path:
    """Fetches a model from its hub into the hub's own cache, or takes it from there."""
    repository, _, revision = hub_id.partition("@")
    try:
        return Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(_HUB_FILES)))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        log.warning("%s could not be fetched", hub_id, exc_info=error)
        raise ModelError(
            f"{hub_id} could not be fetched from the hub ({type(error).__name__}); the log says more."
        ) from error


def _assemble(
    parts: Mapping[Component, Any], merges: tuple[str, ...] | None, placement: Placement, predicted: str
) -> Model:
    for component, module in parts.items():
        _complete(component, module)
        module.requires_grad_(requires_grad=False).eval().to(placement.device)
    merges = merges or clip_merges()
    encoders = parts.get("text_encoder"), parts["text_encoder_2"]
    text = TextEncoders(*encoders, Tokenizer(merges), Tokenizer(merges, padding=0))
    return Model(unet=parts["unet"], vae=parts["vae"], text=text, placement=placement, prediction=predicted)


def _complete(component: str, module: nn.Module) -> None:
    """Gives a model made without memory the one table that no checkpoint keeps: the positions 0, 1, 2..."""
    for name, buffer in module.named_buffers():
        if buffer.is_meta and name.endswith("position_ids"):
            owner = module.get_submodule(name.rpartition(".")[0])
            owner.register_buffer("position_ids", torch.arange(buffer.shape[-1]).expand(1, -1), persistent=False)
    left = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if tensor.is_meta]
    if left:
        raise ModelError(f"The checkpoint gives no values for {component}.{left[0]}.")
