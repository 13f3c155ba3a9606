"""A job's pictures as files to upload: the originals, and what a message shows of them."""

import asyncio
from collections.abc import Sequence

from bot.domain import Job
from bot.services.fitting import REQUEST_LIMIT
from bot.services.grid import grid
from bot.services.ports import PictureStore, Upload

MOST_FILES = 10  # in one message


async def originals(job: Job, pictures: PictureStore, number: int | None = None) -> list[Upload]:
    """Reads a job's pictures, or one of them, counted from 1.

    Raises:
        PictureLostError: One is not there any more.
    """
    chosen = list(zip(_names(job), job.pictures, strict=True))
    if number is not None:
        chosen = chosen[number - 1 : number]
    return [Upload(name, await pictures.get(picture.digest)) for name, picture in chosen]


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
