"""What one job may cost: estimated before it is queued, measured where nothing is known of the device yet."""

import math
from dataclasses import dataclass

from bot.domain import Speed
from bot.errors import LimitError
from bot.services.jobs.cheaper import cheaper
from bot.services.jobs.costs import CostModel
from bot.services.models import ModelRegistry
from bot.services.requests.resolve import Defaults
from generation import GenerationRequest, Progress

ORDINARY_PICTURES = 4  # that one job may always cost, however slow the device is
MEASURED_CALLS = 3
DRIFT = 2.0  # an accepted job fails at its start only where its estimate has become so many times the limit


class PriceLimit:
    """Limits the device seconds of one job.

    A job may cost `seconds`, and in any case what a few ordinary pictures cost: of the model's native size, with the
    default steps and sampler. Where the model's speed was never measured on this device, nothing can be said before the
    job's first UNet calls; `watch` follows those.

    Args:
        costs: Estimates device seconds.
        models: Know their native sizes.
        defaults: What an ordinary picture is painted with.
        seconds: What a job may cost; 0 for no limit.
    """

    def __init__(self, costs: CostModel, models: ModelRegistry, defaults: Defaults, seconds: float) -> None:
        self.costs = costs
        self._models = models
        self._defaults = defaults
        self._seconds = seconds

    def seconds_for(self, request: GenerationRequest) -> float:
        """Returns the device seconds that a job of the request's model may take; infinity without a limit."""
        if not self._seconds:
            return math.inf
        return max(self._seconds, ORDINARY_PICTURES * self.costs.estimate(self._ordinary(request)))

    def check(self, request: GenerationRequest) -> None:
        """Refuses a request that costs too much, as far as the model's speed is known.

        Raises:
            LimitError: It does; the text says how much, the limit, and what to lower.
        """
        self._check(request, 1.0)

    def check_again(self, request: GenerationRequest) -> None:
        """Refuses an accepted request that costs far too much by what was learned meanwhile.

        Raises:
            LimitError: As `check` does.
        """
        self._check(request, DRIFT)

    def watch(self, request: GenerationRequest) -> "PriceWatch | None":
        """Returns what follows a job's first calls; None where its price is known, or does not matter."""
        return None if not self._seconds or self.costs.knows(request) else PriceWatch(self, request)

    def refusal(self, request: GenerationRequest) -> LimitError:
        """Says what a request costs, what it may cost, and what to lower."""
        limit = self.seconds_for(request)
        hint = cheaper(request, self._ordinary(request), lambda other: self.costs.estimate(other) <= limit)
        return LimitError(
            f"This would take the device about {in_words(self.costs.estimate(request))}; "
            f"the limit for one job is {in_words(limit)}. {hint}"
        )

    def _check(self, request: GenerationRequest, slack: float) -> None:
        if not self._seconds or not self.costs.knows(request):
            return
        cost = self.costs.estimate(request) / slack
        if cost > self._seconds and cost > self.seconds_for(request):
            raise self.refusal(request)

    def _ordinary(self, request: GenerationRequest) -> GenerationRequest:
        side, usual = self._models.native_size(request.model), self._defaults
        return GenerationRequest(
            prompt="",
            model=request.model,
            width=side,
            height=side,
            steps=usual.steps,
            guidance_scale=usual.cfg,
            sampler=usual.sampler,
            scheduler=usual.scheduler,
            seed=0,
        )


@dataclass(slots=True)
class PriceWatch:
    """Measures what a job costs by its first UNet calls, once, and teaches it to the cost model.

    The first call is left out: weights, LoRAs and kernels are loaded with it.

    Attributes:
        error: Why the job ends; None as long as it may go on.
        learned: What its calls have taught.
    """

    limit: PriceLimit
    request: GenerationRequest
    error: LimitError | None = None
    learned: tuple[Speed, ...] = ()
    _first: tuple[int, float] | None = None  # calls and seconds

    def exceeds(self, progress: Progress) -> bool:
        """Takes a job's news; says, once, that it costs too much."""
        if self.learned or not progress.done or not progress.device_seconds:
            return False
        if self._first is None or progress.done < self._first[0]:
            self._first = progress.done, progress.device_seconds
            return False
        calls, seconds = progress.done - self._first[0], progress.device_seconds - self._first[1]
        if calls < MEASURED_CALLS:
            return False
        self._learn(seconds / calls)
        try:
            self.limit.check(self.request)
        except LimitError as error:
            self.error = error
        return self.error is not None

    def _learn(self, seconds_per_call: float) -> None:
        costs = self.limit.costs
        first = costs.outline(self.request).painting[0]
        projected = costs.estimate(self.request) * seconds_per_call / (first.shared + first.own)
        self.learned = costs.learn(self.request, projected)


def in_words(seconds: float) -> str:
    """Says how long something takes, in the unit that suits it."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} seconds"
