"""Where a model's tensors lie in a single-file SDXL checkpoint, in both directions.

People download SDXL checkpoints in Stability AI's own layout (generative-models); diffusers and
transformers name the same tensors otherwise. This table says, for every tensor of a model, under which key
of the file it lies and in which form. Reading and writing use the same table, so they cannot drift apart.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

import torch
from torch import Tensor

Component = Literal["unet", "vae", "text_encoder", "text_encoder_2"]

Prefixes = Mapping[Component, str]

PREFIXES: Prefixes = {
    "unet": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text_encoder": "conditioner.embedders.0.transformer.text_model.",
    "text_encoder_2": "conditioner.embedders.1.model.",
}
REFINER_PREFIXES: Prefixes = {
    "unet": PREFIXES["unet"],
    "vae": PREFIXES["vae"],
    "text_encoder_2": "conditioner.embedders.0.model.",  # the only one a refiner has
}


class Form(Enum):
    """How a tensor of the file becomes a tensor of the model."""

    SAME = auto()
    TRANSPOSED = auto()
    CONVOLUTION = auto()  # a linear layer kept as a 1x1 convolution
    QUERY = auto()  # first, second and third part of a fused projection
    KEY = auto()
    VALUE = auto()


_FUSED = (Form.QUERY, Form.KEY, Form.VALUE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model's tensor lies in the file: its key there, and its form."""

    key: str
    form: Form = Form.SAME


def origins(component: Component, names: Iterable[str], prefixes: Prefixes = PREFIXES) -> dict[str, Origin]:
    """Says for each tensor name of a diffusers or transformers model where it lies in a single file."""
    names = tuple(names)
    locate = _locator(component, names)
    prefix = prefixes[component]
    located = {name: locate(name) for name in names}
    return {name: Origin(prefix + origin.key, origin.form) for name, origin in located.items()}


def read(origin: Origin, get: Callable[[str], Tensor]) -> Tensor:
    """Takes one tensor of a model out of a single file; `get` gives the file's tensor of a key."""
    tensor = get(origin.key)
    if origin.form is Form.TRANSPOSED:
        return tensor.T.contiguous()
    if origin.form is Form.CONVOLUTION:
        return tensor.reshape(tensor.shape[:2])
    if origin.form in _FUSED:
        return tensor.chunk(3)[_FUSED.index(origin.form)].contiguous()
    return tensor


def to_original(component: Component, state: Mapping[str, Tensor], prefixes: Prefixes = PREFIXES) -> dict[str, Tensor]:
    """Lays a model's state dict out as a single-file checkpoint keeps it.

    Args:
        component: Which of the four models the tensors belong to.
        state: The model's own state dict, as diffusers or transformers name it.
        prefixes: Where the models lie in the file: REFINER_PREFIXES for a refiner.

    Returns:
        The tensors under the keys of the original layout.
    """
    tensors: dict[str, Tensor] = {}
    fused: dict[str, dict[Form, Tensor]] = {}
    for name, origin in origins(component, state, prefixes).items():
        tensor = state[name]
        if origin.form in _FUSED:
            fused.setdefault(origin.key, {})[origin.form] = tensor
        elif origin.form is Form.TRANSPOSED:
            tensors[origin.key] = tensor.T.contiguous()
        elif origin.form is Form.CONVOLUTION:
            tensors[origin.key] = tensor[:, :, None, None]
        else:
            tensors[origin.key] = tensor
    return tensors | {key: torch.cat([parts[form] for form in _FUSED]) for key, parts in fused.items()}


def _locator(component: Component, names: tuple[str, ...]) -> Callable[[str], Origin]:
    match component:
        case "unet":
            return _unet_locator(names)
        case "vae":
            return _vae_locator(names)
        case "text_encoder":
            return _clip_l
        case "text_encoder_2":
            return _open_clip


def _rename(name: str, rules: Iterable[tuple[str, str]]) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _layers_per_block(names: Iterable[str]) -> int:
    found = {int(match[1]) for name in names if (match := re.match(r"down_blocks\.0\.resnets\.(\d+)\.", name))}
    return max(found) + 1


