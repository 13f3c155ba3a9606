"""The part of ComfyUI's graph that a picture begins from: loaded, scaled, padded, encoded, masked; both ways."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from generation.errors import InvalidRequestError
from generation.metadata.comfyui.nodes import Graph, Wire, new_node
from generation.metadata.foreign import MAX_WIRES, real, whole
from generation.metadata.parsed import Reading
from generation.request.options import Init, Mask, OutpaintPadding
from generation.request.request import GenerationRequest

EMPTY = "EmptyLatentImage"
_NAMED = re.compile(r"([0-9a-f]{64})\.\w+(?: \[\w+\])?")


@dataclass(frozen=True, slots=True)
class Beginning:
    """Nodes, the latents they give, and the picture and mask that the result is laid over, where it is."""

    nodes: Graph
    latents: Wire
    under: Wire | None = None
    mask: Wire | None = None


def write(request: GenerationRequest, vae: Wire) -> Beginning:
    """Writes the nodes that a request's latents come from.

    Pictures are named by their SHA-256, as they must lie in ComfyUI's input folder. What ComfyUI's own nodes cannot
    say (soft edges of a mask, a detail at full size) is told as nearly as they can.
    """
    if request.init is None:
        sides = {"width": request.width, "height": request.height}
        return Beginning({"5": new_node(EMPTY, **sides, batch_size=request.rows)}, ["5", 0])
    edges = request.outpaint
    width = request.width - (edges.left + edges.right if edges else 0)
    height = request.height - (edges.top + edges.bottom if edges else 0)
    nodes: Graph = {
        "20": new_node("LoadImage", image=f"{request.init.picture}.png"),
        "21": new_node(
            "ImageScale", image=["20", 0], upscale_method="lanczos", width=width, height=height,
            crop="center" if request.init.fit == "crop" else "disabled",
        ),
    }  # fmt: skip
    picture: Wire = ["21", 0]
    mask = _mask(nodes, request.mask) if request.mask else None
    if edges is not None:
        nodes["22"] = new_node(
            "ImagePadForOutpaint", image=picture, left=edges.left, top=edges.top, right=edges.right,
            bottom=edges.bottom, feathering=edges.feather,
        )  # fmt: skip
        picture, mask = ["22", 0], ["22", 1]
    nodes["23"] = new_node("VAEEncode", pixels=picture, vae=vae)
    latents: Wire = ["23", 0]
    if request.rows > 1:
        nodes["24"] = new_node("RepeatLatentBatch", samples=latents, amount=request.rows)
        latents = ["24", 0]
    if mask is None:
        return Beginning(nodes, latents)
    nodes["25"] = new_node("SetLatentNoiseMask", samples=latents, mask=mask)
    return Beginning(nodes, ["25", 0], picture, mask)


def _mask(nodes: Graph, mask: Mask) -> Wire:
    wire: Wire = ["20", 1]
    if mask.picture:
        nodes["26"] = new_node("LoadImageMask", image=f"{mask.picture}.png", channel="red")
        wire = ["26", 0]
    if mask.invert:
        nodes["27"] = new_node("InvertMask", mask=wire)
        wire = ["27", 0]
    if mask.grow or mask.feather:
        nodes["28"] = new_node("GrowMask", mask=wire, expand=mask.grow + mask.feather // 2, tapered_corners=False)
        wire = ["28", 0]
    return wire


def _sum(added: int, value: Any) -> int:
    return whole(value) + added


class BeginningReader:
    """Follows the wires from a sampler's latents back to the pictures they come from."""

    def __init__(self, visit: Callable[[Any], dict[str, Any]], kind: Callable[[Any], str], reading: Reading) -> None:
        self._visit = visit
        self._kind = kind
        self._reading = reading

    def latents(self, wire: Any, denoise: Any) -> None:
        """Reads what a sampler begins from, and how much of the way it goes."""
        kind, inputs = self._kind(wire), self._visit(wire)
        mask: dict[str, Any] | None = None
        for _ in range(MAX_WIRES):
            if kind not in {"SetLatentNoiseMask", "RepeatLatentBatch"}:
                break
            if kind == "SetLatentNoiseMask":
                mask = self._mask(inputs.get("mask"))
            else:
                self._reading.take("count", inputs.get("amount"), whole, range(1, 11))
            wire = inputs.get("samples")
            kind, inputs = self._kind(wire), self._visit(wire)
        if kind == EMPTY:
            self._empty(inputs)
        elif kind == "VAEEncode":
            self._picture(inputs.get("pixels"), denoise, mask)
            return
        if denoise != 1.0:
            self._reading.report("denoise", denoise)

    def _empty(self, inputs: Mapping[str, Any]) -> None:
        for side in ("width", "height"):
            self._reading.take(side, inputs.get(side), whole)
        if inputs.get("batch_size", 1) != 1:
            self._reading.take("count", inputs["batch_size"], whole, range(1, 11))

    def _picture(self, wire: Any, denoise: Any, mask: dict[str, Any] | None) -> None:
        fit, edges = "crop", None
        kind, inputs = self._kind(wire), self._visit(wire)
        if kind == "ImagePadForOutpaint":
            edges = self._edges(inputs)
            wire = inputs.get("image")
            kind, inputs = self._kind(wire), self._visit(wire)
        if kind == "ImageScale":
            for side, beside in (("width", ("left", "right")), ("height", ("top", "bottom"))):
                added = sum(edges[each] for each in beside) if edges else 0
                self._reading.take(side, inputs.get(side), partial(_sum, added))
            fit = "crop" if inputs.get("crop") == "center" else "stretch"
            wire = inputs.get("image")
            inputs = self._visit(wire)
        digest = self._digest(inputs)
        if digest is None:
            self._reading.report("image", f"{inputs.get('image')}: give it with --image --strength {denoise}")
            return
        try:
            self._reading.values["init"] = Init(picture=digest, strength=real(denoise), fit=fit)
            if edges is not None:
                self._reading.values["outpaint"] = OutpaintPadding(**edges)
            elif mask is not None:
                self._reading.values["mask"] = Mask(**mask)
        except (InvalidRequestError, TypeError, ValueError) as error:
            self._reading.report("image", str(error))

    def _edges(self, inputs: Mapping[str, Any]) -> dict[str, int]:
        names = {"left": "left", "top": "top", "right": "right", "bottom": "bottom", "feather": "feathering"}
        return {name: self._number(f"outpaint {name}", inputs.get(theirs, 0)) for name, theirs in names.items()}

    def _number(self, name: str, value: Any) -> int:
        try:
            return whole(value)
        except (TypeError, ValueError) as error:
            self._reading.report(name, str(error))
            return 0

    def _mask(self, wire: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"area": "canvas"}
        for _ in range(4):
            kind, inputs = self._kind(wire), self._visit(wire)
            if kind == "GrowMask":
                found["grow"] = self._number("grow", inputs.get("expand", 0))
            elif kind == "InvertMask":
                found["invert"] = True
            else:
                found["picture"] = (self._digest(inputs) or "") if kind == "LoadImageMask" else ""
                return found
            wire = inputs.get("mask")
        return found

    def _digest(self, inputs: Mapping[str, Any]) -> str | None:
        named = _NAMED.fullmatch(str(inputs.get("image")))
        return named[1] if named else None
