"""The step loop: admit, choose the next batch, one UNet call, advance, finish.

The engine lives on one thread and owns the clock. Samplers stand still at every model call, so between two calls
anything can change: work comes and goes, batches form anew, a cancelled job leaves. A turn that failed for want
of memory changed nothing; it is taken again, with less.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from generation.errors import DeviceMemoryError, GenerationCancelledError, ModelError
from generation.images.inpaint_canvas import Canvas
from generation.images.pixels import Pixels
from generation.models.catalog import no_beginner
from generation.prompt.parser import Dialect
from generation.request.result import Stage
from generation.scheduling.policy import QUANTUM, Turn, choose
from generation.sdxl.engine.device_clock import DeviceClock, Download
from generation.sdxl.engine.hires import second_pass
from generation.sdxl.engine.model_cache import ModelCache
from generation.sdxl.engine.refiner import Unrefined, put_down, refined
from generation.sdxl.engine.run import Run, call_unet
from generation.sdxl.engine.work import Saving, Work
from generation.sdxl.latents.init_latents import begin
from generation.sdxl.latents.vae import decoding
from generation.sdxl.model.device import is_memory_error
from generation.sdxl.model.model import Model
from generation.sdxl.model.text_encoders import Conditioning, TextStyle
from generation.sdxl.sampling.slices import Slices

Entry = tuple[Work, Unrefined | None]  # what waits for weights: a work that has not begun, or a picture that goes on
NOTHING_TO_REFINE = (
    "The refiner had nothing to do: all steps lie before refiner_at; take more steps, or an earlier one."
)
LOOK_UP_SECONDS = 0.05  # how soon a cancelled work is seen while nothing can be done but wait for weights


class Engine:
    """Paints any number of requests at once, whatever checkpoints they need.

    All methods belong to the device's thread.

    Args:
        models: Where checkpoints come from, by their names in the catalogue.
    """

    def __init__(self, models: ModelCache) -> None:
        self._models = models
        self._waiting: deque[Entry] = deque()
        self._painting: list[tuple[Work, Run]] = []
        self._painted: deque[tuple[Work, Run]] = deque()
        self._finishing: tuple[Run, Slices[Tensor | Run]] | None = None
        self._decoded: deque[tuple[Work, int, Download]] = deque()
        self._pace = DeviceClock()
        self._serving: list[Work] = []
        self._turn = Turn()

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._to_do or self._decoded)

    @property
    def _to_do(self) -> bool:
        """Whether the device is to be told anything more."""
        return bool(self._waiting or self._painting or self._painted)

    def submit(self, work: Work) -> None:
        """Takes work in; it is painted by the turns that follow."""
        self._models.forget_failures(self._awaited)
        self._waiting.append((work, None))

    def warm_up(self, model: str) -> None:
        """Loads a model before anybody asks for it; does nothing once one is in use."""
        if self._models.empty:
            self._models.to_device(self._models.get(model))

    def close(self) -> None:
        """Lets go of the models."""
        self._models.close()

    @torch.inference_mode()
    def tick(self) -> None:
        """Takes one turn: at most one admission, one UNet call and one decode, or one tile of it.

        An exception that leaves it belongs to the work of `fail`.
        """
        self._drop_cancelled()
        self._admit()
        self._advance()
        self._finish_one()
        self._hand_out()
        if self.idle:
            self._models.reset_offloading()

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
        under_way = [work for work, _ in (*self._waiting, *self._painting, *self._painted)]
        return list(dict.fromkeys([*under_way, *(work for work, _, _ in self._decoded)]))

    def _end(self, work: Work, error: BaseException) -> None:
        self._waiting = deque((each, run) for each, run in self._waiting if each is not work)
        self._painting = [(each, run) for each, run in self._painting if each is not work]
        self._painted = deque((each, run) for each, run in self._painted if each is not work)
        if self._finishing is not None and all(run is not self._finishing[0] for _, run in self._painted):
            self._finishing = None
        self._decoded = deque(each for each in self._decoded if each[0] is not work)
        work.fail(error)

    def _drop_cancelled(self) -> None:
        for work in self._all_work():
            if work.cancel.cancelled:
                self._end(work, GenerationCancelledError("Cancelled."))

    @property
    def _in_use(self) -> set[str]:
        return {run.request.model for _, run in (*self._painting, *self._painted)}

    @property
    def _awaited(self) -> set[str]:
        """The checkpoints that somebody waits for, or will wait for once another has done its part."""
        waiting = {work.request.model if run is None else run.next_model for work, run in self._waiting}
        requests = [work.request for work, run in self._waiting if run is None]
        requests += [run.request for _, run in (*self._painting, *self._painted)]
        return waiting | {request.refiner.model for request in requests if request.refiner is not None}

    def _next_in(self) -> Entry | None:
        """Says who is admitted next: the first whose weights are here. Those of the others are coming meanwhile.

        Weights that have no room beside those in use wait until these are done, and so does everybody behind them.
        """
        needed = self._in_use
        for work, run in self._waiting:
            name = work.request.model if run is None else run.next_model
            if not self._models.prefetch(name, needed):
                break
            if self._models.ready(name) and not self._must_wait_for_the_device(work, name):
                return work, run
            needed = {*needed, name}
            work.await_weights()
        if self._waiting and not self._in_use:
            self._models.wait(LOOK_UP_SECONDS)
        return None

    def _must_wait_for_the_device(self, work: Work, name: str) -> bool:
        """Whether weights that are not on the device yet leave those that are there the rest of their quantum."""
        return bool(self._painting) and not self._models.on_device(*work.weights(name)) and self._turn.held < QUANTUM

    def _bring(self, work: Work, name: str, model: Model) -> bool:
        """Makes sure a checkpoint lies on the device with a work's LoRAs in it; says whether anything had to come."""
        came = self._models.to_device(model)
        return model.use_loras(work.loras_in(name)) or came

    def _admit(self) -> None:
        entry = self._next_in()
        if entry is None:
            return
        work, run = entry
        self._serving = [work]
        name = work.request.model if run is None else run.next_model
        model = self._models.get(name, self._in_use)
        if run is None:
            work.admit()
        try:
            if self._bring(work, name, model):
                self._turn = replace(self._turn, held=0)
            with self._pace.spent_on([work], model.placement.device):
                runs = self._prepare(work, model) if run is None else [self._prepare_next(work, run, model)]
        except RuntimeError as error:
            savings = [Saving.OFFLOAD] if work.canvas is None else [Saving.TILED_VAE, Saving.OFFLOAD]
            self._save_memory([work], savings, error)
            return
        self._waiting.remove(entry)
        self._painting += [(work, run) for run in runs if run.latents is None]
        self._painted += [(work, run) for run in runs if run.latents is not None]
        if run is None:
            second = sum(count for count, _ in work.request.passes[1:])
            work.expect(sum(run.calls_to_the_end + second for run in runs))
            self._let_refiner_come(work)
        work.tell(Stage.PAINTING)

    def _prepare(self, work: Work, model: Model) -> list[Run]:
        request = work.request
        if model.refines:
            raise ModelError(no_beginner(request.model))
        text = self._encode(work, model)
        start = begin(model, request, work.canvas, work.vae_tile)
        return [Run(request.picture(index), index, model, text, start) for index in range(request.count)]

    def _prepare_next(self, work: Work, run: Unrefined, model: Model) -> Run:
        """Lets another checkpoint go on with a picture."""
        text = self._encode(work, model)
        return refined(run, model, text, work.canvas, work.vae_tile)

    def _encode(self, work: Work, model: Model) -> list[Conditioning]:
        request = work.request
        model.use_vae(request.vae)
        style = TextStyle(cast(Dialect, request.weights), request.clip_skip)
        return model.encode(request.prompt, request.negative_prompt if request.guided else None, style)

    def _let_refiner_come(self, work: Work) -> None:
        """Lets the checkpoint that will go on with a work's pictures come meanwhile, where there is room for it."""
        if work.request.refiner is not None:
            self._models.prefetch(work.request.refiner.model, self._in_use)

    def _advance(self) -> None:
        candidates = [
            run.candidate(weights, ready=self._models.on_device(*weights))
            for work, run in self._painting
            for weights in [work.weights(run.request.model)]
        ]
        choice = choose(candidates, self._turn, lambda lead: self._painting[lead][1].model.calls)
        if not choice.indices:
            return
        batch = [self._painting[index] for index in choice.indices]
        model = batch[0][1].model
        self._serving = list(dict.fromkeys(work for work, _ in batch))
        rows = [(work, run.rows) for work, run in batch]
        with self._pace.spent_on([work for work, count in rows for _ in range(count)], model.placement.device):
            try:
                self._bring(batch[0][0], batch[0][1].request.model, model)
                answers = call_unet(model, [run for _, run in batch])
            except RuntimeError as error:
                savings = [Saving.ONE_AT_A_TIME, Saving.OFFLOAD] if len(batch) > 1 else [Saving.OFFLOAD]
                self._save_memory(self._serving, savings, error)
                return
            self._turn = choice.turn
            self._take(batch, answers)
        for work, count in rows:
            work.share(count / sum(each for _, each in rows))
        for work, run in batch:
            work.tell(Stage.PAINTING, calls=0 if run.midway else 1)

    def _take(self, batch: Sequence[tuple[Work, Run]], answers: Sequence[Tensor]) -> None:
        """Lets each picture go on with its answer; where one cannot, those before it have, and the others will."""
        try:
            for (work, run), answer in zip(batch, answers, strict=True):
                self._serving = [work]
                run.advance(answer)
                self._let_see(work, run)
        finally:
            self._painted += [pair for pair in batch if pair[1].latents is not None]
            self._painting = [pair for pair in self._painting if pair[1].latents is None]

    def _let_see(self, work: Work, run: Run) -> None:
        glance = run.model.glance
        if work.sketches is not None and glance is not None and run.denoised is not None and not run.midway:
            work.sketches.see(run.index, run.denoised, glance)

    def _finish_one(self) -> None:
        if not self._painted:
            return
        work, run = self._painted[0]
        self._serving = [work]
        if run.latents is None:
            raise AssertionError("a run is only finished with latents")
        if run.next_model:
            self._hand_over(work, run)
            return
        if run.refiner_skipped:
            work.remark(NOTHING_TO_REFINE)
        work.tell(Stage.FINISHING if run.request.hires is None else Stage.PAINTING)
        try:
            with self._pace.spent_on([work], run.model.placement.device):
                self._models.to_device(run.model)
                run.model.use_vae(run.vae)
                outcome = self._slice(work, run)
        except RuntimeError as error:
            self._finishing = None
            self._save_memory([work], [Saving.TILED_VAE, Saving.OFFLOAD], error)
            return
        if outcome is None:
            return
        if isinstance(outcome, Run):
            self._begin_again(work, outcome)
            return
        self._painted.popleft()
        self._decoded.append((work, run.index, Download(outcome)))

    def _slice(self, work: Work, run: Run) -> Tensor | Run | None:
        """Does the next slice of finishing a picture; returns it, or its second pass, or None while more is left."""
        if self._finishing is None or self._finishing[0] is not run:
            self._finishing = run, _finishing_of(run, work.vae_tile, work.canvas)
        slices = self._finishing[1]
        try:
            next(slices)
            while run.model.offload and not work.cancel.cancelled:  # where stages come and go, others would cost more
                next(slices)
        except StopIteration as end:
            self._finishing = None
            outcome: Tensor | Run = end.value
            return outcome
        return None

    def _hand_out(self) -> None:
        """Hands out the pictures that have come into main memory; waits for them if there is nothing else to do."""
        while self._decoded and (self._decoded[0][2].done or not self._to_do):
            work, index, coming = self._decoded[0]
            self._serving = [work]
            picture = coming.result()
            self._pace.settle()
            self._decoded.popleft()
            height, width, _ = picture.shape
            work.deliver(index, Pixels(width, height, picture.numpy().tobytes()))

    def _hand_over(self, work: Work, run: Run) -> None:
        """Lets a picture wait for the checkpoint that goes on with it, before everybody who has not begun."""
        self._painted.popleft()
        begun = sum(waiting is not None for _, waiting in self._waiting)
        self._waiting.insert(begun, (work, put_down(run)))

    def _begin_again(self, work: Work, run: Run) -> None:
        """Puts the second pass of the picture in front in its place."""
        self._painted.popleft()
        (self._painting if run.latents is None else self._painted).append((work, run))

    def _save_memory(self, works: Sequence[Work], savings: Sequence[Saving], error: RuntimeError) -> None:
        """Gives up what only makes things faster, or takes the next saving; the next turn tries again.

        Raises:
            DeviceMemoryError: Every saving was taken already.
            RuntimeError: The error itself, when it is about something else.
        """
        if not is_memory_error(error):
            raise error
        if self._models.release():
            return
        saving = _next_saving(works, savings, error)
        for work in works:
            if saving not in work.savings:
                work.savings.append(saving)
        if saving is Saving.OFFLOAD:
            self._models.offload({name for work in works for name in work.models if name in self._models.names})
        if saving is Saving.ONE_AT_A_TIME:
            for work, run in self._painting:
                run.alone = run.alone or work in works


def _next_saving(works: Sequence[Work], savings: Sequence[Saving], error: RuntimeError) -> Saving:
    """Returns the first saving that one of these works has not had yet."""
    for saving in savings:
        if any(saving not in work.savings for work in works):
            return saving
    raise DeviceMemoryError(
        "The device's memory does not suffice for this, not even with every saving: "
        "try a smaller size or a lower count."
    ) from error


def _finishing_of(run: Run, tile: int, canvas: Canvas | None) -> Slices[Tensor | Run]:
    """Returns what makes a picture of a run's latents, or begins its second pass."""
    if run.latents is None:
        raise AssertionError("a run is only finished with latents")
    if run.request.hires is not None:
        kept = run.request.init is not None and run.request.init.strength == 0
        source = canvas.picture if canvas is not None and kept else None
        return (yield from second_pass(run, run.request.hires, tile, source))
    return (yield from decoding(run.model, run.latents, tile))
