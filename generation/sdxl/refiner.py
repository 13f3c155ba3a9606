"""Another checkpoint goes on with a picture: half-way through its schedule, or with a pass of its own at the end.

Half-way is SDXL's ensemble of experts (Podell et al. 2023, arXiv 2307.01952, section 2.5): the noisy latents change
hands and no noise is added. The sampler begins anew there, as ComfyUI's second KSamplerAdvanced does.
"""

from dataclasses import replace

from generation.canvas import Canvas
from generation.sdxl.model import Model
from generation.sdxl.run import Run
from generation.sdxl.start import begin
from generation.sdxl.text import Conditioning


def refined(run: Run, model: Model, text: list[Conditioning], canvas: Canvas | None, tile: int = 0) -> Run:
    """Begins what another checkpoint does with a run's latents.

    Args:
        run: With its latents, and a refiner in its request.
        model: That refiner.
        text: The prompts as that model hears them.
        canvas: The input picture; None for none.
        tile: The side in pixels that memory is to suffice for; 0 for the usual.
    """
    refiner = run.request.refiner
    if refiner is None or run.latents is None:
        raise AssertionError("a refiner goes on with latents")
    own = run.request.prediction if refiner.model == run.request.model else "checkpoint"
    request = replace(run.request, model=refiner.model, refiner=None, prediction=own)
    start = replace(run.start, beside=begin(model, request, canvas, tile).beside if model.inpaints else None)
    if refiner.strength:
        request = replace(request, steps=refiner.steps)
        start = replace(start, latents=run.latents, strength=refiner.strength)
    else:
        start = replace(start, handover=run.left)
    return Run(request, run.index, model, text, start)
