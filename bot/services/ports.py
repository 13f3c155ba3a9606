"""What the services need of the world, as Protocols; persistence and ui provide it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain import Copy, Job, Post, Speed, Usage
from generation import Progress


class JobRepository(Protocol):
    """Where jobs are kept; every call is one committed transaction.

    Every method may raise StorageError; those that change a job raise JobTakenError when another process of the bot
    looks after it by now.
    """

    async def add(self, *jobs: Job) -> None:
        """Keeps new jobs, all or none; JobTakenError if their command is a job already."""
        ...

    async def moved(self, job_ids: Collection[str], channel_id: int) -> None:
        """Notes that jobs without messages will have theirs in another channel."""
        ...

    async def announced(self, job_id: str, message_id: int) -> None:
        """Notes the message of a job that had none."""
        ...

    async def begin(self, job_id: str) -> None:
        """Notes that a job is being painted."""
        ...

    async def rendered(self, job: Job, device_seconds: float) -> None:
        """Notes a job's pictures, whose files lie in the store already, and its share of the device."""
        ...

    async def posted(self, job_id: str, message_id: int) -> None:
        """Notes the message that shows the pictures."""
        ...

    async def failed(self, job_id: str, reason: str) -> None:
        """Notes that a job cannot be painted."""
        ...

    async def cancelled(self, job_id: str) -> None:
        """Notes that a person withdrew a job."""
        ...

    async def request_cancel(self, job_id: str) -> None:
        """Notes that a job is no longer wanted which another process looks after."""
        ...

    async def cancel_requested(self) -> list[Job]:
        """Lists the jobs of this process that are not painted yet and no longer wanted."""
        ...

    async def find(self, job_id: str) -> Job | None:
        """Finds a job."""
        ...

    async def usage(self, person: int) -> Usage:
        """Says what a person has had painted in all."""
        ...

    async def mine(self, job_id: str) -> bool:
        """Whether this process still looks after a job."""
        ...

    async def adopt(self, dead: Collection[str]) -> list[Job]:
        """Takes over what dead processes left queued, running or rendered but not posted, oldest first."""
        ...


class Posts(Protocol):
    """Which messages show what. Every method may raise StorageError."""

    async def keep(self, message_id: int, job_id: str, number: int, person: int) -> None:
        """Notes a message that shows one picture of a job, counted from 1, and who had it posted."""
        ...

    async def find(self, message_id: int) -> Post | None:
        """Finds what a message shows; a job's own message shows the job also while it is unfinished."""
        ...

    async def deleted(self, message_id: int) -> None:
        """Notes that a message was deleted: it shows nothing any more, and a job that it showed is withdrawn."""
        ...

    async def asked_by(self, reaction: str, person: int) -> Job | None:
        """Finds the unfinished job that a person's reaction asked for (Derivation.reaction)."""
        ...


class Stars(Protocol):
    """Who starred which messages, and their copies in galleries. Every method may raise StorageError."""

    async def add(self, message_id: int, post: Post, person: int) -> int:
        """Notes a person's star; returns how many there are now."""
        ...

    async def take(self, message_id: int, person: int) -> int:
        """Takes a person's star away; returns how many there are now."""
        ...

    async def copy_of(self, message_id: int) -> Copy | None:
        """Finds the gallery's copy of a message."""
        ...

    async def copied(self, message_id: int, job_id: str, copy: Copy) -> None:
        """Notes the gallery's copy of a message."""
        ...

    async def forget(self, message_id: int) -> None:
        """Forgets a message's copy and its stars."""
        ...


class Workers(Protocol):
    """The processes of the bot that share the database. Every method may raise StorageError."""

    async def register(self) -> None:
        """Enters this process."""
        ...

    async def renew(self) -> None:
        """Says that this process lives."""
        ...

    async def dead(self) -> list[str]:
        """Lists the processes that are gone."""
        ...

    async def delete(self, workers: list[str]) -> None:
        """Removes processes whose jobs were taken over."""
        ...

    async def leave(self) -> None:
        """Says that this process ends."""
        ...


class SpeedRepository(Protocol):
    """Where it is kept how fast this device turned out to be."""

    async def known(self) -> list[Speed]:
        """Lists everything that was learned."""
        ...

    async def keep(self, speeds: Sequence[Speed]) -> None:
        """Keeps what is known now of models and sizes."""
        ...


class PictureStore(Protocol):
    """Where picture files lie, by their content."""

    async def put(self, data: bytes) -> str:
        """Keeps a file, on disk for certain when this returns; returns its SHA-256."""
        ...

    async def get(self, digest: str) -> bytes:
        """Reads a file; PictureLostError if it is not there any more."""
        ...

    async def remove(self, digests: Sequence[str]) -> None:
        """Deletes files."""
        ...


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to post."""

    name: str
    data: bytes


class Messenger(Protocol):
    """How people hear of their jobs.

    Every method may raise DeliveryError; passing troubles of the network are tried again behind it.
    """

    async def announce(self, job: Job, *, again: bool) -> int:
        """Posts the message of a job that has none yet; doing it twice within minutes posts once. Returns its id.

        Args:
            job: The job.
            again: Whether an earlier process may have posted it; it is looked for first.
        """
        ...

    async def show_waiting(self, job: Job, place: int, ready: datetime, *, resumed: bool) -> None:
        """Says how many jobs are in front of it, when it will be ready, and whether it was taken up after a restart."""
        ...

    async def show_kept(self, job: Job) -> None:
        """Says that the bot is being restarted and the job goes on afterwards."""
        ...

    async def show_progress(self, job: Job, progress: Progress, ready: datetime) -> None:
        """Says how far a job has come, when it will be ready, and shows the newest preview if there is one."""
        ...

    async def answer(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Turns the job's answer into its result; doing it twice changes nothing. Returns the message's id.

        Raises:
            AnswerExpiredError: The answer can no longer be edited.
        """
        ...

    async def send(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Posts the result as a message of its own; doing it twice within minutes posts once. Returns its id."""
        ...

    async def send_privately(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        """Sends the result by direct message, since it cannot be posted where it was asked for. Returns its id."""
        ...

    async def posted(self, job: Job) -> int | None:
        """Looks for the result in the channel; returns its message's id if it was posted before.

        Where the channel cannot be read, the person's direct messages are looked through.
        """
        ...

    async def refuse(self, job: Job, reason: str) -> None:
        """Tells the person alone why there is no result, and takes the public answer away."""
        ...

    async def show_cancelled(self, job: Job) -> None:
        """Says that the job was withdrawn."""
        ...

    async def invite(self, job: Job, message_id: int) -> None:
        """Shows at a result that people may react to it, where that is wanted."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """The services' outside world."""

    ledger: JobRepository
    speeds: SpeedRepository
    pictures: PictureStore
    messenger: Messenger
