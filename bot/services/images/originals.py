"""A job's pictures as files to upload: the originals, and what a message shows of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain import Action, Derivation, Job
from bot.errors import PictureLostError
from bot.services.images.fit_upload import REQUEST_LIMIT
from bot.services.images.grid import grid
from bot.services.ports import PictureStore, Upload
from generation.metadata import without_digests

MOST_FILES = 10  # in one message


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture that was painted here, as if it had been attached."""

    store: PictureStore
    job: Job
    number: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.job.pictures[self.number - 1].size

    @property
    def content_type(self) -> str | None:
        """Such as "image/png"."""
        return self.job.pictures[self.number - 1].media_type

    @property
    def width(self) -> int | None:
        """Pixels before a second pass."""
        return self.job.request.width

    @property
    def height(self) -> int | None:
        """Pixels before a second pass."""
        return self.job.request.height

    @property
    def derived(self) -> Derivation:
        """What is said of a job that begins from it."""
        return Derivation(parent_job=self.job.id, parent_index=self.number, action=Action.INPUT)

    async def read(self) -> bytes:
        """Reads its file; raises PictureLostError if it is gone."""
        return await self.store.get(self.job.pictures[self.number - 1].digest)


async def originals(job: Job, pictures: PictureStore, number: int | None = None) -> list[Upload]:
    """Reads a job's pictures, or one of them, counted from 1. Removed ones are left out where others are kept.

    Raises:
        PictureLostError: None of them is kept any more, or one is missing.
    """
    chosen = list(zip(_names(job), job.pictures, strict=True))
    if number is not None:
        chosen = chosen[number - 1 : number]
    kept = [(name, picture) for name, picture in chosen if picture.removed_at is None]
    if chosen and not kept:
        raise PictureLostError(f"{removal(job)} Its recipe is kept: /show id:{job.id}")
    inputs = job.request.inputs
    return [Upload(name, without_digests(await pictures.get(picture.digest), inputs)) for name, picture in kept]


def removal(job: Job) -> str | None:
    """Says that pictures of a job were removed, and after how long; None where all are kept."""
    removed = [picture.removed_at for picture in job.pictures if picture.removed_at is not None]
    if not removed:
        return None
    days = (max(removed) - job.created_at).days
    after = "on its first day" if days < 1 else f"after {days} day{'s' if days > 1 else ''}"
    if len(job.pictures) == 1:
        return f"The picture was removed {after}."
    return f"{len(removed)} of {len(job.pictures)} pictures were removed, the last one {after}."


async def shown(job: Job, files: Sequence[Upload]) -> list[Upload]:
    """Returns what a message shows of a job: its picture, or several in one numbered grid."""
    if len(files) == 1:
        return list(files)
    data = await asyncio.to_thread(grid, [file.data for file in files])
    return [Upload(f"easel-{job.id}-grid.jpg", data)]


def batches(files: Sequence[Upload], request_limit: int = REQUEST_LIMIT) -> list[list[Upload]]:
    """Distributes files over as few messages as keep within the size of one request, in their order."""
    made: list[list[Upload]] = []
    room = 0
    for file in files:
        if not made or len(file.data) > room or len(made[-1]) == MOST_FILES:
            made.append([])
            room = request_limit
        made[-1].append(file)
        room -= len(file.data)
    return made


def _names(job: Job) -> list[str]:
    """Names a job's files by their seeds; pictures that share a seed are numbered."""
    seeds = [picture.seed for picture in job.pictures]
    shared = len(set(seeds)) < len(seeds)
    return [f"easel-{job.id}-{seed}{f'-{number}' if shared else ''}.png" for number, seed in enumerate(seeds, 1)]
