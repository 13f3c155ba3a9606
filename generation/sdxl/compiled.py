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
MOST_KINDS = 64  # of block, by widths and shapes, where torch by itself would give up after 8

Shape = tuple[torch.Size, torch.Size]
Compile = Callable[[Any], Callable[..., Any]]


def by_blocks(unet: UNet2DConditionModel) -> Callable[..., Any]:
    """Compiles a UNet's blocks, each kind once: seconds where the whole takes minutes.

    What is compiled is a twin with the same weights, so that the UNet itself can be called meanwhile.
    """
    torch._dynamo.config.recompile_limit = MOST_KINDS
    weights = (*unet.parameters(), *unet.buffers())
    twin: Any = copy.deepcopy(unet, {id(weight): weight for weight in weights})
    for module in twin.modules():
        if isinstance(module, BLOCKS):
            module.compile(dynamic=False)
    return twin  # type: ignore[no-any-return]  # diffusers is not typed


class CompiledUnet:
    """Stands for a UNet; the calls belong to the device's thread.

    Args:
        unet: What is called as it is.
        background: Where is compiled, one shape after the other.
        compile: Makes the compiled function; it compiles when it is called with a new shape.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        background: Executor,
        compile: Compile = by_blocks,  # noqa: A002
    ) -> None:
        self._unet: Any = unet
        self._background = background
        self._compiled = compile(unet)
        self._calls: dict[Shape, int] = {}
        self._warm: dict[Shape, Future[None]] = {}

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        shape = (latents.shape, conditions["encoder_hidden_states"].shape)
        if self._is_warm(shape):
            return self._compiled(latents, timesteps, **conditions)
        self._calls[shape] = self._calls.get(shape, 0) + 1
        if self._calls[shape] >= USUAL and shape not in self._warm and len(self._warm) < MOST_SHAPES:
            log.info("compiling the UNet for latents of %s", tuple(latents.shape))
            self._warm[shape] = self._background.submit(self._warm_up, latents.clone(), timesteps.clone(), conditions)
            self._warm[shape].add_done_callback(_report)
        return self._unet(latents, timesteps, **conditions)

    def forget(self) -> None:
        """Has nothing to forget: wherever the weights lie, they are looked at anew with every call."""

    def settled(self, latents: Tensor, hidden: Tensor) -> bool:
        """Whether calls for latents and prompts of these shapes will go on as they are made now."""
        warm = self._warm.get((latents.shape, hidden.shape))
        return warm.done() if warm is not None else len(self._warm) >= MOST_SHAPES

    def _is_warm(self, shape: Shape) -> bool:
        warm = self._warm.get(shape)
        return warm is not None and warm.done() and warm.exception() is None

    @torch.inference_mode()
    def _warm_up(self, latents: Tensor, timesteps: Tensor, conditions: dict[str, Any]) -> None:
        self._compiled(latents, timesteps, **conditions)


def _report(warm: "Future[None]") -> None:
    if not warm.cancelled() and (error := warm.exception()) is not None:
        log.warning("the UNet cannot be compiled and is called as it is: %s", error)
