"""A job: its request, where it came from, what became of it."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from generation import GenerationRequest

TOKEN_LIFE = timedelta(minutes=15)
EXPIRED = "expired"  # in place of a token that Discord no longer takes
EDITABLE = timedelta(minutes=55)  # Discord refuses to edit messages an hour old more than a few times (30046)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter is taken for another


class JobState(StrEnum):
    """Where a job is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    RENDERED = "rendered"
    POSTED = "posted"
    WITHDRAWN = "withdrawn"  # posted, and the message was deleted since: by id only its author sees it
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPreferences:
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
class Origin:
    """Who asked, and where the answer goes.

    Attributes:
        user_id: Who asked.
        channel_id: Where.
        guild_id: The server; None in a direct message.
        application_id: Which application answers.
        token: The interaction's secret; good for 15 minutes after asked_at, then kept as EXPIRED. "" where nothing
            but a reaction asked: the answer is then a message of the bot's own. "" also once the job has ended.
        message_id: The answer's message; 0 while a message of the bot's own is still to be posted.
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
        removed_at: When its file was removed to keep within the operator's limits; None while it is kept.
    """

    digest: str
    media_type: str
    size: int
    seed: int
    removed_at: datetime | None = None


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

    @property
    def reacted_to(self) -> int | None:
        """The message that a reaction was made to, where one asked for it."""
        return None if self.reaction is None else int(self.reaction.partition(":")[0])


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
    wishes: DeliveryPreferences = DeliveryPreferences()
    weight: float = 1.0
    derived: Derivation | None = None

    @property
    def announced(self) -> bool:
        """Whether it has a message."""
        return self.origin.message_id != 0

    @property
    def by_letter(self) -> bool:
        """Whether its result is sent by direct message instead of being posted on the server."""
        return self.wishes.direct and self.origin.guild_id is not None


def new_job_id() -> str:
    """Makes an id of ten characters, about 10^15 different ones."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def now() -> datetime:
    """Returns the present time in UTC."""
    return datetime.now(UTC)
