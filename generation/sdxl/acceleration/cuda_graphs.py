"""The UNet's usual calls recorded as CUDA graphs: one launch where there were thousands.

A call of SDXL's UNet launches some three thousand kernels, for which a processor takes 20 to 60 ms; a fast card is done
with a small picture long before. Played back, a call takes what the card takes (docs/performance.md has figures).
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

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


class Changing(Protocol):
    """Stands for a UNet, and makes its calls in another way from some time on."""

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        ...

    def settled(self, latents: Tensor, hidden: Tensor) -> bool:
        """Whether calls for latents and prompts of these shapes will go on as they are made now."""
        ...

    def forget(self) -> None:
        """Learns that the weights lie elsewhere now."""
        ...


class GraphedUnet:
    """Stands for a UNet on a CUDA device; belongs to the device's thread.

    Args:
        unet: What is called.
        compiled: What stands for it where it is compiled too; None for no compiling.
        capture: Records a call.
    """

    def __init__(
        self,
        unet: Callable[..., Any],
        compiled: Changing | None = None,
        capture: Capture = capture,
    ) -> None:
        self._call = unet if compiled is None else compiled
        self._compiled = compiled
        self._capture = capture
        self._calls: dict[Shape, int] = {}
        self._recordings: OrderedDict[Shape, Recording] = OrderedDict()  # the least recently played first
        self._refused: set[Shape] = set()
        self._pool: Any = None
        self._short = False

    def __call__(self, latents: Tensor, timesteps: Tensor, **conditions: Any) -> Any:
        """Calls the UNet as diffusers' is called."""
        hidden, added = conditions["encoder_hidden_states"], conditions["added_cond_kwargs"]
        inputs = (latents, timesteps, hidden, *added.values())
        shape = tuple(each.shape for each in inputs)
        settled = self._compiled is None or self._compiled.settled(latents, hidden)
        if self._is_worth_recording(shape) and settled:
            self._keep(shape, self._record(inputs, tuple(added), conditions))
        if shape not in self._recordings:
            return self._call(latents, timesteps, **conditions)
        self._recordings.move_to_end(shape)
        return (self._recordings[shape](inputs),)

    def forget(self) -> None:
        """Forgets everything recorded: the weights lie elsewhere now."""
        self._recordings.clear()
        self._refused.clear()
        self._calls.clear()
        self._pool = None
        if self._compiled is not None:
            self._compiled.forget()

    def release(self) -> bool:
        """Forgets everything recorded and records no more, as memory is short; says whether that gave up anything."""
        gave_up = bool(self._recordings)
        if not self._short:
            log.warning("memory is short: the UNet's calls are not recorded any more")
        self._short = True
        self.forget()
        return gave_up

    def _is_worth_recording(self, shape: Shape) -> bool:
        self._calls[shape] = self._calls.get(shape, 0) + 1
        known = shape in self._recordings or shape in self._refused
        return self._calls[shape] > USUAL and not known and not self._short

    def _keep(self, shape: Shape, recording: Recording | None) -> None:
        if recording is None:
            self._refused.add(shape)
            return
        self._recordings[shape] = recording
        if len(self._recordings) > MOST_SHAPES:
            oldest, _recording = self._recordings.popitem(last=False)
            del self._calls[oldest]

    def _record(
        self, inputs: tuple[Tensor, ...], added: tuple[str, ...], conditions: Mapping[str, Any]
    ) -> Recording | None:
        """Records the call; None where it cannot be, and then it goes on to be made as before."""
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
