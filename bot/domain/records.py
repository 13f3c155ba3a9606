"""What is kept beside the jobs: histories, posts, what was learned, who works."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.jobs import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What of a history is wanted; what is empty does not matter.

    Attributes:
        words: All of them stand in the prompt.
        model: What painted it.
        since: Not before this time.
        until: Before this time.
        starred: Whether it must be starred.
    """

    words: tuple[str, ...] = ()
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    starred: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A painted job in its person's history.

    Attributes:
        number: Larger for later jobs.
        job: The job.
        starred: Whether its person has starred it.
    """

    number: int
    job: Job
    starred: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What was kept for a button until it is pressed, and for whom."""

    person: int
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message that shows pictures of a job.

    Attributes:
        job: The job.
        number: Which picture, counted from 1; None where the message shows the whole job.
        person: Who had it posted.
    """

    job: Job
    number: int | None
    person: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A message in a gallery: its channel and its own id."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class Speed:
    """What was learned of the device with one model at one size.

    Attributes:
        model: The checkpoint's name.
        pixels: The picture's area; 0 for what every UNet call takes beside the pictures in it.
        seconds_per_unit: Device seconds per unit of work (bot.services.jobs.costs); for a call, its seconds.
        jobs: How many jobs it was learned from.
    """

    model: str
    pixels: int
    seconds_per_unit: float
    jobs: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a person has had painted in all: jobs, pictures, and seconds of the device."""

    jobs: int
    pictures: int
    device_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One running process of the bot.

    Attributes:
        id: Made anew at every start.
        host: The machine's name.
        pid: The process's number on it.
        started_at: When that process began, in seconds since 1970; numbers are used again, times are not.
    """

    id: str
    host: str
    pid: int
    started_at: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a person brought for jobs that are not finished yet: files, and their bytes in all."""

    files: int
    size: int
