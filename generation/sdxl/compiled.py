"""The UNet compiled, shape by shape, in the background; eagerly until then, and for good where compiling fails."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

log = logging.getLogger(__name__)

MOST_SHAPES = 8  # each takes a minute of compiling, and memory
USUAL = 3  # calls of a shape before it is worth that

Shape = tuple[torch.Size, torch.Size]
Compile = Callable[[Callable[..., Any]], Callable[..., Any]]


def for_fixed_shapes(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles for one shape at a time, which gives the fastest code."""
    return torch.compile(forward, dynamic=False)


class CompiledUnet:
    """Stands for a UNet; the calls belong to the device's thread.

    Args:
        unet: What is called eagerly.
        background: Where is compiled, one shape after the other.
        compile: Makes the compiled function; it compiles when it is called with a new shape.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        background: Executor,
        compile: Compile = for_fixed_shapes,  # noqa: A002
    ) -> None:
        self._unet: Any = unet
        self._background = background
        self._compiled = compile(self._unet.forward)
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

    def _is_warm(self, shape: Shape) -> bool:
        warm = self._warm.get(shape)
        return warm is not None and warm.done() and warm.exception() is None

    @torch.inference_mode()
    def _warm_up(self, latents: Tensor, timesteps: Tensor, conditions: dict[str, Any]) -> None:
        self._compiled(latents, timesteps, **conditions)


def _report(warm: "Future[None]") -> None:
    if not warm.cancelled() and (error := warm.exception()) is not None:
        log.warning("the UNet cannot be compiled and is called eagerly: %s", error)
