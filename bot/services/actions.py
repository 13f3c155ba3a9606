"""What people do with finished pictures: paint again, vary, change, keep. Who may do it where."""

import asyncio
from dataclasses import dataclass

from bot.domain import Action, Derivation, Job, JobState, Order, Post
from bot.errors import LimitError, NotKeptError, StorageError
from bot.services.derive import DrawSeed, rerolled, varied
from bot.services.generation import GenerationService
from bot.services.layers import Taste
from bot.services.originals import KeptPicture, originals
from bot.services.partwords import outpainted_as, with_pictures
from bot.services.ports import Ledger, PictureStore, Posts, Upload
from bot.services.resolve import random_seed
from generation import GenerationRequest

PATIENCE_SECONDS = 2.0  # Discord waits three for the first answer
FORGOTTEN = "I no longer keep this picture; it can only be asked for anew."


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, where, and whether they may moderate there."""

    person: int
    channel_id: int
    guild_id: int | None
    moderator: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator decided about buttons and reactions.

    Attributes:
        buttons_for_all: Whether everybody may press them, or only the person who asked and moderators.
        reactions_for_all: Likewise.
        vary: What V1 to V4 do.
        variations: How many pictures a variation has.
    """

    buttons_for_all: bool = True
    reactions_for_all: bool = True
    vary: Action = Action.VARY_STRONG
    variations: int = 4


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that has its place in the queue, and where it comes from; submit it or withdraw the acceptance."""

    request: GenerationRequest
    derived: Derivation


class PictureActions:
    """Turns what people do into accepted requests and files, or refuses it in words."""

    def __init__(
        self,
        generation: GenerationService,
        ledger: Ledger,
        posts: Posts,
        pictures: PictureStore,
        rules: Rules,
        draw_seed: DrawSeed = random_seed,
    ) -> None:
        self.generation = generation
        self.posts = posts
        self.rules = rules
        self._ledger = ledger
        self._pictures = pictures
        self._draw_seed = draw_seed

    async def find(self, job_id: str, actor: Actor) -> Job:
        """Finds the job of a button.

        Raises:
            NotKeptError: It is not known any more.
            LimitError: It is shown where it was not asked for.
            StorageError: The database takes too long for an answer in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                job = await self._ledger.find(job_id)
        except TimeoutError as error:
            raise StorageError("The database does not answer; please try again in a moment.") from error
        if job is None:
            raise NotKeptError(FORGOTTEN)
        check_place(job, actor)
        return job

    def reroll(self, job: Job, number: int | None, actor: Actor, reaction: str | None = None) -> Accepted:
        """Accepts the same request with new seeds; of one picture of several, that one alone."""
        request = job.request if number is None else job.request.picture(number - 1)
        derived = Derivation(parent_job=job.id, parent_index=number, action=Action.REROLL, reaction=reaction)
        return self._accept(rerolled(request, self._draw_seed), derived, actor)

    def vary(self, job: Job, number: int, actor: Actor, action: Action | None = None) -> Accepted:
        """Accepts variations of one picture; without an action in the way the operator decided."""
        action = action or self.rules.vary
        request = varied(job.request, number, action, self.rules.variations, self._draw_seed)
        return self._accept(request, Derivation(parent_job=job.id, parent_index=number, action=action), actor)

    def edit(self, job: Job, number: int | None, order: Order, actor: Actor, taste: Taste) -> Accepted:
        """Accepts what a person made of an earlier request; without a picture of its own it keeps that one's."""
        before = job.request if number is None else job.request.picture(number - 1)
        accepted = self.generation.accept(with_pictures(order, before), actor.person, taste)
        request = outpainted_as(accepted, before)
        return Accepted(request, Derivation(parent_job=job.id, parent_index=number, action=Action.EDIT))

    def kept(self, job: Job, number: int) -> KeptPicture:
        """Returns one of a job's pictures, counted from 1, to begin another from."""
        return KeptPicture(self._pictures, job, number)

    async def originals(self, job: Job, number: int | None) -> list[Upload]:
        """Reads a job's pictures, or one of them.

        Raises:
            NotKeptError: The job has none, not yet or not any more.
            PictureLostError: A file is gone.
        """
        if job.state in {JobState.QUEUED, JobState.RUNNING}:
            raise NotKeptError("This is not painted yet; try again when it is.")
        files = await originals(job, self._pictures, number)
        if not files:
            raise NotKeptError(FORGOTTEN)
        return files

    def _accept(self, request: GenerationRequest, derived: Derivation, actor: Actor) -> Accepted:
        self.generation.accept_again(request, actor.person)
        return Accepted(request, derived)


def check_place(job: Job, actor: Actor) -> None:
    """Refuses to act on a job from another server or another person's direct messages.

    Raises:
        LimitError: It belongs elsewhere.
    """
    origin = job.origin
    same = origin.guild_id == actor.guild_id and (actor.guild_id is not None or origin.channel_id == actor.channel_id)
    sent = actor.guild_id is None and job.by_letter and origin.user_id == actor.person
    if not (same or sent):
        raise LimitError("This picture belongs to another place; use its buttons there.")


def check_user(job: Job, actor: Actor, *, for_all: bool) -> None:
    """Refuses others where only the person who asked may use what is under their pictures.

    Raises:
        LimitError: It is another person's.
    """
    if not (for_all or actor.moderator or job.origin.user_id == actor.person):
        raise LimitError("Here only the person who asked for a picture, or a moderator, may do this with it.")


def check_owner(post: Post, actor: Actor) -> None:
    """Refuses to let others delete.

    Raises:
        LimitError: It is another person's.
    """
    if not (actor.moderator or actor.person in {post.job.origin.user_id, post.person}):
        raise LimitError("Only the person who asked for this, or a moderator, can delete it.")
