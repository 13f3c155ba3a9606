"""What makes a model's UNet calls faster on its device, by the operator's wishes."""

from concurrent.futures import Executor

from generation.sdxl.acceleration.compiled import CompiledUnet
from generation.sdxl.acceleration.cuda_graphs import GraphedUnet
from generation.sdxl.model.device import total_memory
from generation.sdxl.model.model import AcceleratedUnet, Model
from generation.settings import GenerationSettings

ROOMY = 15 * 2**30  # bytes of a card's memory from which recordings fit beside SDXL; "16 GB" cards have a little less


def accelerate(
    model: Model, settings: GenerationSettings, background: Executor | None = None
) -> AcceleratedUnet | None:
    """Returns what stands for the UNet: compiled, recorded, both, or None.

    Args:
        model: Whose UNet it is, settled where it will paint.
        settings: The operator's wishes.
        background: Where is compiled; None for not compiling.
    """
    compiled = CompiledUnet(model.unet, background) if settings.compile and background is not None else None
    memory = total_memory(model.placement.device)
    wanted = settings.cuda_graphs if settings.cuda_graphs is not None else memory >= ROOMY
    if model.placement.device.type != "cuda" or not wanted:
        return compiled
    return GraphedUnet(model.unet, compiled)
