"""Who may see which picture, and act on it: the one rule that every answer with someone's picture passes."""

from dataclasses import dataclass
from typing import NewType, Protocol

from bot.domain import Action, Job, JobState
from bot.errors import LimitError
from bot.services.ports import JobRepository, Posts

# A job that its viewer may see. Only `Access` makes one, and everything that shows a job's pictures or recipe to a
# person takes it instead of a Job, so the type checker finds an answer that skips the rule.
VisibleJob = NewType("VisibleJob", Job)

HIDDEN = "This picture is not available here: it belongs to another place, or it was deleted."
AGE_RESTRICTED = (
    "This picture is from an age-restricted channel. Use the command in an age-restricted channel, or in a direct "
    "message to me."
)
_SHOWN = (JobState.QUEUED, JobState.RUNNING, JobState.RENDERED, JobState.POSTED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class ChannelAccess:
    """What one person may do in one channel.

    Attributes:
        read: Whether they can read its messages. False for a channel that is gone or cannot be looked up.
        moderate: Whether they may delete other people's messages there.
        age_restricted: Whether the channel is age-restricted.
    """

    read: bool = False
    moderate: bool = False
    age_restricted: bool = False


NO_ACCESS = ChannelAccess()


class Channels(Protocol):
    """Discord's channels with the rights that one person has in them."""

    async def access(self, channel_id: int) -> ChannelAccess:
        """Looks up what the person may do in a channel; NO_ACCESS where that cannot be found out."""
        ...

    async def has_message(self, channel_id: int, message_id: int) -> bool:
        """Whether a message is still there; raises DeliveryError where that cannot be found out."""
        ...


class NoChannels:
    """Knows no channel, so nobody may read any."""

    async def access(self, channel_id: int) -> ChannelAccess:
        """Returns NO_ACCESS."""
        return NO_ACCESS

    async def has_message(self, channel_id: int, message_id: int) -> bool:
        """Finds no message."""
        return False


NO_CHANNELS = NoChannels()


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone who wants to see or do something, and the rights Discord gives them in the channel they are in.

    Attributes:
        person: Their id.
        channel_id: Where they are; a thread counts as itself.
        guild_id: The server; None in a direct message.
        moderator: Whether they may delete other people's messages here (Manage Messages).
        age_restricted: Whether the channel is age-restricted.
        barred: Why Discord does not let them generate here, as a sentence; "" where it does.
        message_id: The message that they pressed a button of or reacted to.
        channels: Looks other channels up.
    """

    person: int
    channel_id: int
    guild_id: int | None
    moderator: bool = False
    age_restricted: bool = False
    barred: str = ""
    message_id: int | None = None
    channels: Channels = NO_CHANNELS

    @property
    def here(self) -> ChannelAccess:
        """What they may do where they are."""
        return ChannelAccess(read=True, moderate=self.moderator, age_restricted=self.age_restricted)

    def may_act_for(self, *owners: int | None) -> bool:
        """Whether they are one of the owners, or a moderator where they are."""
        return self.moderator or self.person in owners


def check_rights(actor: Actor) -> None:
    """Refuses what generates where Discord does not let a person use the command that does.

    Raises:
        LimitError: They may not; the text names the right that is missing.
    """
    if actor.barred:
        raise LimitError(actor.barred)


def may_show(viewer: Actor, place: ChannelAccess, picture: Job) -> bool:
    """Whether a person may see a job, privately, where they are now.

    Authors see their own jobs. Others see what was posted on the server they are on, in a channel that they can read
    now. What comes from an age-restricted channel is shown in such a channel or a direct message only.

    Args:
        viewer: Who wants to see it, and where it would be shown.
        place: What the viewer may do in the channel where the job was posted.
        picture: The job.
    """
    if place.age_restricted and not (viewer.age_restricted or viewer.guild_id is None):
        return False
    if picture.origin.user_id == viewer.person:
        return True
    same_server = picture.origin.guild_id is not None and picture.origin.guild_id == viewer.guild_id
    return same_server and place.read and picture.state in _SHOWN and not picture.wishes.direct


class Access:
    """Applies the rule to jobs from the database.

    Args:
        ledger: Where the jobs are.
        posts: Knows which messages show what.
    """

    def __init__(self, ledger: JobRepository, posts: Posts) -> None:
        self._ledger = ledger
        self._posts = posts

    async def place(self, job: Job, viewer: Actor) -> ChannelAccess:
        """Returns what a person may do in the channel where a job was posted."""
        origin = job.origin
        if (origin.channel_id, origin.guild_id) == (viewer.channel_id, viewer.guild_id):
            return viewer.here
        return NO_ACCESS if origin.guild_id is None else await viewer.channels.access(origin.channel_id)

    async def visible(self, job: Job, viewer: Actor) -> VisibleJob | None:
        """Returns a job if its viewer may see it."""
        place = await self.place(job, viewer)
        if may_show(viewer, place, job) or await self._shown_by_message(job, viewer):
            return VisibleJob(job)
        return None

    async def require(self, job: Job, viewer: Actor) -> VisibleJob:
        """Returns a job if its viewer may see it.

        Raises:
            LimitError: They may not; the text does not say whether the job exists.
        """
        visible = await self.visible(job, viewer)
        if visible is not None:
            return visible
        own = job.origin.user_id == viewer.person
        raise LimitError(AGE_RESTRICTED if own else HIDDEN)

    async def may_moderate(self, job: Job, actor: Actor) -> bool:
        """Whether a person may moderate the channel where a job was posted."""
        same_server = job.origin.guild_id is not None and job.origin.guild_id == actor.guild_id
        return same_server and (await self.place(job, actor)).moderate

    async def may_reuse_inputs(self, job: Job, actor: Actor) -> bool:
        """Whether a person may generate from the pictures that a job began from.

        They may from what they brought themselves, and from what was generated here and is visible to them. A picture
        that someone else brought is theirs alone: only its owner saw it, as an option of a command.
        """
        wanted, current = set(job.request.inputs), job
        while wanted:
            parent = await self._parent(current)
            if parent is None:
                return current.origin.user_id == actor.person
            shown = {picture.digest for picture in parent.pictures}
            if wanted & shown and await self.visible(parent, actor) is None:
                return False
            carried = (wanted - shown) & set(parent.request.inputs)
            brought = wanted - shown - carried - _drawn(current)
            if brought and current.origin.user_id != actor.person:
                return False
            wanted, current = carried, parent
        return True

    async def _parent(self, job: Job) -> Job | None:
        return None if job.derived is None else await self._ledger.find(job.derived.parent_job)

    async def _shown_by_message(self, job: Job, viewer: Actor) -> bool:
        """Whether the message that a person uses still shows one picture of a job whose own message was deleted."""
        here = (job.origin.channel_id, job.origin.guild_id) == (viewer.channel_id, viewer.guild_id)
        if job.state is not JobState.WITHDRAWN or viewer.message_id is None or not here or job.wishes.direct:
            return False
        post = await self._posts.find(viewer.message_id)
        return post is not None and post.job.id == job.id


def _drawn(job: Job) -> set[str]:
    """Returns the mask of a region that was chosen on a picture generated here; it shows nothing else."""
    drawn = job.derived is not None and job.derived.action is Action.VARY_REGION and job.request.mask is not None
    return {job.request.mask.picture} if drawn and job.request.mask is not None else set()
