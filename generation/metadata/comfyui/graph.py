"""ComfyUI's two texts: `prompt`, the graph it runs, and `workflow`, the graph its editor shows.

What we write is the default SDXL graph with ComfyUI's own node numbers, and a node for what a request has beyond it.
"""

import json
from collections.abc import Mapping
from typing import Any

from generation.errors import InvalidRequestError
from generation.metadata.comfyui import hires, img2img, refiner
from generation.metadata.comfyui.nodes import NODES, Graph, Wire, new_node, to_editor, to_graph
from generation.metadata.foreign import MAX_WIRES, loaded, nodes_of, real, whole
from generation.metadata.parsed import Reading
from generation.prompt.parser import parse, without_loras
from generation.request.options import Lora
from generation.request.request import GenerationRequest
from generation.request.sampler_info import PREDICTIONS, SAMPLERS, SCHEDULES
from generation.typed_text import TypedText

_AFTER = {"SaveImage", "PreviewImage", "VAEDecode", "VAELoader", "ImageCompositeMasked"}
_ENDING = ".safetensors"


def to_prompt(request: GenerationRequest) -> str:
    """Writes the graph ComfyUI runs, as JSON: dropped into it, it paints the picture (or its batch) again."""
    return json.dumps(_graph(request), ensure_ascii=False)


def to_workflow(request: GenerationRequest) -> str:
    """Writes the graph ComfyUI's editor shows (version 0.4), as JSON."""
    return json.dumps(to_editor(_graph(request)), ensure_ascii=False)


def from_prompt(text: TypedText | str) -> Reading:
    """Reads a graph that ComfyUI ran: what leads to its first sampler; other nodes are reported.

    Raises:
        InvalidRequestError: It is no such graph, or nothing in it samples.
    """
    return _read(_loaded(text))


def from_workflow(text: TypedText | str) -> Reading:
    """Reads a graph of ComfyUI's editor, as `from_prompt` does.

    Raises:
        InvalidRequestError: It is no such graph, or nothing in it samples.
    """
    editor = _loaded(text)
    if not isinstance(editor.get("nodes"), list):
        raise InvalidRequestError("recipe", "This is no ComfyUI workflow: it has no nodes.")
    return _read(to_graph(editor))


def _loaded(text: str) -> dict[str, Any]:
    graph = loaded(text, "ComfyUI graph")
    if not isinstance(graph, dict):
        raise InvalidRequestError("recipe", "The ComfyUI graph is no JSON object.")
    return graph


