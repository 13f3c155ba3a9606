"""The UNet compiled, shape by shape, in the background; as it is until then, and for good where compiling fails."""

import copy
import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.resnet import ResnetBlock2D
from torch import Tensor

log = logging.getLogger(__name__)

MOST_SHAPES = 8  # each takes a while to compile, and memory
USUAL = 3  # calls of a shape before it is worth that
BLOCKS = (BasicTransformerBlock, ResnetBlock2D)  # nearly all of a UNet, a few kinds over and over
MOST_KINDS = 32 * MOST_SHAPES  # of block, by widths and shapes: SDXL has 13; torch by itself would give up after 8

Shape = tuple[torch.Size, torch.Size]
Compile = Callable[[Any], Callable[..., Any]]


class BlockwiseUnet:
    """A UNet whose blocks are compiled, each kind once: seconds where the whole takes minutes.

    What is compiled is a twin with the same weights, so that the UNet itself can be called meanwhile. Where a call
    meets a shape for the first time, it compiles; torch keeps its settings by thread, so each call brings its own.

    Args:
        unet: Whose weights it works with.
        backend: torch's compiler.
    """

    def __init__(self, unet: UNet2DConditionModel, backend: str = "inductor") -> None:
        weights = (*unet.parameters(), *unet.buffers())
        self._twin: Any = copy.deepcopy(unet, {id(weight): weight for weight in weights})
        for module in self._twin.modules():
            if isinstance(module, BLOCKS):
                module.compile(dynamic=False, backend=backend)

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        with torch._dynamo.config.patch(recompile_limit=MOST_KINDS):
            return self._twin(latents, timesteps, **conditions)


class CompiledUnet:
    """Stands for a UNet; the calls belong to the device's thread.

    Args:
        unet: What is called as it is.
        background: Where is compiled, one shape after the other.
        compile_unet: Makes the compiled function; it compiles when it is called with a new shape.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        background: Executor,
        compile_unet: Compile = BlockwiseUnet,
    ) -> None:
        self._unet: Any = unet
        self._background = background
        self._compiled = compile_unet(unet)
        self._calls: dict[Shape, int] = {}
        self._warm: dict[Shape, Future[None]] = {}

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        shape = (latents.shape, conditions["encoder_hidden_states"].shape)
        if self._is_warm(shape):
            return self._compiled(latents, timesteps, **conditions)
        self._calls[shape] = self._calls.get(shape, 0) + 1
        if self._calls[shape] >= USUAL and shape not in self._warm and self._has_room:
            log.info("compiling the UNet for latents of %s", tuple(latents.shape))
            self._warm[shape] = self._background.submit(self._warm_up, latents.clone(), timesteps.clone(), conditions)
            self._warm[shape].add_done_callback(_report)
        return self._unet(latents, timesteps, **conditions)

    def forget(self) -> None:
        """Lets shapes be tried again whose compiling was under way while the weights moved: it may fail for that."""
        self._warm = {shape: warm for shape, warm in self._warm.items() if warm.done()}

    def release(self) -> bool:
        """Says that there is nothing to give up: what is compiled takes no memory of the device's."""
        return False

    def settled(self, latents: Tensor, hidden: Tensor) -> bool:
        """Whether calls for latents and prompts of these shapes will go on as they are made now."""
        warm = self._warm.get((latents.shape, hidden.shape))
        return warm.done() if warm is not None else not self._has_room

    @property
    def _has_room(self) -> bool:
        return sum(not warm.done() or _succeeded(warm) for warm in self._warm.values()) < MOST_SHAPES

    def _is_warm(self, shape: Shape) -> bool:
        warm = self._warm.get(shape)
        return warm is not None and _succeeded(warm)

    @torch.inference_mode()
    def _warm_up(self, latents: Tensor, timesteps: Tensor, conditions: dict[str, Any]) -> None:
        self._compiled(latents, timesteps, **conditions)


def _succeeded(warm: "Future[None]") -> bool:
    return warm.done() and not warm.cancelled() and warm.exception() is None


def _report(warm: "Future[None]") -> None:
    if not warm.cancelled() and (error := warm.exception()) is not None:
        log.warning("the UNet cannot be compiled and is called as it is: %s", error)
