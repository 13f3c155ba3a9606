"""Another checkpoint goes on with a picture: half-way through its schedule, or with a pass of its own at the end.

Half-way is SDXL's ensemble of experts (Podell et al. 2023, arXiv 2307.01952, section 2.5): the noisy latents change
hands and no noise is added. The sampler begins anew there, as ComfyUI's second KSamplerAdvanced does.
"""

from dataclasses import dataclass, replace

from torch import Tensor

from generation.images.inpaint_canvas import Canvas
from generation.request.options import Refiner
from generation.request.request import GenerationRequest
from generation.sdxl.engine.run import Run
from generation.sdxl.latents.init_latents import LatentHandoff, Start, begin
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import Conditioning


@dataclass(frozen=True, slots=True, eq=False)
class Unrefined:
    """What is left of a run while it waits for its refiner: nothing of the checkpoint, which may leave memory.

    Attributes:
        request: The run's own.
        refiner: What is to go on with it.
        index: Which picture of its job it is.
        start: What the run began from.
        latents: (1, 4, h, w), finished or half-way.
        left: The rest of its schedule; None where the refiner makes a pass of its own.
    """

    request: GenerationRequest
    refiner: Refiner
    index: int
    start: Start
    latents: Tensor
    left: LatentHandoff | None

    @property
    def next_model(self) -> str:
        """The checkpoint that goes on with it."""
        return self.refiner.model


def put_down(run: Run) -> Unrefined:
    """Takes from a run that has its latents what its refiner needs."""
    if run.request.refiner is None or run.latents is None:
        raise AssertionError("a refiner goes on with latents")
    return Unrefined(run.request, run.request.refiner, run.index, run.start, run.latents, run.left)


def refined(run: Unrefined, model: Model, text: list[Conditioning], canvas: Canvas | None, tile: int = 0) -> Run:
    """Begins what another checkpoint does with a run's latents.

    Args:
        run: As the first checkpoint left it.
        model: That refiner.
        text: The prompts as that model hears them.
        canvas: The input picture; None for none.
        tile: The side in pixels that memory is to suffice for; 0 for the usual.
    """
    refiner = run.refiner
    own = run.request.prediction if refiner.model == run.request.model else "checkpoint"
    request = replace(run.request, model=refiner.model, refiner=None, prediction=own)
    start = replace(run.start, beside=begin(model, request, canvas, tile).beside if model.inpaints else None)
    if refiner.strength:
        request = replace(request, steps=refiner.steps)
        start = replace(start, latents=run.latents, strength=refiner.strength)
    else:
        start = replace(start, handoff=run.left)
    return Run(request, run.index, model, text, start)
