"""The use case everything hangs on: an order becomes a job, and the job gets its turn."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from bot.domain import DeliveryPreferences, Derivation, Job, JobState, Order, Origin, new_job_id, now
from bot.errors import DeliveryError, JobTakenError, LimitError, StorageError
from bot.services.access import Actor
from bot.services.jobs.admission import Admission, AdmittedRequest
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.fair_queue import FairQueue, weight_of
from bot.services.ports import JobRepository
from bot.services.requests.layers import Preferences
from bot.services.requests.preferences import PreferenceReader
from bot.services.requests.resolve import Defaults, Resolved, resolve
from bot.services.retry import retry_write
from generation import GenerationRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HouseRules:
    """What an operator decided.

    Attributes:
        defaults: What holds where nobody says anything else.
        weights: Whose share of the device is larger, by their roles.
    """

    defaults: Defaults
    weights: Mapping[int, float] = field(default_factory=dict)


class GenerationService:
    """Accepts and withdraws jobs.

    Args:
        admission: Checks requests; knows the models there are.
        queue: Where jobs wait.
        ledger: Where they are kept.
        dispatcher: Who sees them through.
        preferences: What people have chosen.
        rules: What the operator decided.
    """

    def __init__(
        self,
        admission: Admission,
        queue: FairQueue,
        ledger: JobRepository,
        dispatcher: Dispatcher,
        preferences: PreferenceReader,
        rules: HouseRules,
    ) -> None:
        self.models = admission.limits.models
        self._admission = admission
        self._queue = queue
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._preferences = preferences
        self._rules = rules

    def close(self) -> None:
        """Refuses every further order, in words."""
        self._admission.close()

    def resolve(self, order: Order, preferences: Preferences | None = None) -> Resolved:
        """Completes an order with what holds beside it, whatever it costs; nothing is queued.

        Raises:
            InvalidRequestError: A value is impossible.
            ModelError: There is no model.
            LimitError: It is larger than is allowed.
        """
        resolved = resolve(order, self.models.whole, self.models.default(), self._rules.defaults, preferences)
        self._admission.limits.check_parts(resolved.request)
        return resolved

    def admit(self, actor: Actor, request: GenerationRequest) -> AdmittedRequest:
        """Admits what an accepted request was completed to; raises as Admission.admit does."""
        return self._admission.admit(actor, request)

    def accept(self, order: Order, actor: Actor, preferences: Preferences | None = None) -> AdmittedRequest:
        """Completes an order and reserves its place in the queue; needs no I/O, so it can be refused at once.

        Whoever accepts must `submit` or `withdraw_acceptance`.

        Raises:
            InvalidRequestError: A value is impossible.
            ModelError: There is no model.
            LimitError: The person has too much waiting, asks for more than is allowed, may not generate here, or the
                bot is stopping.
        """
        return self.accept_all([order], actor, preferences)[0]

    def accept_all(
        self, orders: Sequence[Order], actor: Actor, preferences: Preferences | None = None
    ) -> list[AdmittedRequest]:
        """Completes several orders and reserves a place for each, or for none; otherwise as `accept`."""
        self.check_room(actor.person, len(orders))
        requests = self._complete(orders, actor, preferences)
        for _ in requests:
            self._queue.reserve(actor.person)
        return requests

    async def accept_many(
        self, orders: Sequence[Order], actor: Actor, preferences: Preferences | None = None
    ) -> list[AdmittedRequest]:
        """Does as `accept_all`, off the event loop; the places are reserved first."""
        self.check_room(actor.person, len(orders))
        for _ in orders:
            self._queue.reserve(actor.person)
        with ExitStack() as undo:
            undo.callback(self.withdraw_acceptance, actor.person, len(orders))
            requests = await asyncio.to_thread(self._complete, orders, actor, preferences)
            undo.pop_all()
        return requests

    async def check_many(self, orders: Sequence[Order], actor: Actor, preferences: Preferences | None = None) -> None:
        """Refuses what `accept_many` would refuse; reserves nothing."""
        self.check_room(actor.person, len(orders))
        await asyncio.to_thread(self._complete, orders, actor, preferences)

    def check_room(self, person: int, jobs: int) -> None:
        """Refuses jobs that there is no room for, before any work is done on them.

        Raises:
            LimitError: The person has too much waiting, or the bot is stopping.
        """
        self._admission.check_open()
        self._queue.check(person, jobs)

    def accept_again(self, request: GenerationRequest, actor: Actor) -> AdmittedRequest:
        """Reserves a place for a request that was made of an earlier one; what `accept` says holds here too.

        Raises:
            InvalidRequestError: A file that it is painted with is gone.
            LimitError: The person has too much waiting, it is larger or more expensive than is allowed by now, or the
                bot is stopping.
        """
        self.check_room(actor.person, 1)
        admitted = self._admission.admit(actor, request)
        self._queue.reserve(actor.person)
        return admitted

    async def wishes(self, person: int) -> DeliveryPreferences:
        """Says how a person wants to be served."""
        return await self._preferences.wishes(person)

    def withdraw_acceptance(self, person: int, places: int = 1) -> None:
        """Gives back the places of orders that will not be submitted."""
        for _ in range(places):
            self._queue.release(person)

    async def keep(
        self,
        requests: Sequence[AdmittedRequest],
        origins: Sequence[Origin],
        derived: Derivation | None = None,
        wishes: DeliveryPreferences | None = None,
    ) -> list[Job]:
        """Keeps accepted requests as jobs, all or none. `begin` or `announce` them then; a restart does it otherwise.

        Args:
            requests: What to paint.
            origins: For each who asked and where.
            derived: The earlier job they were made of.
            wishes: How the person wants to be served, where that was read already.

        Raises:
            JobTakenError: Another process of the bot has made a job of this command.
            StorageError: They could not be kept.
        """
        person = origins[0].user_id
        with ExitStack() as undo:
            undo.callback(self.withdraw_acceptance, person, len(requests))
            wishes = wishes or await self.wishes(person)
            jobs = [
                Job(
                    id=new_job_id(),
                    request=request,
                    origin=origin,
                    state=JobState.QUEUED,
                    created_at=now(),
                    wishes=wishes,
                    weight=weight_of(origin.roles, self._rules.weights),
                    derived=derived,
                )
                for request, origin in zip(requests, origins, strict=True)
            ]
            await self._ledger.add(*jobs)
            undo.pop_all()
        self._dispatcher.expect(jobs)
        log.info("%s accepted", ", ".join(f"job {job.id}" for job in jobs))
        return jobs

    def begin(self, job: Job) -> None:
        """Lets the queue see a kept job that has its message."""
        self._dispatcher.begin(job)

    async def move(self, jobs: Sequence[Job], channel_id: int) -> list[Job]:
        """Has kept jobs that have no message yet announced in another channel; raises StorageError."""
        ids = [job.id for job in jobs]
        await retry_write(lambda: self._ledger.moved(ids, channel_id))
        return [replace(job, origin=replace(job.origin, channel_id=channel_id)) for job in jobs]

    async def announce(self, jobs: Sequence[Job]) -> None:
        """Posts the messages of kept jobs that have none, and lets the queue see each that was not cancelled meanwhile.

        Those whose messages cannot be noted are announced as soon as the database answers again.

        Raises:
            DeliveryError: One cannot be posted; it has failed then, and so have those after it.
        """
        waiting = deque(jobs)
        try:
            while waiting:
                try:
                    await self._dispatcher.announce(waiting[0])
                except JobTakenError:
                    log.info("job %s goes on in another process", waiting[0].id)
                    self.withdraw_acceptance(waiting[0].origin.user_id)
                waiting.popleft()
        except StorageError as error:
            log.warning("%d jobs have no message yet: %s", len(waiting), error)
            self._dispatcher.put_off(waiting)
        except DeliveryError as error:
            await self._dispatcher.give_up(waiting, str(error))
            if len(jobs) == 1:
                raise
            raise DeliveryError(f"Only {len(jobs) - len(waiting)} of {len(jobs)} jobs were begun: {error}") from error
        finally:
            for job in waiting:
                self.withdraw_acceptance(job.origin.user_id)

    async def cancel(self, job: Job) -> None:
        """Withdraws a job that waits or has no message yet, or stops one that is being painted.

        One that another process of the bot looks after is stopped by that, within some seconds.

        Raises:
            LimitError: It is just being finished.
        """
        if await self._dispatcher.cancel(job):
            return
        if await self._ledger.mine(job.id):
            raise LimitError("This job is just being finished; it cannot be cancelled any more.")
        await self._ledger.request_cancel(job.id)

    async def withdraw(self, job: Job) -> bool:
        """Withdraws a job that still waits or has no message yet; False once its painting has begun."""
        return await self._dispatcher.withdraw(job)

    def _complete(
        self, orders: Sequence[Order], actor: Actor, preferences: Preferences | None
    ) -> list[AdmittedRequest]:
        return [self._admission.admit(actor, self.resolve(order, preferences).request) for order in orders]
