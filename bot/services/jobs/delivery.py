"""How a finished job reaches its person: the only place that knows interaction tokens die after 15 minutes."""

import logging
from collections.abc import Sequence

from bot.domain import Job, now
from bot.errors import AnswerExpiredError, DeliveryError, JobTakenError, UnreachableError
from bot.services.images.fit_upload import DIRECT_MESSAGE_LIMIT, Fitter
from bot.services.images.originals import originals, shown
from bot.services.ports import Ports, Upload
from bot.services.retry import retry, retry_write

log = logging.getLogger(__name__)

PAUSES = (5.0, 15.0, 30.0, 60.0, 300.0)  # between tries while Discord cannot be reached; the last one for ever


class Delivery:
    """Posts results and tells people of failures."""

    def __init__(self, ports: Ports, fitter: Fitter | None = None) -> None:
        self._ports = ports
        self._fitter = fitter or Fitter()

    async def post_again(self, job: Job) -> None:
        """Posts what an earlier process may have posted already: once in all."""
        message_id = await self._found(job)
        if message_id is None:
            await self.post(job)
        else:
            await self._posted(job, message_id)

    async def post(self, job: Job) -> None:
        """Posts a rendered job's pictures and notes their message. Does not raise for Discord's refusals.

        While Discord cannot be reached it goes on trying; a job whose waiting is cut short stays rendered.

        Raises:
            JobTakenError: Another process of the bot looks after the job by now.
        """
        if not await self._ports.ledger.mine(job.id):
            raise JobTakenError("Another process looks after this job.")
        files = await shown(job, await originals(job, self._ports.pictures))
        try:
            message_id = await self._post_in_the_end(job, files)
        except DeliveryError as error:
            log.warning("job %s is painted but cannot be posted: %s", job.id, error)
            found = await self._send_privately(job, files, str(error))
            if found is None:
                return
            message_id = found
        await self._posted(job, message_id)

    async def _send_privately(self, job: Job, files: list[Upload], reason: str) -> int | None:
        """Sends the person what cannot be posted; says in words that it is kept where that fails too."""

        async def send(fitting: Sequence[Upload], notes: Sequence[str]) -> int:
            why = f"I cannot post this where you asked for it: {reason}"
            return await self._ports.messenger.send_privately(job, fitting, (why, *job.notes, *notes))

        try:
            return await self._fitter.post_fitting(files, min(job.origin.file_limit, DIRECT_MESSAGE_LIMIT), send)
        except DeliveryError as error:
            log.info("job %s cannot be sent by direct message either: %s", job.id, error)
        await retry_write(lambda: self._ports.ledger.failed(job.id, reason))
        await self.refuse(job, f"Your picture is painted, but I cannot post it here: {reason}")
        return None

    async def refuse(self, job: Job, reason: str) -> None:
        """Tells a job's person why there is no result; a person who cannot be reached is only logged."""
        try:
            await self._ports.messenger.refuse(job, reason)
        except DeliveryError as error:
            log.warning("the person of job %s could not be told why it failed: %s", job.id, error)

    async def _posted(self, job: Job, message_id: int) -> None:
        await retry_write(lambda: self._ports.ledger.posted(job.id, message_id))
        try:
            await self._ports.messenger.invite(job, message_id)
        except DeliveryError as error:
            log.info("people cannot be shown how to react to job %s: %s", job.id, error)

    async def _post_in_the_end(self, job: Job, files: list[Upload]) -> int:
        """Tries for as long as Discord cannot be reached; what may have arrived is looked for before each new try."""
        tried = False

        async def once() -> int:
            nonlocal tried
            if tried and (message_id := await self._found(job)) is not None:
                return message_id
            tried = True
            return await self._post_fitting(job, files)

        what = f"job {job.id} cannot be posted now"
        return await retry(once, PAUSES, UnreachableError, what, level=logging.WARNING, forever=True)

    async def _found(self, job: Job) -> int | None:
        try:
            return await self._ports.messenger.posted(job)
        except DeliveryError as error:
            log.info("whether job %s was posted cannot be seen: %s", job.id, error)
            return None

    async def _post_fitting(self, job: Job, files: list[Upload]) -> int:
        async def post(fitting: Sequence[Upload], notes: Sequence[str]) -> int:
            notes = (*job.notes, *notes)
            if job.origin.answerable(now()):
                try:
                    return await self._ports.messenger.answer(job, fitting, notes)
                except AnswerExpiredError:
                    log.info("the answer to job %s is gone; a message of its own takes its place", job.id)
            return await self._ports.messenger.send(job, fitting, notes)

        return await self._fitter.post_fitting(files, job.origin.file_limit, post)
