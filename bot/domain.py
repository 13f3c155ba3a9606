"""The bot's own nouns: an order, a job and where it came from. No Discord, no SQL."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from generation import GenerationRequest

TOKEN_LIFE = timedelta(minutes=15)
EDITABLE = timedelta(minutes=55)  # Discord refuses to edit messages an hour old more than a few times (30046)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter is taken for another


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    RENDERED = "rendered"
    POSTED = "posted"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.RENDERED)


class Action(StrEnum):
    """What made a new job of an old one."""

    REROLL = "reroll"
    VARY_SUBTLE = "vary_subtle"
    VARY_STRONG = "vary_strong"
    EDIT = "edit"
    INPUT = "input"
    UPSCALE = "upscale"
    ZOOM_OUT = "zoom_out"
    MAKE_SQUARE = "make_square"
    PAN = "pan"
    VARY_REGION = "vary_region"


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture that a person brought: read, checked, and kept in the store.

    Attributes:
        digest: Its file's SHA-256.
        width: Pixels, upright.
        height: Pixels, upright.
        transparent: Whether something of it is.
    """

    digest: str
    width: int
    height: int
    transparent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person typed; None where they left it open."""

    prompt: str
    negative: str | None = None
    model: str | None = None
    aspect: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    cfg: float | None = None
    sampler: str | None = None
    scheduler: str | None = None
    seed: int | None = None
    count: int | None = None
    preset: str | None = None
    vae: str | None = None
    clip_skip: int | None = None
    extra: str | None = None
    subseed: int | None = None
    subseed_strength: float | None = None
    rescale: float | None = None
    cfg_start: float | None = None
    cfg_end: float | None = None
    weights: str | None = None
    noise: str | None = None
    prediction: str | None = None
    row: int | None = None
    rows: int | None = None
    image: InputFile | None = None
    strength: float | None = None
    fit: str | None = None
    mask: InputFile | None = None
    feather: int | None = None
    grow: int | None = None
    invert: bool | None = None
    area: str | None = None
    margin: int | None = None
    outpaint: str | None = None
    lora: str | None = None
    hires: float | None = None
    upscale: float | None = None
    hires_strength: float | None = None
    hires_steps: int | None = None
    hires_method: str | None = None
    tile: int | None = None
    refiner: str | None = None
    refiner_at: float | None = None
    refiner_strength: float | None = None
    refiner_steps: int | None = None


class Scope(StrEnum):
    """For whom a choice holds: one person, everybody in a channel, everybody on a server."""

    PERSON = "person"
    CHANNEL = "channel"
    SERVER = "server"


Values = Mapping[str, Any]  # some of an order's fields and what was chosen for them


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose choices or presets are meant: a scope, and the id of the person, channel or server."""

    scope: Scope
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How a person wants to be served, whatever is painted.

    Attributes:
        spoiler: Pictures are hidden until one clicks them.
        direct: Results are sent by direct message instead of being posted in the channel.
        remembered: Pictures are entered in the person's history.
        previews: Half-finished pictures are shown while painting.
    """

    spoiler: bool = False
    direct: bool = False
    remembered: bool = True
    previews: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings that somebody saved under a name.

    Attributes:
        name: What people type, in lower case.
        owner: Whose it is: a person's or a server's.
        values: What it sets, by an order's fields; `prompt` is a template.
        code: With which others can copy it; None while it is not shared.
    """

    name: str
    owner: Owner
    values: Values
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asked, and where the answer goes.

    Attributes:
        user_id: Who asked.
        channel_id: Where.
        guild_id: The server; None in a direct message.
        application_id: Which application answers.
        token: The interaction's secret; good for 15 minutes after asked_at. "" where nothing but a reaction asked: the
            answer is then a message of the bot's own.
        message_id: The answer's message.
        interaction_id: The command or the press itself; a job is made of it once. None for a reaction.
        asked_at: When Discord received the command.
        file_limit: The largest file in bytes that may be uploaded there.
        roles: The person's roles on the server; not kept.
    """

    user_id: int
    channel_id: int
    guild_id: int | None
    application_id: int
    token: str
    message_id: int
    interaction_id: int | None
    asked_at: datetime
    file_limit: int
    roles: tuple[int, ...] = ()

    def answerable(self, now: datetime, margin: timedelta = timedelta(seconds=30)) -> bool:
        """Whether the answer can still be edited, with time enough for an upload."""
        return now < self.asked_at + (TOKEN_LIFE if self.token else EDITABLE) - margin

    def editable(self, now: datetime) -> bool:
        """Whether the answer may still be edited as any message of ours, its token dead or not."""
        return now < self.asked_at + EDITABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One finished picture of a job: where it lies in the store, and what it is.

    Attributes:
        digest: SHA-256 of the file, its name in the store.
        media_type: Such as "image/png".
        size: Bytes.
        seed: The seed that paints it alone.
    """

    digest: str
    media_type: str
    size: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Where a job comes from that was made of an earlier one.

    Attributes:
        parent_job: The earlier job's id.
        parent_index: Which of its pictures, counted from 1; None for the job as a whole.
        action: What was done with it.
        reaction: The message and the emoji, as "id:emoji", where a reaction asked for it.
    """

    parent_job: str
    parent_index: int | None
    action: Action
    reaction: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request on its way, with its person.

    Attributes:
        id: Short and never used twice.
        request: What to paint.
        origin: Who asked and where.
        state: Where it is in its life.
        created_at: When it was accepted.
        pictures: What was painted, once it is.
        seconds: How long the painting took.
        notes: What people should know of how it was made.
        wishes: How its person wants to be served.
        weight: How much of the device its person may have, where others have 1.
        derived: The earlier job it was made of, if it was.
    """

    id: str
    request: GenerationRequest
    origin: Origin
    state: JobState
    created_at: datetime
    pictures: tuple[Picture, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    wishes: Wishes = Wishes()
    weight: float = 1.0
    derived: Derivation | None = None

    @property
    def by_letter(self) -> bool:
        """Whether its result is sent by direct message instead of being posted on the server."""
        return self.wishes.direct and self.origin.guild_id is not None


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
        pixels: The picture's area.
        seconds_per_unit: Device seconds per unit of work (bot.services.costs).
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


def new_job_id() -> str:
    """Makes an id of ten characters, about 10^15 different ones."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def now() -> datetime:
    """Returns the present time in UTC."""
    return datetime.now(UTC)
