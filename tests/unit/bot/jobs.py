"""Jobs and fakes of the services' outside world."""

import hashlib
import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain import Job, JobState, Origin, Speed, Usage, new_job_id, now
from bot.errors import DeliveryError
from bot.services.ports import Upload
from generation import GenerationRequest, Progress

INTERACTIONS = itertools.count(1)


def job(
    person: int = 1,
    *,
    asked: timedelta = timedelta(),
    file_limit: int = 10 * 2**20,
    weight: float = 1,
    **changes: object,
) -> Job:
    values: dict[str, object] = {"prompt": "a cat", "model": "tiny", "seed": 7, "steps": 4}
    origin = Origin(
        user_id=person,
        channel_id=10,
        guild_id=20,
        application_id=30,
        token="secret",
        message_id=40,
        interaction_id=next(INTERACTIONS),
        asked_at=now() - asked,
        file_limit=file_limit,
    )
    request = GenerationRequest(**(values | changes))  # type: ignore[arg-type]
    return Job(id=new_job_id(), request=request, origin=origin, state=JobState.QUEUED, created_at=now(), weight=weight)


class MemoryJobs:
    """Keeps jobs and remembers the way of each."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.ways: dict[str, list[str]] = {}
        self.reasons: dict[str, str] = {}
        self.broken = False
        self.lost: set[str] = set()
        self.disowned: list[str] = []

    async def add(self, *jobs: Job) -> None:
        if self.broken:
            raise OSError("database is locked")
        for job in jobs:
            self.jobs[job.id] = job
            self.ways[job.id] = ["queued"]

    async def moved(self, job_ids: Collection[str], channel_id: int) -> None:
        for job_id in job_ids:
            job = self.jobs[job_id]
            self.jobs[job_id] = replace(job, origin=replace(job.origin, channel_id=channel_id))

    async def announced(self, job_id: str, message_id: int) -> None:
        job = self.jobs[job_id]
        self.jobs[job_id] = replace(job, origin=replace(job.origin, message_id=message_id))

    async def begin(self, job_id: str) -> None:
        self.ways.setdefault(job_id, []).append("running")

    async def rendered(self, job: Job, device_seconds: float) -> None:
        self.ways[job.id].append("rendered")

    async def usage(self, person: int) -> Usage:
        painted = [job for job in self.jobs.values() if "rendered" in self.ways[job.id]]
        return Usage(len(painted), sum(job.request.count for job in painted), 1.5 * len(painted))

    async def posted(self, job_id: str, message_id: int) -> None:
        self.ways.setdefault(job_id, []).append(f"posted as {message_id}")

    async def failed(self, job_id: str, reason: str) -> None:
        self.ways.setdefault(job_id, []).append("failed")
        self.reasons[job_id] = reason

    async def cancelled(self, job_id: str) -> None:
        self.ways.setdefault(job_id, []).append("cancelled")

    async def find(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    async def mine(self, job_id: str) -> bool:
        return job_id not in self.lost

    async def request_cancel(self, job_id: str) -> None:
        self.disowned.append(job_id)

    async def cancel_requested(self) -> list[Job]:
        open_jobs = (job for job in self.jobs.values() if self.ways[job.id][-1] in {"queued", "running"})
        return [job for job in open_jobs if job.id in self.disowned]

    async def adopt(self, dead: Collection[str]) -> list[Job]:
        return [job for job in self.jobs.values() if self.ways[job.id] == ["queued"]] if "before" in dead else []


class MemoryWorkers:
    """One process that died before, and this one."""

    def __init__(self) -> None:
        self.alive = {"before"}
        self.dying = ["before"]

    async def register(self) -> None:
        self.alive.add("me")

    async def renew(self) -> None:
        self.alive.add("me")

    async def dead(self) -> list[str]:
        return [name for name in self.dying if name in self.alive]

    async def delete(self, workers: list[str]) -> None:
        self.alive -= set(workers)

    async def leave(self) -> None:
        self.alive.discard("me")


class MemorySpeeds:
    """Keeps what was learned."""

    def __init__(self) -> None:
        self.kept: list[Speed] = []

    async def known(self) -> list[Speed]:
        return self.kept

    async def keep(self, speeds: Sequence[Speed]) -> None:
        self.kept += speeds


class MemoryPictures:
    """Keeps files under their SHA-256."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.files[digest] = data
        return digest

    async def get(self, digest: str) -> bytes:
        return self.files[digest]

    async def remove(self, digests: Sequence[str]) -> None:
        for digest in digests:
            self.files.pop(digest, None)


class RecordingMessenger:
    """Remembers what was said; answers and sends may fail as the test says."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.uploads: list[Sequence[Upload]] = []
        self.notes: tuple[str, ...] = ()
        self.ready: dict[str, datetime] = {}
        self.previews: dict[str, bytes | None] = {}
        self.posted_before: dict[str, int] = {}
        self.answer_failures: list[Exception] = []
        self.send_failures: list[Exception] = []
        self.refuse_failures: list[Exception] = []
        self.announce_failures: list[Exception] = []
        self.invited: list[int] = []
        self.takes_letters = True

    async def announce(self, job: Job, *, again: bool) -> int:
        if self.announce_failures:
            raise self.announce_failures.pop(0)
        self.said.append(("announced again" if again else "announced", job.id))
        return 5

    async def show_waiting(self, job: Job, place: int, ready: datetime, *, resumed: bool) -> None:
        self.said.append(("resumed" if resumed else "waiting", f"{job.id} {place}"))
        self.ready[job.id] = ready

    async def show_kept(self, job: Job) -> None:
        self.said.append(("kept", job.id))

    async def show_progress(self, job: Job, progress: Progress, ready: datetime) -> None:
        self.said.append(("progress", f"{job.id} {progress.done}"))
        self.previews[job.id] = progress.preview
        self.ready[job.id] = ready

    async def answer(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        if self.answer_failures:
            raise self.answer_failures.pop(0)
        self.said.append(("answer", job.id))
        self.uploads.append(files)
        self.notes = tuple(notes)
        return 1

    async def send(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        if self.send_failures:
            raise self.send_failures.pop(0)
        self.said.append(("send", job.id))
        self.uploads.append(files)
        return 2

    async def send_privately(self, job: Job, files: Sequence[Upload], notes: Sequence[str]) -> int:
        if not self.takes_letters:
            raise DeliveryError("This person takes no direct messages.")
        self.said.append(("letter", job.id))
        self.uploads.append(files)
        self.notes = tuple(notes)
        return 3

    async def posted(self, job: Job) -> int | None:
        return self.posted_before.get(job.id)

    async def refuse(self, job: Job, reason: str) -> None:
        if self.refuse_failures:
            raise self.refuse_failures.pop(0)
        self.said.append(("refuse", reason))

    async def show_cancelled(self, job: Job) -> None:
        self.said.append(("cancelled", job.id))

    async def invite(self, job: Job, message_id: int) -> None:
        self.invited.append(message_id)
