"""ComfyUI's nodes as far as we know them, and the way between its two kinds of graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.metadata.foreign import editor_links, editor_nodes

Graph = dict[str, dict[str, Any]]
Wire = list[Any]  # a node's number and which of its outputs


@dataclass(frozen=True, slots=True)
class Node:
    """A kind of node: its wired inputs and its outputs with their types, and its widgets in their order."""

    inputs: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    widgets: tuple[str, ...] = ()
    column: int = 0


_MODEL, _CLIP, _VAE = ("MODEL", "MODEL"), ("CLIP", "CLIP"), ("VAE", "VAE")
_MODEL_IN, _CLIP_IN = ("model", "MODEL"), ("clip", "CLIP")
_CONTROL = "control_after_generate"
_OF_THE_EDITOR = {_CONTROL: "fixed", "upload": "image"}  # widgets of the editor alone, as they stand
_IMAGE, _MASK, _LATENT = ("IMAGE", "IMAGE"), ("MASK", "MASK"), ("LATENT", "LATENT")

NODES: Mapping[str, Node] = {
    "CheckpointLoaderSimple": Node((), (_MODEL, _CLIP, _VAE), ("ckpt_name",)),
    "VAELoader": Node((), (_VAE,), ("vae_name",)),
    "LoadImage": Node((), (_IMAGE, _MASK), ("image", "upload")),
    "LoadImageMask": Node((), (_MASK,), ("image", "channel", "upload")),
    "ImageScale": Node((("image", "IMAGE"),), (_IMAGE,), ("upscale_method", "width", "height", "crop"), 1),
    "ImagePadForOutpaint": Node(
        (("image", "IMAGE"),), (_IMAGE, _MASK), ("left", "top", "right", "bottom", "feathering"), 1
    ),
    "InvertMask": Node((("mask", "MASK"),), (_MASK,), (), 1),
    "GrowMask": Node((("mask", "MASK"),), (_MASK,), ("expand", "tapered_corners"), 1),
    "VAEEncode": Node((("pixels", "IMAGE"), ("vae", "VAE")), (_LATENT,), (), 2),
    "LatentUpscale": Node((("samples", "LATENT"),), (_LATENT,), ("upscale_method", "width", "height", "crop"), 4),
    "UpscaleModelLoader": Node((), (("UPSCALE_MODEL", "UPSCALE_MODEL"),), ("model_name",)),
    "ImageUpscaleWithModel": Node((("upscale_model", "UPSCALE_MODEL"), ("image", "IMAGE")), (_IMAGE,), (), 4),
    "RepeatLatentBatch": Node((("samples", "LATENT"),), (_LATENT,), ("amount",), 2),
    "SetLatentNoiseMask": Node((("samples", "LATENT"), ("mask", "MASK")), (_LATENT,), (), 2),
    "ImageCompositeMasked": Node(
        (("destination", "IMAGE"), ("source", "IMAGE"), ("mask", "MASK")), (_IMAGE,), ("x", "y", "resize_source"), 5
    ),
    "EmptyLatentImage": Node((), (("LATENT", "LATENT"),), ("width", "height", "batch_size")),
    "LoraLoader": Node((_MODEL_IN, _CLIP_IN), (_MODEL, _CLIP), ("lora_name", "strength_model", "strength_clip"), 1),
    "CLIPSetLastLayer": Node((("clip", "CLIP"),), (_CLIP,), ("stop_at_clip_layer",), 1),
    "ModelSamplingDiscrete": Node((("model", "MODEL"),), (_MODEL,), ("sampling", "zsnr"), 1),
    "RescaleCFG": Node((("model", "MODEL"),), (_MODEL,), ("multiplier",), 1),
    "CLIPTextEncode": Node((("clip", "CLIP"),), (("CONDITIONING", "CONDITIONING"),), ("text",), 2),
    "KSampler": Node(
        (("model", "MODEL"), ("positive", "CONDITIONING"), ("negative", "CONDITIONING"), ("latent_image", "LATENT")),
        (("LATENT", "LATENT"),),
        ("seed", _CONTROL, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
        3,
    ),
    "CLIPTextEncodeSDXLRefiner": Node(
        (("clip", "CLIP"),), (("CONDITIONING", "CONDITIONING"),), ("ascore", "width", "height", "text"), 2
    ),
    "KSamplerAdvanced": Node(
        (("model", "MODEL"), ("positive", "CONDITIONING"), ("negative", "CONDITIONING"), ("latent_image", "LATENT")),
        (("LATENT", "LATENT"),),
        (
            "add_noise",
            "noise_seed",
            _CONTROL,
            "steps",
            "cfg",
            "sampler_name",
            "scheduler",
            "start_at_step",
            "end_at_step",
            "return_with_leftover_noise",
        ),
        3,
    ),
    "VAEDecode": Node((("samples", "LATENT"), ("vae", "VAE")), (("IMAGE", "IMAGE"),), (), 4),
    "SaveImage": Node((("images", "IMAGE"),), (), ("filename_prefix",), 6),
}


def new_node(kind: str, **inputs: Any) -> dict[str, Any]:
    """Writes one node of a graph."""
    return {"class_type": kind, "inputs": inputs}


def to_editor(graph: Graph) -> dict[str, Any]:
    """Lays out a graph for the editor (version 0.4)."""
    links: list[list[Any]] = []
    for key, node in graph.items():
        for slot, (name, kind) in enumerate(NODES[node["class_type"]].inputs):
            source, output = node["inputs"][name]
            links.append([len(links) + 1, int(source), output, int(key), slot, kind])
    nodes = [_editor_node(int(key), node, order, links) for order, (key, node) in enumerate(graph.items())]
    return {
        "last_node_id": max(int(key) for key in graph),
        "last_link_id": len(links),
        "nodes": nodes,
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def _editor_node(number: int, node: Mapping[str, Any], order: int, links: list[list[Any]]) -> dict[str, Any]:
    kind = NODES[node["class_type"]]
    arriving = {link[4]: link[0] for link in links if link[3] == number}
    leaving = [[link[0] for link in links if link[1:3] == [number, slot]] for slot in range(len(kind.outputs))]
    return {
        "id": number,
        "type": node["class_type"],
        "pos": [kind.column * 420, order * 140],
        "size": [400, 240],
        "flags": {},
        "order": order,
        "mode": 0,
        "inputs": [
            {"name": name, "type": type_, "link": arriving[slot]} for slot, (name, type_) in enumerate(kind.inputs)
        ],
        "outputs": [
            {"name": name, "type": type_, "links": leaving[slot], "slot_index": slot}
            for slot, (name, type_) in enumerate(kind.outputs)
        ],
        "properties": {"Node name for S&R": node["class_type"]},
        "widgets_values": [
            _OF_THE_EDITOR[name] if name in _OF_THE_EDITOR else node["inputs"][name] for name in kind.widgets
        ],
    }


def to_graph(editor: Mapping[str, Any]) -> Graph:
    """Turns an editor's graph into the form ComfyUI runs; widgets of nodes we do not know are left out."""
    links = editor_links(editor)
    graph: Graph = {}
    for node in editor_nodes(editor):
        kind, values = NODES.get(node["type"], Node()), node["widgets_values"]
        widgets = dict(zip(kind.widgets, values, strict=False)) if isinstance(values, list) else values
        wired = {name: links.get(link) for name, link in node["inputs"]}
        inputs = {name: value for name, value in (widgets | wired).items() if name not in _OF_THE_EDITOR}
        graph[node["id"]] = {"class_type": node["type"], "inputs": inputs}
    return graph
