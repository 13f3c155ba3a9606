"""The UNet's usual calls recorded as CUDA graphs: one launch where there were thousands.

A call of SDXL's UNet launches some three thousand kernels, for which a processor takes 20 to 60 ms; a fast card is done
with a small picture long before. Played back, a call takes what the card takes (docs/performance.md has figures).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

log = logging.getLogger(__name__)

MOST_SHAPES = 8  # recordings share their memory, so each further one takes little
USUAL = 3  # calls of a shape before it is recorded

Shape = tuple[torch.Size, ...]
Play = Callable[[], None]
Capture = Callable[[Callable[[], Tensor], Any], tuple[Play, Tensor]]


def capture(call: Callable[[], Tensor], pool: Any) -> tuple[Play, Tensor]:
    """Records what a call does on the card instead of doing it.

    Args:
        call: Returns a tensor.
        pool: Whose memory it works in; recordings that are never played at the same time may share one.

    Returns:
        What does it, and where the answer lies then.

    Raises:
        RuntimeError: It does something that cannot be recorded, or memory ran out.
    """
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        answer = call()
    return graph.replay, answer


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded call: what it reads from, and where its answer lies until it is played back again."""

    play: Play
    inputs: tuple[Tensor, ...]
    answer: Tensor

    def __call__(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Makes the call with other values; the answer is the caller's."""
        for mine, theirs in zip(self.inputs, inputs, strict=True):
            mine.copy_(theirs)
        self.play()
        return self.answer.clone()


class GraphedUnet:
    """Stands for a UNet on a CUDA device; belongs to the device's thread.

    Args:
        call: The UNet, or what stands for it.
        settled: Whether `call` will go on to do the same for latents and prompts of these shapes.
        capture: Records a call.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        settled: Callable[[Tensor, Tensor], bool] = lambda _latents, _hidden: True,
        capture: Capture = capture,
    ) -> None:
        self._call = call
        self._settled = settled
        self._capture = capture
        self._calls: dict[Shape, int] = {}
        self._recordings: dict[Shape, Recording | None] = {}
        self._pool: Any = None

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        hidden, added = conditions["encoder_hidden_states"], conditions["added_cond_kwargs"]
        inputs = (latents, timesteps, hidden, *added.values())
        shape = tuple(each.shape for each in inputs)
        if self._is_worth_recording(shape) and self._settled(latents, hidden):
            self._recordings[shape] = self._record(inputs, tuple(added), conditions)
        recording = self._recordings.get(shape)
        if recording is None:
            return self._call(latents, timesteps, **conditions)
        return (recording(inputs),)

    def forget(self) -> None:
        """Forgets everything recorded: the weights lie elsewhere now, or memory is short."""
        self._recordings.clear()
        self._calls.clear()
        self._pool = None

    def _is_worth_recording(self, shape: Shape) -> bool:
        self._calls[shape] = self._calls.get(shape, 0) + 1
        return shape not in self._recordings and self._calls[shape] > USUAL and len(self._recordings) < MOST_SHAPES

    def _record(
        self, inputs: tuple[Tensor, ...], added: tuple[str, ...], conditions: Mapping[str, Any]
    ) -> Recording | None:
        """Records the call; None where it cannot be, and then it is made as before for good."""
        mine = tuple(each.clone() for each in inputs)
        latents, timesteps, hidden, *rest = mine
        conditions = {
            **conditions, "encoder_hidden_states": hidden, "added_cond_kwargs": dict(zip(added, rest, strict=True))
        }  # fmt: skip
        try:
            play, answer = self._capture(lambda: self._call(latents, timesteps, **conditions)[0], self._shared())
        except RuntimeError as error:  # out of memory is one as well
            log.warning("calls for latents of %s cannot be recorded: %s", tuple(latents.shape), error)
            return None
        log.info("recorded the UNet's call for latents of %s", tuple(latents.shape))
        return Recording(play, mine, answer)

    def _shared(self) -> Any:
        if self._pool is None and torch.cuda.is_available():
            self._pool = torch.cuda.graph_pool_handle()
        return self._pool