_UNET_RESNET = (
    (r"\.norm1\.", ".in_layers.0."),
    (r"\.conv1\.", ".in_layers.2."),
    (r"\.time_emb_proj\.", ".emb_layers.1."),
    (r"\.norm2\.", ".out_layers.0."),
    (r"\.conv2\.", ".out_layers.3."),
    (r"\.conv_shortcut\.", ".skip_connection."),
)
_UNET_ENDS = (
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^add_embedding\.linear_1\.", "label_emb.0.0."),
    (r"^add_embedding\.linear_2\.", "label_emb.0.2."),
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2."),
    (r"^mid_block\.resnets\.0\.", "middle_block.0."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
    (r"^mid_block\.resnets\.1\.", "middle_block.2."),
)
_UNET_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)")


def _unet_locator(names: tuple[str, ...]) -> Callable[[str], Origin]:
    attending = {match[1] for name in names if (match := re.match(r"(up_blocks\.\d+)\.attentions\.", name))}
    layers = _layers_per_block(names)

    def place(match: re.Match[str]) -> str:
        direction, block, kind, layer, rest = match[1], int(match[2]), match[3], int(match[4]), match[5]
        if direction == "down" and kind == "downsamplers":
            return f"input_blocks.{(block + 1) * (layers + 1)}.0.op.{rest.removeprefix('conv.')}"
        if direction == "down":
            return f"input_blocks.{1 + block * (layers + 1) + layer}.{int(kind == 'attentions')}.{rest}"
        if kind == "upsamplers":
            position = 2 if f"up_blocks.{block}" in attending else 1
            return f"output_blocks.{block * (layers + 1) + layers}.{position}.{rest}"
        return f"output_blocks.{block * (layers + 1) + layer}.{int(kind == 'attentions')}.{rest}"

    def locate(name: str) -> Origin:
        in_resnet = ".resnets." in name
        key = _rename(_UNET_BLOCK.sub(place, name), _UNET_ENDS)
        return Origin(_rename(key, _UNET_RESNET) if in_resnet else key)

    return locate


_VAE = (
    (r"\.down_blocks\.(\d+)\.resnets\.(\d+)\.", r".down.\1.block.\2."),
    (r"\.down_blocks\.(\d+)\.downsamplers\.0\.", r".down.\1.downsample."),
    (r"\.up\.(\d+)\.resnets\.(\d+)\.", r".up.\1.block.\2."),
    (r"\.up\.(\d+)\.upsamplers\.0\.", r".up.\1.upsample."),
    (r"\.mid_block\.resnets\.0\.", ".mid.block_1."),
    (r"\.mid_block\.resnets\.1\.", ".mid.block_2."),
    (r"\.mid_block\.attentions\.0\.", ".mid.attn_1."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.conv_norm_out\.", ".norm_out."),
    (r"\.group_norm\.", ".norm."),
    (r"\.to_([qkv])\.", r".\1."),
    (r"\.to_out\.0\.", ".proj_out."),
)


def _vae_locator(names: tuple[str, ...]) -> Callable[[str], Origin]:
    highest = max((int(m[1]) for name in names if (m := re.match(r"decoder\.up_blocks\.(\d+)\.", name))), default=0)

    def from_the_bottom(match: re.Match[str]) -> str:
        return f".up.{highest - int(match[1])}."  # the original counts the decoder's blocks from the widest picture

    def locate(name: str) -> Origin:
        key = _rename(re.sub(r"\.up_blocks\.(\d+)\.", from_the_bottom, name), _VAE)
        is_linear = re.search(r"\.attn_1\.(q|k|v|proj_out)\.weight$", key)
        return Origin(key, Form.CONVOLUTION if is_linear else Form.SAME)

    return locate


def _clip_l(name: str) -> Origin:
    return Origin(name.removeprefix("text_model."))


_OPEN_CLIP = (
    (r"^text_model\.", ""),
    (r"^embeddings\.token_embedding\.", "token_embedding."),
    (r"^embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^final_layer_norm\.", "ln_final."),
    (r"^text_projection\.weight$", "text_projection"),
    (r"^encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
    (r"\.self_attn\.[qkv]_proj\.", ".attn.in_proj_"),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
)


def _open_clip(name: str) -> Origin:
    key = _rename(name, _OPEN_CLIP)
    if key == "text_projection":
        return Origin(key, Form.TRANSPOSED)
    if fused := re.search(r"\.self_attn\.([qkv])_proj\.", name):
        return Origin(key, _FUSED["qkv".index(fused[1])])
    return Origin(key)
