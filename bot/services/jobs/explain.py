"""What an order would become, before anything is queued: every value and its source, tokens, seconds, refusals."""

import asyncio
from dataclasses import dataclass
from typing import cast

from bot.domain import Order
from bot.errors import LimitError
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.generation import GenerationService
from bot.services.jobs.price import PriceLimit
from bot.services.requests.layers import Preferences
from bot.services.requests.resolve import Resolved
from generation import GenerationRequest
from generation.prompt.parser import Dialect
from generation.prompt.token_count import TokenCount, TokenCounter


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of an order.

    Attributes:
        resolved: What would be painted, and who chose what.
        tokens: What the prompt takes of each text encoder.
        seconds: The device seconds it will take, by the estimates.
        refusal: Why it would not be accepted just now; None if it would.
    """

    resolved: Resolved
    tokens: tuple[TokenCount, ...]
    seconds: float
    refusal: str | None


class Explainer:
    """Explains orders; counts tokens off the event loop, of one order at a time, and never asks the device."""

    def __init__(
        self,
        generation: GenerationService,
        queue: FairQueue,
        price: PriceLimit,
        counter: TokenCounter,
    ) -> None:
        self._generation = generation
        self._queue = queue
        self._price = price
        self._counter = counter
        self._counting = asyncio.Lock()  # loading the vocabulary and counting hold Python's lock

    async def explain(self, order: Order, preferences: Preferences, person: int) -> Explanation:
        """Explains an order that a person would give now.

        Raises:
            GenerationError: It is impossible; the text says why and what would work.
            LimitError: It asks for more than is allowed.
        """
        resolved = self._generation.resolve(order, preferences)
        request = resolved.request
        model = next(entry for entry in self._generation.models.usable if entry.name == request.model)
        dialect = cast(Dialect, request.weights)
        async with self._counting:
            tokens = await asyncio.to_thread(self._counter.count, request.prompt, dialect, model)
        return Explanation(resolved, tokens, self._price.costs.estimate(request), self._refusal(request, person))

    def _refusal(self, request: GenerationRequest, person: int) -> str | None:
        try:
            self._price.check(request)
            self._queue.check(person)
        except LimitError as error:
            return str(error)
        return None
