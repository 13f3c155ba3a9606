"""How a finished job reaches its person: the only place that knows interaction tokens die after 15 minutes."""

import asyncio
import itertools
import logging

from bot.domain import Job, now
from bot.errors import AnswerExpiredError, DeliveryError, JobTakenError, UnreachableError, UploadTooLargeError
from bot.services.fitting import fit
from bot.services.patience import insist
from bot.services.ports import Ports, Upload

log = logging.getLogger(__name__)

PAUSES = (5.0, 15.0, 30.0, 60.0, 300.0)  # between tries while Discord cannot be reached; the last one for ever


class Delivery:
    """Posts results and tells people of failures."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def post_again(self, job: Job) -> None:
        """Posts what an earlier process may have posted already: once in all."""
        message_id = await self._found(job)
        if message_id is None:
            await self.post(job)
        else:
            await insist(lambda: self._ports.ledger.posted(job.id, message_id))

    async def post(self, job: Job) -> None:
        """Posts a rendered job's pictures and notes their message. Does not raise for Discord's refusals.

        While Discord cannot be reached it goes on trying; a job whose waiting is cut short stays rendered.

        Raises:
            JobTakenError: Another process of the bot looks after the job by now.
        """
        if not await self._ports.ledger.mine(job.id):
            raise JobTakenError("Another process looks after this job.")
        files = [
            Upload(name, await self._ports.pictures.get(picture.digest))
            for name, picture in zip(_names(job), job.pictures, strict=True)
        ]
        try:
            message_id = await self._post_in_the_end(job, files)
        except DeliveryError as error:
            log.warning("job %s is painted but cannot be posted: %s", job.id, error)
            reason = str(error)
            await insist(lambda: self._ports.ledger.failed(job.id, reason))
            await self.refuse(job, f"Your picture is painted, but I cannot post it here: {error}")
            return
        await insist(lambda: self._ports.ledger.posted(job.id, message_id))

    async def refuse(self, job: Job, reason: str) -> None:
        """Tells a job's person why there is no result; a person who cannot be reached is only logged."""
        try:
            await self._ports.messenger.refuse(job, reason)
        except DeliveryError as error:
            log.warning("the person of job %s could not be told why it failed: %s", job.id, error)

    async def _post_in_the_end(self, job: Job, files: list[Upload]) -> int:
        """Tries for as long as Discord cannot be reached; what may have arrived is looked for before each new try."""
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            try:
                return await self._post_fitting(job, files)
            except UnreachableError as error:
                log.warning("job %s cannot be posted now (%s); trying again in %.0f s", job.id, error, pause)
            await asyncio.sleep(pause)
            if (message_id := await self._found(job)) is not None:
                return message_id
        raise AssertionError("the pauses never end")

    async def _found(self, job: Job) -> int | None:
        try:
            return await self._ports.messenger.posted(job)
        except DeliveryError as error:
            log.info("whether job %s was posted cannot be seen: %s", job.id, error)
            return None

    async def _post_fitting(self, job: Job, files: list[Upload]) -> int:
        limit = job.origin.file_limit
        try:
            return await self._post_once(job, files, limit)
        except UploadTooLargeError:
            return await self._post_once(job, files, limit // 4)  # the limit we were told was not the true one

    async def _post_once(self, job: Job, files: list[Upload], limit: int) -> int:
        fitting, notes = await fit(files, limit)
        notes = (*job.notes, *notes)
        if job.origin.answerable(now()):
            try:
                return await self._ports.messenger.answer(job, fitting, notes)
            except AnswerExpiredError:
                log.info("the answer to job %s is gone; a message of its own takes its place", job.id)
        return await self._ports.messenger.send(job, fitting, notes)


def _names(job: Job) -> list[str]:
    """Names a job's files by their seeds; pictures that share a seed are numbered."""
    seeds = [picture.seed for picture in job.pictures]
    shared = len(set(seeds)) < len(seeds)
    return [f"easel-{job.id}-{seed}{f'-{number}' if shared else ''}.png" for number, seed in enumerate(seeds, 1)]
