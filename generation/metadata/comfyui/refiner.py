"""The part of ComfyUI's graph in which another checkpoint goes on with a picture; both ways.

Two KSamplerAdvanced share one schedule: the first stops half-way and leaves its noise, the second adds none.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from generation.errors import InvalidRequestError
from generation.metadata.comfyui.nodes import Graph, Wire, new_node
from generation.metadata.foreign import real, whole
from generation.metadata.parsed import Reading
from generation.request.options import Refiner
from generation.request.request import GenerationRequest

SAMPLERS = ("KSampler", "KSamplerAdvanced")
LEAST_DENOISE = 1e-3
TO_THE_END = 10000  # ComfyUI's own number for the last step there is
_SCORES = {"101": 6.0, "102": 2.5}  # the aesthetic scores of the prompt and of the negative prompt
_ENDING = ".safetensors"
_SAME = ("cfg", "sampler_name", "scheduler")


def write(request: GenerationRequest, graph: Graph, last: str) -> tuple[Wire, Wire] | None:
    """Adds a request's refiner to a graph.

    Args:
        request: What is painted. ComfyUI knows no shares: `at` of its refiner should be in steps; else it is taken for
            a share of these.
        graph: The graph so far; its last sampler is told where to stop.
        last: That sampler.

    Returns:
        The finished latents, and the VAE that comes with the refiner; None for a request without one.
    """
    refiner, inputs = request.refiner, graph[last]["inputs"]
    if refiner is None or (not refiner.strength and (inputs["steps"] < 2 or not inputs["denoise"])):
        return None
    graph["100"] = new_node("CheckpointLoaderSimple", ckpt_name=refiner.model + _ENDING)
    model, clip = ["100", 0], ["100", 1]
    if request.clip_skip != 2:
        graph["104"] = new_node("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-request.clip_skip)
        clip = ["104", 0]
    if request.guidance_rescale > 0:
        graph["105"] = new_node("RescaleCFG", model=model, multiplier=request.guidance_rescale)
        model = ["105", 0]
    for key, heard in (("101", "6"), ("102", "7")):
        width, height = request.size
        graph[key] = new_node(
            "CLIPTextEncodeSDXLRefiner", clip=clip, ascore=_SCORES[key], width=width, height=height,
            text=graph[heard]["inputs"]["text"],
        )  # fmt: skip
    own = {"model": model, "positive": ["101", 0], "negative": ["102", 0], "latent_image": [last, 0]}
    if refiner.strength:
        again = {**inputs, "steps": refiner.steps, "denoise": refiner.strength, **own}
        graph["103"] = new_node("KSampler", **again)
    else:
        at = refiner.at if refiner.at >= 1 else max(round(refiner.at * inputs["steps"]), 1)
        graph[last], graph["103"] = _split(inputs, own, int(at))
    return ["103", 0], ["100", 2]


def _split(inputs: Mapping[str, Any], own: Mapping[str, Any], at: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Makes two KSamplerAdvanced of a KSampler: one for its first steps, one for the others."""
    steps, denoise = inputs["steps"], inputs["denoise"]
    total = total_of(steps, denoise)
    start = total - steps
    common = {name: value for name, value in inputs.items() if name not in {"seed", "denoise"}}
    common |= {"noise_seed": inputs["seed"], "steps": total}
    first = {"add_noise": "enable", "start_at_step": start, "end_at_step": start + at}
    second = {"add_noise": "disable", "start_at_step": start + at, "end_at_step": TO_THE_END}
    return (
        new_node("KSamplerAdvanced", **common, **first, return_with_leftover_noise="enable"),
        new_node("KSamplerAdvanced", **{**common, **own}, **second, return_with_leftover_noise="disable"),
    )


def total_of(steps: int, denoise: float) -> int:
    """Returns how many steps the whole schedule has of which so many are taken, as ComfyUI's KSampler counts them."""
    return steps if denoise > 0.9999 else int(steps / max(denoise, LEAST_DENOISE))


def taken(inputs: Mapping[str, Any]) -> tuple[Any, Any]:
    """Says of a sampler node of either kind how many steps it takes, and its denoise; as they stand if they are odd."""
    steps, start = inputs.get("steps"), inputs.get("start_at_step", 0)
    if not isinstance(steps, int) or not isinstance(start, int) or not 0 < start < steps:
        return steps, inputs.get("denoise", 1.0)
    left = steps - start
    return left, _shortest(left / (steps + 1), left / steps)


def _shortest(low: float, high: float) -> float:
    """Returns the shortest decimal fraction above one number and at most another."""
    for digits in range(1, 9):
        shortest = math.floor(high * 10**digits + 1e-9) / 10**digits
        if shortest > low:
            return float(shortest)
    return high


class RefinerReader:
    """Reads a sampler that goes on with the latents of another."""

    def __init__(self, visit: Callable[[Any], dict[str, Any]], kind: Callable[[Any], str], reading: Reading) -> None:
        self._visit = visit
        self._kind = kind
        self._reading = reading

    def read(self, sampler: str, last: str) -> None:
        """Reads a sampler whose latents come from the last one, as its refiner."""
        inputs, before = self._visit(sampler), self._visit(last)
        for name in _SAME:
            if name in before and inputs.get(name) != before[name]:
                self._reading.report(f"refiner {name}", inputs.get(name))
        for name in ("positive", "negative"):
            self._visit(self._visit(inputs.get(name)).get("clip"))
        try:
            self._reading.values["refiner"] = self._refiner(self._model(inputs.get("model")), inputs, before)
        except (InvalidRequestError, TypeError, ValueError) as error:
            self._reading.report("refiner", str(error))

    def _refiner(self, model: str, inputs: Mapping[str, Any], before: Mapping[str, Any]) -> Refiner:
        if "start_at_step" not in inputs:
            return Refiner(model=model, strength=real(inputs.get("denoise", 1.0)), steps=whole(inputs.get("steps", 20)))
        return Refiner(model=model, at=real(whole(inputs["start_at_step"]) - whole(before.get("start_at_step", 0))))

    def _model(self, wire: Any) -> str:
        for _ in range(20):
            kind, inputs = self._kind(wire), self._visit(wire)
            if "ckpt_name" in inputs:
                return str(inputs["ckpt_name"]).replace("\\", "/").rpartition("/")[2].removesuffix(_ENDING)
            if kind == "LoraLoader":
                self._reading.report("refiner lora", inputs.get("lora_name"))
            wire = inputs.get("model")
        return ""
