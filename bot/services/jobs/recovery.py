"""What processes of the bot do for each other: jobs of one that died go on here; what another was told is heeded."""

import asyncio
import logging
from dataclasses import replace

from bot.domain import Job, JobState
from bot.errors import StorageError
from bot.services.jobs.dispatcher import Dispatcher
from bot.services.jobs.fair_queue import FairQueue
from bot.services.ports import JobRepository, Workers

log = logging.getLogger(__name__)

RENEW_SECONDS = 10.0


class JobRecovery:
    """Keeps this process's lease, and takes up what processes left that are gone.

    A job that was cancelled where another process heard of it is stopped in the process that looks after it.
    """

    def __init__(self, workers: Workers, ledger: JobRepository, queue: FairQueue, dispatcher: Dispatcher) -> None:
        self._workers = workers
        self._ledger = ledger
        self._queue = queue
        self._dispatcher = dispatcher

    async def begin(self) -> int:
        """Enters this process and takes up what is left from before; returns how many jobs that were."""
        await self._workers.register()
        taken = await self._take_up()
        await self._stop_unwanted()
        return taken

    async def keep(self) -> None:
        """Renews the lease, and looks for the dead and for what is not wanted any more, for ever."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._workers.renew()
                taken = await self._take_up()
                await self._stop_unwanted()
            except StorageError as error:
                log.warning("the lease could not be renewed: %s", error)
            else:
                if taken:
                    log.info("%d jobs of a process that is gone go on here", taken)

    async def end(self) -> None:
        """Gives the lease up: what is unfinished may go on elsewhere at once."""
        try:
            await self._workers.leave()
        except StorageError as error:
            log.warning("the lease could not be given up; it runs out by itself: %s", error)

    async def _take_up(self) -> int:
        dead = await self._workers.dead()
        jobs = await self._ledger.adopt(dead)
        await self._workers.delete(dead)
        for job in jobs:
            self._go_on(job)
        return len(jobs)

    async def _stop_unwanted(self) -> None:
        for job in await self._ledger.cancel_requested():
            await self._dispatcher.cancel(job)

    def _go_on(self, job: Job) -> None:
        if job.state is JobState.RENDERED or not job.announced:
            self._dispatcher.deliver(job)
        else:
            self._queue.put(replace(job, state=JobState.QUEUED), reserved=False)
            self._dispatcher.welcome(job, resumed=True)
