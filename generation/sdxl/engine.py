"""The step loop: admit, choose the next batch, one UNet call, advance, finish.

The engine lives on one thread and owns the clock. Samplers stand still at every model call, so between two calls
anything can change: work comes and goes, batches form anew, a cancelled job leaves. A turn that failed for want
of memory changed nothing; it is taken again, with less.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

import torch

from generation.errors import DeviceMemoryError, GenerationCancelledError
from generation.parts import Lora
from generation.pixels import Pixels
from generation.prompt import Dialect
from generation.result import Stage
from generation.sdxl.device import is_memory_error
from generation.sdxl.model import Model
from generation.sdxl.policy import choose
from generation.sdxl.run import Run, call_unet
from generation.sdxl.start import begin
from generation.sdxl.text import TextStyle
from generation.sdxl.vae import decode
from generation.sdxl.work import Saving, Work


class Engine:
    """Paints any number of requests at once with one model at a time.

    All methods belong to the device's thread.

    Args:
        load: Loads a model by its name in the catalogue; may raise ModelError.
    """

    def __init__(self, load: Callable[[str], Model]) -> None:
        self._load = load
        self._model: Model | None = None
        self._model_name: str | None = None
        self._weights: tuple[str, tuple[Lora, ...]] | None = None
        self._waiting: deque[Work] = deque()
        self._painting: list[tuple[Work, Run]] = []
        self._painted: deque[tuple[Work, Run]] = deque()
        self._serving: list[Work] = []

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._waiting or self._painting or self._painted)

    def submit(self, work: Work) -> None:
        """Takes work in; it is painted by the turns that follow."""
        self._waiting.append(work)

    def warm_up(self, model: str) -> None:
        """Loads a model before anybody asks for it; does nothing once one is in use."""
        if self._model is None:
            self._use(model)

    @torch.inference_mode()
    def tick(self) -> None:
        """Takes one turn: at most one admission, one UNet call and one decode.

        An exception that leaves it belongs to the work of `fail`.
        """
        self._drop_cancelled()
        self._admit()
        self._advance()
        self._finish_one()
        if self.idle and self._model is not None and self._model.offload:
            self._model.stay()

    def fail(self, error: BaseException) -> None:
        """Blames the turn that raised: its one work ends with the error; of several, each goes on alone."""
        if len(self._serving) > 1:
            for work, run in self._painting:
                run.alone = run.alone or work in self._serving
            return
        for work in self._serving or self._all_work():
            self._end(work, error)

    def fail_all(self, error: BaseException) -> None:
        """Ends everything with an error."""
        for work in self._all_work():
            self._end(work, error)

    def _all_work(self) -> list[Work]:
        under_way = [work for work, _ in (*self._painting, *self._painted)]
        return list(dict.fromkeys([*self._waiting, *under_way]))

    def _end(self, work: Work, error: BaseException) -> None:
        self._waiting = deque(each for each in self._waiting if each is not work)
        self._painting = [(each, run) for each, run in self._painting if each is not work]
        self._painted = deque((each, run) for each, run in self._painted if each is not work)
        work.fail(error)

    def _drop_cancelled(self) -> None:
        for work in self._all_work():
            if work.cancel.cancelled:
                self._end(work, GenerationCancelledError("Cancelled."))

    def _use(self, name: str) -> Model:
        if self._model is None or self._model_name != name:
            self._model = None  # lets go of the old weights before the new ones come
            self._model = self._load(name)
            self._model_name = name
        return self._model

    def _admit(self) -> None:
        """Admits the work in front. One that needs another model waits until the present pictures are done."""
        if not self._waiting:
            return
        work = self._waiting[0]
        busy = bool(self._painting or self._painted)
        if busy and work.weights != self._weights:
            return
        self._serving = [work]
        if self._model_name != work.request.model:
            work.tell(Stage.LOADING)
        work.admit()
        try:
            runs = self._prepare(work)
        except RuntimeError as error:
            savings = [Saving.OFFLOAD] if work.canvas is None else [Saving.TILED_VAE, Saving.OFFLOAD]
            self._save_memory([work], savings, error)
            return
        self._waiting.popleft()
        self._painting += [(work, run) for run in runs if run.latents is None]
        self._painted += [(work, run) for run in runs if run.latents is not None]
        work.expect(sum(run.calls for run in runs))
        work.tell(Stage.PAINTING)

    def _prepare(self, work: Work) -> list[Run]:
        request = work.request
        model = self._use(request.model)
        model.use_vae(request.vae)
        self._weights = None  # whatever fails from here on leaves no other work's weights behind
        model.use_loras(work.loras)
        self._weights = work.weights
        style = TextStyle(cast(Dialect, request.weights), request.clip_skip)
        text = model.encode(request.prompt, request.negative_prompt if request.guided else None, style)
        clock = time.perf_counter()
        tiled = Saving.TILED_VAE in work.savings
        start = begin(model, work.canvas, request.width, request.height, tiled=tiled)
        if work.canvas is not None:
            work.charge(time.perf_counter() - clock)
        return [Run(request.picture(index), index, model, text, start) for index in range(request.count)]

    def _advance(self) -> None:
        chosen = choose([run.candidate() for _, run in self._painting])
        if not chosen or self._model is None:
            return
        batch = [self._painting[index] for index in chosen]
        self._serving = list(dict.fromkeys(work for work, _ in batch))
        start = time.perf_counter()
        try:
            answers = call_unet(self._model, [run for _, run in batch])
        except RuntimeError as error:
            savings = [Saving.ONE_AT_A_TIME, Saving.OFFLOAD] if len(batch) > 1 else [Saving.OFFLOAD]
            self._save_memory(self._serving, savings, error)
            return
        for index, (_, run) in enumerate(self._painting):
            run.waited += index not in chosen
        for (work, run), noise in zip(batch, answers, strict=True):
            self._serving = [work]
            run.advance(noise)
            self._let_see(work, run)
            work.tell(Stage.PAINTING, calls=1)
        share = (time.perf_counter() - start) / len(batch)
        for work, _ in batch:
            work.charge(share)
        self._painted += [pair for pair in batch if pair[1].latents is not None]
        self._painting = [pair for pair in self._painting if pair[1].latents is None]

    def _let_see(self, work: Work, run: Run) -> None:
        glance = None if self._model is None else self._model.glance
        if work.sketches is not None and glance is not None and run.denoised is not None:
            work.sketches.see(run.index, run.denoised, glance)

    def _finish_one(self) -> None:
        if not self._painted or self._model is None:
            return
        work, run = self._painted[0]
        self._serving = [work]
        if run.latents is None:
            raise AssertionError("a run is only finished with latents")
        work.tell(Stage.FINISHING)
        start = time.perf_counter()
        try:
            self._model.use_vae(run.vae)
            picture = decode(self._model, run.latents, tiled=Saving.TILED_VAE in work.savings)
        except RuntimeError as error:
            self._save_memory([work], [Saving.TILED_VAE, Saving.OFFLOAD], error)
            return
        self._painted.popleft()
        height, width, _ = picture.shape
        work.charge(time.perf_counter() - start)
        work.deliver(run.index, Pixels(width, height, picture.numpy().tobytes()))

    def _save_memory(self, works: Sequence[Work], savings: Sequence[Saving], error: RuntimeError) -> None:
        """Takes the next saving that one of these works has not had yet; the next turn tries again.

        Raises:
            DeviceMemoryError: Every saving was taken already.
            RuntimeError: The error itself, when it is about something else.
        """
        if not is_memory_error(error):
            raise error
        left = [saving for saving in savings if any(saving not in work.savings for work in works)]
        if not left:
            raise DeviceMemoryError(
                "The device's memory does not suffice for this, not even with every saving: "
                "try a smaller size or a lower count."
            ) from error
        saving = left[0]
        for work in works:
            if saving not in work.savings:
                work.savings.append(saving)
        if saving is Saving.OFFLOAD and self._model is not None:
            self._model.offload = True
        if saving is Saving.ONE_AT_A_TIME:
            for work, run in self._painting:
                run.alone = run.alone or work in works
