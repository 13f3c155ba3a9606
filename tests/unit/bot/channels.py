"""Fakes of Discord's channels and of what its messages show."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain import Entry, Job, JobState, Post, Search
from bot.services.access import NO_ACCESS, ChannelAccess
from tests.unit.bot.jobs import MemoryJobs


class MemoryChannels:
    """What one person may do in some channels, and which messages are gone."""

    def __init__(self, access: dict[int, ChannelAccess] | None = None) -> None:
        self.known = access or {}
        self.gone: set[int] = set()

    async def access(self, channel_id: int) -> ChannelAccess:
        return self.known.get(channel_id, NO_ACCESS)

    async def has_message(self, channel_id: int, message_id: int) -> bool:
        return channel_id in self.known and message_id not in self.gone


class MemoryPosts:
    """What messages show: a job's own message the job, others one picture each."""

    def __init__(self, ledger: MemoryJobs) -> None:
        self._ledger = ledger
        self.single: dict[int, tuple[str, int, int]] = {}

    async def keep(self, message_id: int, job_id: str, number: int, person: int) -> None:
        self.single[message_id] = job_id, number, person

    async def find(self, message_id: int) -> Post | None:
        for job in self._ledger.jobs.values():
            if job.origin.message_id == message_id:
                return Post(job=job, number=None, person=job.origin.user_id)
        if message_id not in self.single:
            return None
        job_id, number, person = self.single[message_id]
        return Post(job=self._ledger.jobs[job_id], number=number, person=person)

    async def deleted(self, message_id: int) -> None:
        self.single.pop(message_id, None)
        for job in list(self._ledger.jobs.values()):
            if job.origin.message_id == message_id and job.state is JobState.POSTED:
                self._ledger.jobs[job.id] = replace(job, state=JobState.WITHDRAWN)

    async def asked_by(self, reaction: str, person: int) -> Job | None:
        found = (job for job in self._ledger.jobs.values() if job.derived and job.derived.reaction == reaction)
        return next((job for job in found if job.origin.user_id == person), None)


class MemoryHistory:
    """Knows families and stars; lists nothing."""

    def __init__(self, ledger: MemoryJobs) -> None:
        self._ledger = ledger

    async def older(self, person: int, search: Search, before: int | None, most: int) -> Sequence[Entry]:
        return []

    async def newer(self, person: int, search: Search, after: int, most: int) -> Sequence[Entry]:
        return []

    async def is_starred(self, person: int, job_id: str) -> bool:
        return False

    async def star(self, person: int, job: Job, *, starred: bool) -> None:
        raise NotImplementedError

    async def family(self, job_id: str, most: int) -> Sequence[Job]:
        return list(self._ledger.jobs.values())[:most]

    async def erase(self, person: int) -> Sequence[str]:
        return []
