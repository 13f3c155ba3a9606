"""A job's message in Discord: one per job, edited from waiting to running to finished."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import discord

from bot.domain import Job, now
from bot.errors import AnswerExpiredError, DeliveryError, UnreachableError
from bot.services.actions.tools import Toolbox, known_size
from bot.services.ports import Upload
from bot.ui.discord.attachments import as_files
from bot.ui.discord.escape import escape
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.discord.retry import with_retry
from bot.ui.jobs import text as words
from bot.ui.jobs.buttons import cancel_view, cancels
from bot.ui.jobs.picture_buttons import result_view
from generation import Progress
from generation.images import loading

log = logging.getLogger(__name__)

REROLL_EMOJI = "🎲"
CLOSED = "I cannot write to you, so only you see it here; allow direct messages from this server, or turn it off."
LOOK_BACK = 200  # messages that are searched for a result which may have been posted
CLOCKS = timedelta(minutes=1)  # by which our clock and Discord's may differ
PREVIEW_NAME = "preview.jpg"  # without the job's id: a preview is not taken for the result


Place = discord.PartialMessageable | discord.DMChannel


class DiscordMessenger:
    """Speaks to people through the interaction's own address, and by channel messages once that is dead.

    It needs nothing but the job, so it works after a restart too.

    Args:
        client: The client.
        tools: Says what can be done with a result.
        show_reroll: Whether results get the reaction that re-rolls.
    """

    def __init__(self, client: discord.Client, tools: Toolbox, *, show_reroll: bool) -> None:
        self._client = client
        self._tools = tools
        self._show_reroll = show_reroll

    async def announce(self, job: Job, *, again: bool) -> int:
        """Posts the message of a job that has none yet, in answer to what was reacted to; finds it if it was posted."""
        if again and (found := await self._announced(job)) is not None:
            return found
        origin, answering = job.origin, dict[str, Any]()
        if job.derived is not None and job.derived.reacted_to is not None and not job.wishes.direct:
            answering["reference"] = discord.MessageReference(
                message_id=job.derived.reacted_to,
                channel_id=origin.channel_id,
                guild_id=origin.guild_id,
                fail_if_not_exists=False,
            )
        message = await with_retry(
            lambda: self._channel(job).send(
                _public(job, words.begun(job)),
                view=cancel_view(job.id),
                nonce=f"begun-{job.id}",  # its result has a nonce of its own
                allowed_mentions=NO_MENTIONS,
                **answering,
            )
        )
        return message.id

    async def show_waiting(self, job: Job, place: int, ready: datetime, *, resumed: bool) -> None:
        """Says how many jobs are in front of it, when it will be ready, and whether it was taken up after a restart."""
        await self._show(job, words.waiting(job, place, ready, resumed=resumed), cancel_view(job.id), [])

    async def show_kept(self, job: Job) -> None:
        """Says that the bot is being restarted; there is no button, since nobody would hear it."""
        await self._show(job, words.kept(job), None, [])

    async def show_progress(self, job: Job, progress: Progress, ready: datetime) -> None:
        """Says how far a job has come, when it will be ready, and shows the newest preview if there is one."""
        preview = None if _is_secret(job) else progress.preview
        previews = [] if preview is None else [Upload(PREVIEW_NAME, preview)]
        await self._show(job, words.running(job, progress, ready), cancel_view(job.id), previews)

    async def show_cancelled(self, job: Job) -> None:
        """Says that the job was withdrawn."""
        await self._show(job, words.cancelled(job), None, [])

    async def answer(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Turns the job's answer into its result, or into a word that it was sent by direct message."""
        if not job.by_letter:
            return await self._answer(job, files, notes)
        try:
            message_id = await self.send(job, files, notes)
        except UnreachableError:
            raise
        except DeliveryError as error:
            if _is_secret(job):
                raise
            log.info("job %s cannot be sent by direct message: %s", job.id, error)
            return await self._answer(job, files, [*notes, CLOSED])
        await self._say_sent(job)
        return message_id

    async def send(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Posts the result as a message of its own: by direct message, or in place of an answer that is dead."""
        message_id = await self._send(await self._result_channel(job), job, files, notes)
        if not job.by_letter:
            await self._remove_stale(job)
        return message_id

    async def send_privately(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Sends the result by direct message, since it cannot be posted where it was asked for."""
        return await self._send(await self._letters_to(job), job, files, notes)

    async def posted(self, job: Job) -> int | None:
        """Looks for the result: in the job's own message, then among those that came after it.

        An answer that was left thinking beside a message of its own is taken away. Where the channel cannot be read,
        the result may have been sent to the person.
        """
        try:
            found = await self._find(await self._result_channel(job), job)
        except UnreachableError:
            raise
        except DeliveryError as error:
            log.info("where job %s was asked for cannot be read: %s", job.id, error)
            return None if job.origin.guild_id is None else await self._find(await self._letters_to(job), job)
        if found is None or found == job.origin.message_id:
            return found
        if job.by_letter:
            await self._say_sent(job)
        else:
            await self._remove_stale(job)
        return found

    async def _find(self, channel: Place, job: Job) -> int | None:
        try:
            answer = await with_retry(lambda: channel.fetch_message(job.origin.message_id))
        except AnswerExpiredError:
            log.debug("the answer to job %s is gone, or elsewhere", job.id)
        else:
            if _shows(answer, job):
                return answer.id

        async def later() -> list[discord.Message]:
            after = discord.Object(job.origin.message_id)
            return [message async for message in channel.history(limit=LOOK_BACK, after=after) if _shows(message, job)]

        found = await with_retry(later)
        return found[0].id if found else None

    async def _send(self, channel: Place, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        text = words.finished(job, notes)
        message = await with_retry(
            lambda: channel.send(
                text,
                files=as_files(files, spoiler=job.wishes.spoiler),
                view=self._buttons(job, files),
                nonce=job.id,
                allowed_mentions=NO_MENTIONS,
            )
        )
        return message.id

    async def refuse(self, job: Job, reason: str) -> None:
        """Tells the person alone why there is no result, and takes the public answer away."""
        text = f"{escape(job.request.prompt, 300)}: {reason}"[: words.CONTENT_LIMIT]
        if job.origin.token and job.origin.answerable(now()):
            try:
                await self._refuse_by_follow_up(job, text)
            except AnswerExpiredError:
                await self._refuse_by_direct_message(job, text)
        else:
            await self._refuse_by_direct_message(job, text)

    async def invite(self, job: Job, message_id: int) -> None:
        """Adds the reaction that re-rolls, so that people find it."""
        if self._show_reroll:
            message = (await self._result_channel(job)).get_partial_message(message_id)
            await with_retry(lambda: message.add_reaction(REROLL_EMOJI))

    async def _announced(self, job: Job) -> int | None:
        """Looks for a job's message among those that came after the job."""
        channel, since = self._channel(job), discord.Object(discord.utils.time_snowflake(job.created_at - CLOCKS))

        async def later() -> list[discord.Message]:
            return [message async for message in channel.history(limit=LOOK_BACK, after=since) if cancels(message, job)]

        found = await with_retry(later)
        return found[0].id if found else None

    async def _answer(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        text = words.finished(job, notes)
        message = await with_retry(
            lambda: self._edit(
                job,
                content=text,
                attachments=as_files(files, spoiler=job.wishes.spoiler),
                view=self._buttons(job, files),
            )
        )
        return message.id

    def _buttons(self, job: Job, files: Sequence[Upload]) -> discord.ui.View:
        """Returns a result's buttons; a picture whose size the request does not say is measured as it is posted."""
        if len(job.pictures) > 1:
            return result_view(job)
        size = known_size(job.request) or loading.measure(files[0].data)
        return result_view(job, None, self._tools.of(job.request, size))

    async def _say_sent(self, job: Job) -> None:
        """Says in place of a job's answer that the result is in the person's direct messages."""
        if not job.origin.answerable(now()):
            return
        try:
            await with_retry(lambda: self._edit(job, content=words.sent_by_letter(job), attachments=[], view=None))
        except DeliveryError as error:
            log.info("the answer to job %s cannot say where the result is: %s", job.id, error)

    async def _refuse_by_follow_up(self, job: Job, text: str) -> None:
        """The first follow-up to a public answer would be public too, unless that answer is gone before."""
        webhook = self._webhook(job)
        await with_retry(lambda: webhook.delete_message(job.origin.message_id))
        await with_retry(lambda: webhook.send(text, ephemeral=True, wait=True, allowed_mentions=NO_MENTIONS))

    async def _refuse_by_direct_message(self, job: Job, text: str) -> None:
        await self._remove_stale(job)
        if job.origin.guild_id is None:
            await with_retry(lambda: self._channel(job).send(text, nonce=job.id, allowed_mentions=NO_MENTIONS))
            return
        try:
            channel = await self._letters_to(job)
            await with_retry(lambda: channel.send(text, nonce=job.id, allowed_mentions=NO_MENTIONS))
        except DeliveryError:
            neutral = f"<@{job.origin.user_id}> A picture you asked for could not be painted."
            await with_retry(lambda: self._channel(job).send(neutral, nonce=job.id, allowed_mentions=NO_MENTIONS))

    async def _show(self, job: Job, text: str, view: discord.ui.View | None, files: Sequence[Upload]) -> None:
        """Edits the answer by its token, then as any message of ours, and in the end no more."""
        at, text = now(), _public(job, text)

        def changes() -> dict[str, Any]:
            shown = as_files(files, spoiler=job.wishes.spoiler)
            return {"content": text, "view": view, "attachments": shown}

        if job.origin.answerable(at):
            with suppress(AnswerExpiredError):
                await with_retry(lambda: self._edit(job, **changes()))
                return
        if job.origin.editable(at):
            await with_retry(lambda: self._edit_ours(job, **changes()))

    async def _edit(self, job: Job, **changes: Any) -> discord.Message:
        """Edits a job's message: by its token, or as the bot's own message where nothing but a reaction asked."""
        if not job.origin.token:
            return await self._edit_ours(job, **changes)
        return await self._webhook(job).edit_message(job.origin.message_id, allowed_mentions=NO_MENTIONS, **changes)

    async def _edit_ours(self, job: Job, **changes: Any) -> discord.Message:
        message = self._channel(job).get_partial_message(job.origin.message_id)
        return await message.edit(allowed_mentions=NO_MENTIONS, **changes)

    async def _remove_stale(self, job: Job) -> None:
        """Deletes the answer whose token is dead, if it can still be done."""
        if not job.announced:
            return
        message = self._channel(job).get_partial_message(job.origin.message_id)
        try:
            await with_retry(message.delete)
        except DeliveryError as error:
            log.info("the old answer to job %s stays: %s", job.id, error)

    def _webhook(self, job: Job) -> discord.Webhook:
        origin = job.origin
        data = {"id": origin.application_id, "type": discord.WebhookType.application.value, "token": origin.token}
        return discord.Webhook.from_state(data=data, state=self._client._connection)  # type: ignore[arg-type]

    async def _result_channel(self, job: Job) -> Place:
        return await self._letters_to(job) if job.by_letter else self._channel(job)

    async def _letters_to(self, job: Job) -> discord.DMChannel:
        return await with_retry(lambda: self._client.create_dm(discord.Object(job.origin.user_id)))

    def _channel(self, job: Job) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(job.origin.channel_id, guild_id=job.origin.guild_id)


def _public(job: Job, text: str) -> str:
    """Returns what a job's message says; nothing of the prompt where others could read it."""
    return words.secret(job) if _is_secret(job) else text


def _is_secret(job: Job) -> bool:
    """Whether a job's result goes to its author alone while its own message is public, as no command was answered."""
    return job.by_letter and not job.origin.token


def _shows(message: discord.Message, job: Job) -> bool:
    """Whether a message carries a job's pictures: their names begin with its id."""
    names = (file.filename.removeprefix("SPOILER_") for file in message.attachments)
    return any(name.startswith(f"easel-{job.id}-") for name in names)
