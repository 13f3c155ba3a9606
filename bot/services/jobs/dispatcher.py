"""Takes jobs in their turn, has them painted, keeps the pictures, hands them to delivery."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from bot.domain import Job, JobState, Picture, Speed
from bot.errors import DeliveryError, JobTakenError, LimitError, PictureLostError, StorageError, UnreachableError
from bot.services.images.fit_upload import Fitter
from bot.services.jobs.delivery import Delivery
from bot.services.jobs.fair_queue import FairQueue
from bot.services.jobs.price import PriceLimit
from bot.services.jobs.status_board import StatusBoard
from bot.services.ports import Ports
from bot.services.retry import retry_write
from generation import (
    CancelToken,
    Executor,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationError,
    GenerationResult,
    Progress,
)

log = logging.getLogger(__name__)

CLOSING_SECONDS = 2.0
ANNOUNCING_SECONDS = 15.0  # between tries while Discord or the database cannot be reached
JOB_BROKEN = "Something went wrong on my side while painting this. It has been logged; please try again."


class Dispatcher:
    """Feeds the executor as many jobs at a time as it has slots, and sees each job through to its end."""

    def __init__(
        self,
        queue: FairQueue,
        executor: Executor,
        ports: Ports,
        price: PriceLimit,
        board: StatusBoard,
        fitter: Fitter | None = None,
    ) -> None:
        self._queue = queue
        self._executor = executor
        self._ports = ports
        self._price = price
        self._costs = price.costs
        self._board = board
        self._delivery = Delivery(ports, fitter)
        self._tokens: dict[str, CancelToken] = {}
        self._coming: set[str] = set()  # kept, wanted, and not in the queue yet
        self._lives: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    async def prepare(self) -> None:
        """Recalls what earlier runs learned of the device's speed."""
        self._costs.recall(await self._ports.speeds.known())

    async def run(self, slots: int) -> None:
        """Takes jobs in their turn until cancelled; a job's slot is free again as soon as it is painted."""
        free = asyncio.Semaphore(slots)
        while True:
            await free.acquire()
            job = await self._queue.get()
            self._board.started(job)
            self._start(job, free)
            self._board.moved()

    async def finish(self, seconds: float) -> None:
        """Gives running jobs so long to end by themselves, or until `hurry`; call it when `run` has ended.

        Meanwhile the people of queued jobs are told that these will go on after the restart.
        """
        telling = asyncio.gather(*(self._kept(job) for job, _ in list(self._queue.line())))
        if self._lives:
            ended = asyncio.create_task(asyncio.wait(self._lives))
            hurry = asyncio.create_task(self._hurry.wait())
            await asyncio.wait([ended, hurry], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (ended, hurry):
                waiting.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(telling, CLOSING_SECONDS)

    def hurry(self) -> None:
        """Gives running jobs no more time in `finish`; they go on after the next start."""
        self._hurry.set()

    async def close(self) -> None:
        """Ends what is under way; call it when `run` has ended and the executor is closed.

        What only waits for Discord is cut short after a moment; it stays rendered and is posted after the next start.
        """
        if self._lives:
            await asyncio.wait(self._lives, timeout=CLOSING_SECONDS)
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        await self._board.close_all()

    def expect(self, jobs: Iterable[Job]) -> None:
        """Hears of kept jobs that `begin` or `announce` will bring into the queue: they can be withdrawn already."""
        self._coming.update(job.id for job in jobs)

    def begin(self, job: Job) -> None:
        """Lets the queue see a kept job that has its message."""
        self._coming.discard(job.id)
        self._queue.put(job)
        self.welcome(job)

    def welcome(self, job: Job, *, resumed: bool = False, shown: bool = False) -> None:
        """Begins a job's status message with its place in the queue; see StatusBoard."""
        self._board.welcome(job, resumed=resumed, shown=shown)

    async def announce(self, job: Job) -> None:
        """Posts the message of an expected job that has none yet, and lets the queue see it unless it was withdrawn.

        Closing cuts it short; it is done after the next start then.

        Raises:
            DeliveryError: It cannot be posted.
            JobTakenError: Another process looks after it by now.
            StorageError: Its message could not be noted.
        """
        announcing = asyncio.create_task(self._announce(job, again=False))
        self._lives.add(announcing)
        announcing.add_done_callback(self._lives.discard)
        await announcing

    async def give_up(self, jobs: Iterable[Job], reason: str) -> None:
        """Notes that expected jobs cannot be announced, but for those that were withdrawn."""
        for job in jobs:
            if job.id in self._coming:
                self._coming.discard(job.id)
                await retry_write(partial(self._ports.ledger.failed, job.id, reason))

    def put_off(self, jobs: Iterable[Job]) -> None:
        """Announces expected jobs as soon as Discord and the database can be reached, but for those withdrawn."""
        for job in jobs:
            if job.id in self._coming:
                self._start(job, asyncio.Semaphore())

    def deliver(self, job: Job) -> None:
        """Posts what a process that is gone left to be posted, unless it managed to: a result, or a job's message."""
        if job.state is not JobState.RENDERED:
            self.expect([job])
        self._start(job, asyncio.Semaphore())

    async def cancel(self, job: Job) -> bool:
        """Withdraws a waiting job or stops a running one; False when it is too late for either."""
        if await self.withdraw(job):
            return True
        token = self._tokens.get(job.id)
        if token is None:
            return False
        token.cancel()
        return True

    async def withdraw(self, job: Job) -> bool:
        """Withdraws a job that waits, or that will wait; False once its painting has begun."""
        if self._queue.withdraw(job.id) is not None:
            self._board.moved(fewer=True)
        elif job.id in self._coming:
            self._coming.discard(job.id)
        else:
            return False
        await self._cancelled(job)
        return True

    def _start(self, job: Job, slot: asyncio.Semaphore) -> None:
        life = asyncio.create_task(self._live(job, slot), name=f"job {job.id}")
        self._lives.add(life)
        life.add_done_callback(self._ended)

    def _ended(self, life: asyncio.Task[None]) -> None:
        self._lives.discard(life)
        if not life.cancelled() and life.exception() is not None:
            log.error("%s could not be brought to its end", life.get_name(), exc_info=life.exception())

    async def _live(self, job: Job, slot: asyncio.Semaphore) -> None:
        try:
            if await self._posted_anew(job):
                return
            job, learned = await self._paint(job, slot)
            await self._board.close(job)
            await self._delivery.post(job)
            await self._ports.speeds.keep(learned)
        except GenerationCancelledError:
            await self._cancelled(job)
        except ExecutorClosedError:
            log.info("job %s goes on after the restart", job.id)
            await self._kept(job)
        except JobTakenError:
            await self._board.close(job)
            log.info("job %s goes on in another process", job.id)
        except (GenerationError, LimitError, PictureLostError) as error:
            await self._failed(job, str(error))
        except Exception:
            log.exception("job %s failed", job.id)
            if job.state is not JobState.RENDERED:  # a painted one is posted after the next start
                await self._failed(job, JOB_BROKEN)

    async def _posted_anew(self, job: Job) -> bool:
        """Posts what a process that is gone left to be posted; False for a job that is to be painted."""
        if job.state is JobState.RENDERED:
            await self._delivery.post_again(job)
        elif not job.announced:
            await self._announce_again(job)
        else:
            return False
        return True

    async def _announce(self, job: Job, *, again: bool) -> None:
        if job.id in self._coming:
            message_id = await self._ports.messenger.announce(job, again=again)
            await self._note_message(job, message_id)
            job = replace(job, origin=replace(job.origin, message_id=message_id))
        if job.id in self._coming:
            self._coming.discard(job.id)
            self._queue.put(job, reserved=not again)
            self.welcome(job, resumed=again, shown=True)
            return
        if not again:
            self._queue.release(job.origin.user_id)
        await self._show_cancelled(job)

    async def _note_message(self, job: Job, message_id: int) -> None:
        try:
            await retry_write(lambda: self._ports.ledger.announced(job.id, message_id))
        except JobTakenError:
            self._coming.discard(job.id)
            raise

    async def _announce_again(self, job: Job) -> None:
        """Posts a job's message as soon as Discord and the database can be reached."""
        while True:
            try:
                await self._announce(job, again=True)
            except (UnreachableError, StorageError) as error:
                log.warning("job %s has no message yet (%s); trying again", job.id, error)
                await asyncio.sleep(ANNOUNCING_SECONDS)
            except DeliveryError as error:
                if job.id in self._coming:
                    self._coming.discard(job.id)
                    await self._failed(job, str(error))
                return
            else:
                return

    async def _paint(self, job: Job, slot: asyncio.Semaphore) -> tuple[Job, tuple[Speed, ...]]:
        token = self._tokens[job.id] = CancelToken()
        spent = 0.0
        try:
            self._price.check_again(job.request)
            await retry_write(lambda: self._ports.ledger.begin(job.id))
            inputs = await self._inputs(job)
            result = await self._generate(job, token, inputs)
            spent = result.device_seconds
        finally:
            del self._tokens[job.id]
            self._queue.settle(job, spent)  # what was not painted costs its person nothing
            self._board.painted(job)
            slot.release()
        return await self._keep(job, result), self._costs.learn(job.request, spent, result.calls)

    async def _generate(self, job: Job, token: CancelToken, inputs: dict[str, bytes]) -> GenerationResult:
        """Has a job painted; one of unknown price ends with a LimitError once its first calls show that it is too much.

        It is cancelled then, and its person pays nothing for it.
        """
        watch = self._price.watch(job.request)

        def progress(news: Progress) -> None:
            self._board.progress(job, news)
            if watch is not None and watch.exceeds(news):
                token.cancel()

        try:
            return await self._executor.generate(job.request, progress, token, inputs)
        except GenerationCancelledError as cancelled:
            if watch is None or watch.error is None:
                raise
            await self._ports.speeds.keep(watch.learned)
            raise watch.error from cancelled

    async def _inputs(self, job: Job) -> dict[str, bytes]:
        """Fetches the pictures that a job begins from, which were kept with it."""
        try:
            return {digest: await self._ports.pictures.get(digest) for digest in job.request.inputs}
        except OSError as error:
            log.error("the input pictures of job %s cannot be read: %s", job.id, error)
            raise PictureLostError("I no longer have the picture you gave me; please give it again.") from error

    async def _keep(self, job: Job, result: GenerationResult) -> Job:
        pictures = [
            Picture(
                digest=await self._ports.pictures.put(artifact.data),
                media_type=artifact.media_type,
                size=len(artifact.data),
                seed=artifact.request.seed,
            )
            for artifact in result.artifacts
        ]
        painted = replace(
            job, state=JobState.RENDERED, pictures=tuple(pictures), seconds=result.seconds, notes=result.notes
        )
        await retry_write(lambda: self._ports.ledger.rendered(painted, result.device_seconds))
        log.info("job %s painted in %.1f s", job.id, result.seconds)
        return painted

    async def _failed(self, job: Job, reason: str) -> None:
        await retry_write(lambda: self._ports.ledger.failed(job.id, reason))
        await self._board.close(job)
        await self._delivery.refuse(job, reason)

    async def _kept(self, job: Job) -> None:
        await self._board.close(job)
        try:
            await self._ports.messenger.show_kept(job)
        except DeliveryError as error:
            log.info("the person of job %s could not be told of the restart: %s", job.id, error)

    async def _cancelled(self, job: Job) -> None:
        await retry_write(lambda: self._ports.ledger.cancelled(job.id))
        await self._board.close(job)
        await self._show_cancelled(job)

    async def _show_cancelled(self, job: Job) -> None:
        if not job.announced:
            return
        try:
            await self._ports.messenger.show_cancelled(job)
        except DeliveryError as error:
            log.warning("the cancelling of job %s could not be shown: %s", job.id, error)