def _graph(request: GenerationRequest) -> Graph:
    model, clip, vae = ["4", 0], ["4", 1], ["4", 2]
    extra: Graph = {}
    for number, lora in enumerate((*request.loras, *parse(request.prompt).loras), 40):
        extra[str(number)] = new_node(
            "LoraLoader", model=model, clip=clip, lora_name=lora.name + _ENDING, strength_model=lora.strength,
            strength_clip=lora.text_strength,
        )  # fmt: skip
        model, clip = [str(number), 0], [str(number), 1]
    if request.clip_skip != 2:
        extra["10"] = new_node("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-request.clip_skip)
        clip = ["10", 0]
    if request.vae:
        extra["11"] = new_node("VAELoader", vae_name=request.vae + _ENDING)
        vae = ["11", 0]
    if request.prediction != "checkpoint":
        kind = "eps" if request.prediction == "epsilon" else "v_prediction"
        zero = request.prediction.endswith("zsnr")
        extra["12"] = new_node("ModelSamplingDiscrete", model=model, sampling=kind, zsnr=zero)
        model = ["12", 0]
    if request.guidance_rescale > 0:
        extra["13"] = new_node("RescaleCFG", model=model, multiplier=request.guidance_rescale)
        model = ["13", 0]
    begun = img2img.write(request, vae)
    picture: Wire = ["8", 0]
    if begun.under is not None:
        extra["14"] = new_node(
            "ImageCompositeMasked", destination=begun.under, source=picture, mask=begun.mask, x=0, y=0,
            resize_source=False,
        )  # fmt: skip
        picture = ["14", 0]
    sampler = new_node(
        "KSampler",
        seed=request.seed, steps=request.steps, cfg=request.guidance_scale, sampler_name=request.sampler,
        scheduler=request.scheduler, model=model, positive=["6", 0], negative=["7", 0],
        denoise=1.0 if request.init is None else request.init.strength, latent_image=begun.latents,
    )  # fmt: skip
    second, latents = hires.write(request, sampler, vae)
    graph = {
        hires.FIRST: sampler,
        "4": new_node("CheckpointLoaderSimple", ckpt_name=request.model + _ENDING),
        "6": new_node("CLIPTextEncode", text=without_loras(request.prompt), clip=clip),
        "7": new_node("CLIPTextEncode", text=without_loras(request.negative_prompt), clip=clip),
        "8": new_node("VAEDecode", samples=latents, vae=vae),
        "9": new_node("SaveImage", filename_prefix="Easel", images=picture),
        **begun.nodes,
        **second,
        **extra,
    }
    if refined := refiner.write(request, graph, latents[0]):
        latents, own_vae = refined
        graph["8"] = new_node("VAEDecode", samples=latents, vae=vae if request.vae else own_vae)
    return graph


def _read(graph: Mapping[str, Any]) -> Reading:
    nodes = nodes_of(graph)
    samplers = [key for key, node in nodes.items() if node["class_type"] in refiner.SAMPLERS and node["inputs"]]
    if not samplers:
        raise InvalidRequestError("recipe", "The ComfyUI graph has no KSampler.")
    reading = Reading("ComfyUI", {"weights": "comfyui", "noise": "comfyui"})
    walk = _Walk(nodes, reading)
    first, *others = sorted(samplers, key=lambda key: (walk.fed_by(key) is not None, not key.isdigit(), key.zfill(9)))
    walk.sampler(first)
    last = first
    for other in others:
        last = walk.later(other, last)
    for key, node in nodes.items():
        if key not in walk.seen and node["class_type"] not in _AFTER:
            reading.report(f"node {key}", node["class_type"])
    return reading


class _Walk:
    """Follows the wires from a sampler back to where its inputs come from."""

    def __init__(self, nodes: Mapping[str, Any], reading: Reading) -> None:
        self._nodes = nodes
        self._reading = reading
        self.seen: set[str] = set()

    def sampler(self, key: str) -> None:
        inputs = self._visit(key)
        take = self._reading.take
        take("seed", inputs.get("seed", inputs.get("noise_seed")), whole)
        steps, denoise = refiner.taken(inputs)
        take("steps", steps, whole)
        take("guidance_scale", inputs.get("cfg"), real)
        take("sampler", str(inputs.get("sampler_name")).removesuffix("_gpu"), str, SAMPLERS)
        take("scheduler", inputs.get("scheduler"), str, SCHEDULES)
        self._model(inputs.get("model"))
        self._text("prompt", inputs.get("positive"))
        self._text("negative_prompt", inputs.get("negative"))
        begun = img2img.BeginningReader(self._visit, self._kind, self._reading)
        begun.latents(inputs.get("latent_image"), denoise)
        self._vae()

    def fed_by(self, key: str) -> str | None:
        """Returns the sampler whose latents another sampler goes on with; None where there is none."""
        wire = self._nodes[key]["inputs"].get("latent_image")
        return str(wire[0]) if self._kind(wire) in refiner.SAMPLERS else None

    def later(self, key: str, last: str) -> str:
        """Reads another sampler, the refiner or the second pass of the last one; returns which is the last then."""
        if self.fed_by(key) == last:
            refiner.RefinerReader(self._visit, self._kind, self._reading).read(key, last)
        else:
            reader = hires.SecondPassReader(self._visit, self._kind, self._reading)
            reader.read(key, last, self._nodes[key]["inputs"])
        return key if key in self.seen else last

    def _visit(self, wire: Any) -> dict[str, Any]:
        """Returns the inputs of the node at a wire's other end; {} where there is none."""
        key = str(wire[0]) if isinstance(wire, list) and wire else str(wire)
        node = self._nodes.get(key)
        if node is None:
            return {}
        self.seen.add(key)
        if node["class_type"] not in NODES and node["class_type"] not in refiner.SAMPLERS:
            self._reading.report(f"node {key}", node["class_type"])
        inputs: dict[str, Any] = node["inputs"]
        return inputs

    def _kind(self, wire: Any) -> str:
        key = str(wire[0]) if isinstance(wire, list) and wire else ""
        return str(self._nodes.get(key, {}).get("class_type", ""))

    def _model(self, wire: Any) -> None:
        for _ in range(MAX_WIRES):
            kind, inputs = self._kind(wire), self._visit(wire)
            if kind == "RescaleCFG":
                self._reading.take("guidance_rescale", inputs.get("multiplier"), real)
            elif kind == "ModelSamplingDiscrete":
                said = {"eps": "epsilon", "v_prediction": "v_prediction"}.get(str(inputs.get("sampling")))
                zero = "_zsnr" if inputs.get("zsnr") and said == "v_prediction" else ""
                self._reading.take("prediction", f"{said}{zero}", str, PREDICTIONS)
            elif kind == "LoraLoader":
                self._lora(inputs)
            elif "ckpt_name" in inputs:
                self._reading.values["model"] = _bare(inputs["ckpt_name"])
                return
            wire = inputs.get("model")

    def _lora(self, inputs: Mapping[str, Any]) -> None:
        """Takes in a LoRA; the wires are followed upwards, so the last one comes first."""
        try:
            strengths = real(inputs.get("strength_model", 1)), real(inputs.get("strength_clip", 1))
            lora = Lora(_bare(inputs.get("lora_name", "")), *strengths)
        except (InvalidRequestError, TypeError, ValueError) as error:
            self._reading.report("lora", str(error))
            return
        self._reading.values["loras"] = (lora, *self._reading.values.get("loras", ()))

    def _text(self, field: str, wire: Any) -> None:
        inputs = self._visit(wire)
        text = inputs.get("text", inputs.get("text_g"))
        if isinstance(text, str):
            self._reading.values[field] = text
        else:
            self._reading.report(field, f"its text comes from {self._kind(text) or self._kind(wire) or 'nowhere'}")
        if self._kind(inputs.get("clip")) == "CLIPSetLastLayer":
            layer = self._visit(inputs["clip"]).get("stop_at_clip_layer")
            self._reading.take("clip_skip", layer, lambda value: -whole(value), range(1, 13))

    def _vae(self) -> None:
        for node in self._nodes.values():
            if node["class_type"] == "VAEDecode":
                loader = node["inputs"].get("vae")
                if self._kind(loader) == "VAELoader":
                    self._reading.values["vae"] = _bare(self._visit(loader).get("vae_name", ""))


def _bare(file: Any) -> str:
    return str(file).replace("\\", "/").rpartition("/")[2].removesuffix(_ENDING)
