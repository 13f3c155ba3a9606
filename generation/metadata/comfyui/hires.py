"""The part of ComfyUI's graph that paints a second, larger pass; both ways."""

from collections.abc import Callable, Mapping
from typing import Any

from generation.errors import InvalidRequestError
from generation.metadata.comfyui.nodes import Graph, Wire, new_node
from generation.metadata.comfyui.refiner import taken
from generation.metadata.foreign import real, whole
from generation.metadata.parsed import Reading
from generation.request.options import ENLARGERS, Hires
from generation.request.request import GenerationRequest

FIRST, SECOND = "3", "30"
_ENDING = ".safetensors"


def write(request: GenerationRequest, sampler: Mapping[str, Any], vae: Wire) -> tuple[Graph, Wire]:
    """Writes the nodes of a request's second pass; ComfyUI's own nodes paint it in one piece.

    Args:
        request: What is painted.
        sampler: The first pass's sampler node.
        vae: What decodes and encodes.

    Returns:
        The nodes, and the finished latents: the first pass's where there is no second.
    """
    hires, first = request.hires, [FIRST, 0]
    if hires is None:
        return {}, first
    width, height = request.size
    if hires.method == "latent":
        larger = new_node(
            "LatentUpscale", samples=first, upscale_method="bilinear", width=width, height=height, crop="disabled"
        )
        nodes: Graph = {"31": larger}
    else:
        nodes = {"32": new_node("VAEDecode", samples=first, vae=vae)}
        picture: Wire = ["32", 0]
        if hires.method not in ENLARGERS:
            nodes["33"] = new_node("UpscaleModelLoader", model_name=hires.method + _ENDING)
            nodes["34"] = new_node("ImageUpscaleWithModel", upscale_model=["33", 0], image=picture)
            picture = ["34", 0]
        nodes["35"] = new_node(
            "ImageScale", image=picture, upscale_method="bicubic", width=width, height=height, crop="disabled"
        )
        nodes["31"] = new_node("VAEEncode", pixels=["35", 0], vae=vae)
    again = {**sampler["inputs"], "steps": hires.steps, "denoise": hires.strength, "latent_image": ["31", 0]}
    nodes[SECOND] = new_node("KSampler", **again)
    return nodes, [SECOND, 0]


class SecondPassReader:
    """Follows the wires from another sampler back to the first."""

    def __init__(self, visit: Callable[[Any], dict[str, Any]], kind: Callable[[Any], str], reading: Reading) -> None:
        self._visit = visit
        self._kind = kind
        self._reading = reading

    def read(self, sampler: str, first: str, inputs: Mapping[str, Any]) -> None:
        """Reads a sampler as the second pass of the first one; leaves it unvisited if it is none."""
        method, size, wire = "latent", inputs.get("latent_image"), inputs.get("latent_image")
        if self._kind(wire) == "VAEEncode":
            method, wire = "pixel", self._visit(wire).get("pixels")
        size = self._visit(wire)
        wire = size.get("image", size.get("samples"))
        if self._kind(wire) == "ImageUpscaleWithModel":
            enlarging = self._visit(wire)
            method = str(self._visit(enlarging.get("upscale_model")).get("model_name", "")).removesuffix(_ENDING)
            wire = enlarging.get("image")
        if self._kind(wire) == "VAEDecode":
            wire = self._visit(wire).get("samples")
        if not isinstance(wire, list) or wire[:1] != [first]:
            return
        self._visit([sampler, 0])
        self._take(inputs, size, method)

    def _take(self, inputs: Mapping[str, Any], size: Mapping[str, Any], method: str) -> None:
        width, height = (self._reading.values.get(side) for side in ("width", "height"))
        try:
            steps, denoise = taken({"steps": 20} | dict(inputs))
            hires = Hires(
                scale=whole(size["width"]) / whole(width or 0),
                strength=real(denoise),
                steps=whole(steps),
                method=method,
            )
            larger = hires.size(whole(width or 0), whole(height or 0))
        except (InvalidRequestError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            self._reading.report("hires", str(error))
            return
        if larger == (size["width"], size.get("height")):
            self._reading.values["hires"] = hires
        else:
            self._reading.report("hires", f"{size['width']}x{size.get('height')}, which is another aspect")
