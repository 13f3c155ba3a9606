"""The loop that every stage shares: a budget of time, a learning rate that follows it, averages, saved state."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

log = logging.getLogger(__name__)

LOG_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a stage is trained.

    Attributes:
        name: The stage's name; its state is kept in `name.pt`.
        seconds: How long it may take, over all its runs.
        steps: How many steps it takes over all its runs, however long that lasts; 0 for as many as fit into `seconds`.
        peak: The highest learning rate; it rises at first and falls along half a cosine.
        averaging: How much of the running average of the weights stays at each step.
        warm_up: Steps in which the learning rate rises.
        save_seconds, show_seconds: How often the state is saved, and how often a picture sheet is made.
    """

    name: str
    seconds: float
    peak: float
    averaging: float = 0.999
    warm_up: int = 100
    steps: int = 0
    save_seconds: float = 300.0
    show_seconds: float = 300.0


def restore_average(path: Path, parameters: Iterable[nn.Parameter]) -> None:
    """Puts the averaged weights of a stage's saved state into what it trains; does nothing where there is none."""
    if not path.is_file():
        return
    average = torch.load(path, weights_only=True)["average"]
    with torch.no_grad():
        for parameter, value in zip(parameters, average, strict=True):
            parameter.copy_(value)


class Training:
    """Trains some modules for a budget of seconds; time that the machine spends elsewhere counts as well.

    Args:
        plan: How to train.
        modules: What to train, by name.
        folder: Where the state is kept; a state that is there already is gone on from.
    """

    def __init__(self, plan: Plan, modules: dict[str, nn.Module], folder: Path) -> None:
        self._plan = plan
        self._modules = modules
        self._path = folder / f"{plan.name}.pt"
        self._parameters = [each for module in modules.values() for each in module.parameters() if each.requires_grad]
        fused = self._parameters[0].device.type in {"cpu", "cuda"}
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=plan.peak, betas=(0.9, 0.99), weight_decay=0.01, fused=fused
        )
        self._average = [parameter.detach().clone() for parameter in self._parameters]
        self.steps = 0
        self._begun = 0
        self.seconds = 0.0
        self.losses: list[tuple[int, float]] = []
        if self._path.is_file():
            self._restore(torch.load(self._path, weights_only=True))

    @property
    def done(self) -> float:
        """How much of the budget is spent, 0 to 1."""
        if self._plan.steps:
            return min(1.0, self.steps / self._plan.steps)
        return min(1.0, self.seconds / self._plan.seconds)

    def begin_at(self, steps: int, seconds: float) -> None:
        """Counts steps and time of a training elsewhere, whose averaged weights alone were kept.

        The learning rate rises anew from there. Where a state was found, that knows better.
        """
        if not self.steps:
            self.steps = self._begun = steps
            self.seconds = seconds

    def run(
        self, loss_of: Callable[[], Tensor], show: Callable[[], None], stopped: Callable[[], bool] = lambda: False
    ) -> None:
        """Trains until the budget is spent, or until `stopped` says so; saves the state in both cases.

        Args:
            loss_of: Returns the loss of the next batch.
            show: Makes a picture sheet, with the averaged weights.
            stopped: Tells whether to stop after this step.
        """
        started, before = time.monotonic(), self.seconds
        saved = shown = logged = started
        recent: list[float] = []
        while self.done < 1 and not stopped():
            recent.append(self._step(loss_of()))
            now = time.monotonic()
            self.seconds = before + now - started
            if now - logged > LOG_SECONDS or self.done >= 1:
                self._log(recent)
                logged, recent = now, []
            if now - saved > self._plan.save_seconds:
                self.save()
                saved = now
            if now - shown > self._plan.show_seconds or self.done >= 1:
                show()
                shown = now
        self.save()

    def averaged(self) -> Iterator[None]:
        """Puts the averaged weights in place; the next advance puts the trained ones back."""
        trained = [parameter.detach().clone() for parameter in self._parameters]
        self._assign(self._average)
        yield
        self._assign(trained)

    def keep_average(self) -> None:
        """Leaves the averaged weights in the modules, for good."""
        self._assign(self._average)

    def save(self) -> None:
        """Writes everything that going on needs; a crash while writing leaves the last state whole."""
        state = {
            "modules": {name: module.state_dict() for name, module in self._modules.items()},
            "average": self._average,
            "optimiser": self._optimiser.state_dict(),
            "steps": self.steps,
            "seconds": self.seconds,
            "losses": self.losses,
        }
        partial = self._path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self._path)

    def _restore(self, state: dict[str, Any]) -> None:
        for name, module in self._modules.items():
            module.load_state_dict(state["modules"][name])
        self._assign(state["average"], to=self._average)
        self._optimiser.load_state_dict(state["optimiser"])
        self.steps, self.seconds, self.losses = state["steps"], state["seconds"], state["losses"]
        log.info("%s goes on from step %d", self._plan.name, self.steps)

    @torch.no_grad()
    def _assign(self, values: list[Tensor], to: list[Any] | None = None) -> None:
        for target, value in zip(self._parameters if to is None else to, values, strict=True):
            target.copy_(value)

    def _step(self, loss: Tensor) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimiser.step()
        self.steps += 1
        share = max(1 - self._plan.averaging, 1 / (1 + self.steps / 2))
        torch._foreach_lerp_(self._average, list[Tensor](self._parameters), share)
        return float(loss.detach())

    def _rate(self) -> float:
        rising = min(1.0, (self.steps - self._begun + 1) / self._plan.warm_up)
        return self._plan.peak * rising * max(0.01, 0.5 + 0.5 * math.cos(math.pi * self.done))

    def _log(self, recent: list[float]) -> None:
        mean = sum(recent) / max(1, len(recent))
        self.losses.append((self.steps, mean))
        log.info("%s: step %d, %3.0f %%, loss %.4f", self._plan.name, self.steps, 100 * self.done, mean)
