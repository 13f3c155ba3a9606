"""What people do with finished pictures: paint again, vary, change, keep."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass, replace

from bot.domain import Action, Derivation, InputFile, Job, JobState, Order, Post
from bot.errors import LimitError, NotKeptError, StorageError
from bot.services.access import Access, Actor, VisibleJob
from bot.services.actions.tools import Toolbox, check_outpaint, check_scale, known_size
from bot.services.images.originals import KeptPicture, originals
from bot.services.jobs.admission import AdmittedRequest
from bot.services.jobs.generation import GenerationService
from bot.services.ports import JobRepository, PictureStore, Posts, Upload
from bot.services.requests import derive
from bot.services.requests.layers import Preferences
from bot.services.requests.partwords import outpainted_as, with_pictures, without_pictures
from bot.services.requests.resolve import random_seed
from generation import GenerationRequest, Mask
from generation.images import loading
from generation.typed_text import TypedText

PATIENCE_SECONDS = 2.0  # Discord waits three for the first answer
NOT_YOUR_INPUT = (
    "This began from a picture that its author gave me, and only they can use that again. Use the result as your "
    "input instead, or edit it and attach a picture of your own."
)
NOTHING_LEFT = "Nothing in this picture was left to its seed: painted again it would be the same."
OVER = "This job is over already, or there is none of this id; there is nothing to cancel."
FORGOTTEN = "I no longer keep this picture; it can only be asked for anew."


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

    request: AdmittedRequest
    derived: Derivation


@dataclass(frozen=True, slots=True)
class Words:
    """How canvas is added.

    Attributes:
        text: As one types it for `outpaint`.
        action: What that is called.
        prompt: What is painted there; None for the picture's own prompt.
    """

    text: TypedText
    action: Action
    prompt: TypedText | None = None


class PictureActions:
    """Turns what people do into accepted requests and files, or refuses it in words."""

    def __init__(
        self,
        generation: GenerationService,
        ledger: JobRepository,
        posts: Posts,
        pictures: PictureStore,
        tools: Toolbox,
        rules: Rules,
    ) -> None:
        self.generation = generation
        self.posts = posts
        self.tools = tools
        self.rules = rules
        self.access = Access(ledger, posts)
        self._ledger = ledger
        self._pictures = pictures

    async def find(self, job_id: TypedText | str, actor: Actor) -> VisibleJob:
        """Finds the job of a button.

        Raises:
            NotKeptError: It is not known any more.
            LimitError: The person may not see it.
            StorageError: The database takes too long for an answer in time.
        """
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                job = await self._ledger.find(job_id)
                if job is None:
                    raise NotKeptError(FORGOTTEN)
                return await self.access.require(job, actor)
        except TimeoutError as error:
            raise StorageError("The database does not answer; please try again in a moment.") from error

    async def shown_by(self, message_id: int, actor: Actor) -> tuple[VisibleJob, int | None] | None:
        """Finds which job a message shows, and which of its pictures, counted from 1; None for the whole job.

        Returns:
            None where no job is known of it.

        Raises:
            LimitError: The person may not see it.
        """
        post = await self.posts.find(message_id)
        return None if post is None else (await self.access.require(post.job, actor), post.number)

    async def cancel(self, job_id: TypedText | str, actor: Actor) -> Job:
        """Withdraws or stops a job for its author, or for a moderator of the channel where it was posted.

        Raises:
            LimitError: It is another person's, it is over, or it is just being finished. A job that the person cannot
                see is refused as one that is over, so that ids tell nothing.
        """
        job = await self._ledger.find(job_id)
        if job is None or job.state not in {JobState.QUEUED, JobState.RUNNING}:
            raise LimitError(OVER)
        if job.origin.user_id != actor.person and not await self.access.may_moderate(job, actor):
            seen = await self.access.visible(job, actor)
            raise LimitError(
                OVER if seen is None else "Only the person who asked for this, or a moderator, can cancel it."
            )
        await self.generation.cancel(job)
        return job

    async def reroll(self, job: VisibleJob, number: int | None, actor: Actor, reaction: str | None = None) -> Accepted:
        """Accepts the same request with new seeds; of one picture of several, that one alone.

        Raises:
            LimitError: Another seed would change nothing, or it began from a picture that someone else brought.
        """
        if derive.settled(job.request):
            raise LimitError(NOTHING_LEFT)
        if not await self.access.may_reuse_inputs(job, actor):
            raise LimitError(NOT_YOUR_INPUT)
        request = job.request if number is None else job.request.picture(number - 1)
        derived = Derivation(parent_job=job.id, parent_index=number, action=Action.REROLL, reaction=reaction)
        return self._accept(derive.rerolled(request, random_seed), derived, actor)

    async def vary(self, job: VisibleJob, number: int, actor: Actor, action: Action | None = None) -> Accepted:
        """Accepts variations of one picture; without an action in the way the operator decided.

        A picture that began from one that someone else brought is varied from the result, not from that.
        """
        action, count = action or self.rules.vary, self.rules.variations
        if derive.has_noise(job.request) and await self.access.may_reuse_inputs(job, actor):
            request = derive.varied(job.request, number, action, count, random_seed)
        else:
            file, native = await self.file(job, number), self.tools.bounds(job.request.model).native
            picture = job.request.picture(number - 1)
            request = derive.overpainted(picture, file, action, count, native, random_seed)
        return self._accept(request, _derived(job, number, action), actor)

    async def upscale(
        self, job: VisibleJob, number: int, scale: float, actor: Actor, reaction: str | None = None
    ) -> Accepted:
        """Accepts one picture so many times larger.

        Raises:
            LimitError: It would be larger than is allowed.
        """
        file, bounds = await self.file(job, number), self.tools.bounds(job.request.model)
        check_scale(file, scale, bounds)
        picture = job.request.picture(number - 1)
        request = derive.upscaled(picture, file, scale, self.tools.upscaler(), bounds.native)
        return self._accept(request, _derived(job, number, Action.UPSCALE, reaction), actor)

    async def outpaint(self, job: VisibleJob, number: int, words: Words, actor: Actor) -> Accepted:
        """Accepts more canvas around one picture.

        Raises:
            LimitError: It would be larger than is allowed.
            InvalidRequestError: The words cannot be understood, or add nothing.
        """
        file, bounds = await self.file(job, number), self.tools.bounds(job.request.model)
        check_outpaint(file, words.text, bounds)
        picture = job.request.picture(number - 1)
        if words.prompt is not None:
            picture = replace(picture, prompt=words.prompt)
        count = self.rules.variations
        request = derive.outpainted(picture, file, words.text, count, bounds.native, random_seed)
        return self._accept(request, _derived(job, number, words.action), actor)

    async def edit(
        self, job: VisibleJob, number: int | None, order: Order, actor: Actor, preferences: Preferences
    ) -> Accepted:
        """Accepts what a person made of an earlier request.

        Without a picture of its own it keeps that one's, if the person may use it.
        """
        before = job.request if number is None else job.request.picture(number - 1)
        if not await self.access.may_reuse_inputs(job, actor):
            before = without_pictures(before)
        accepted = self.generation.accept(with_pictures(order, before), actor, preferences)
        with ExitStack() as undo:
            undo.callback(self.generation.withdraw_acceptance, actor.person)
            request = self.generation.admit(actor, outpainted_as(accepted, before))
            undo.pop_all()
        return Accepted(request, Derivation(parent_job=job.id, parent_index=number, action=Action.EDIT))

    async def paint_region(self, job: VisibleJob, number: int, prompt: TypedText, mask: Mask, actor: Actor) -> Accepted:
        """Accepts a part of one picture painted anew.

        Args:
            job: The job.
            number: Which of its pictures, counted from 1.
            prompt: What is painted there.
            mask: Where; its file may be brought later.
            actor: Who wants it.
        """
        file, native = await self.file(job, number), self.tools.bounds(job.request.model).native
        picture = replace(job.request.picture(number - 1), prompt=prompt)
        request = derive.regional(picture, file, mask, self.rules.variations, native, random_seed)
        return self._accept(request, _derived(job, number, Action.VARY_REGION), actor)

    async def file(self, job: VisibleJob, number: int) -> InputFile:
        """Returns one of a job's pictures as what another begins from; raises as `originals` does."""
        (original,) = await self.originals(job, number)
        size = known_size(job.request) or loading.measure(original.data, "image")
        return InputFile(job.pictures[number - 1].digest, *size)

    def kept(self, job: VisibleJob, number: int) -> KeptPicture:
        """Returns one of a job's pictures, counted from 1, to begin another from."""
        return KeptPicture(self._pictures, job, number)

    async def originals(self, job: VisibleJob, number: int | None) -> list[Upload]:
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
        return Accepted(self.generation.accept_again(request, actor), derived)


def _derived(job: Job, number: int, action: Action, reaction: str | None = None) -> Derivation:
    return Derivation(parent_job=job.id, parent_index=number, action=action, reaction=reaction)


def check_user(job: Job, actor: Actor, *, for_all: bool) -> None:
    """Refuses others where only the person who asked may use what is under their pictures.

    Raises:
        LimitError: It is another person's.
    """
    if not (for_all or actor.may_act_for(job.origin.user_id)):
        raise LimitError("Here only the person who asked for a picture, or a moderator, may do this with it.")


def check_owner(post: Post, actor: Actor) -> None:
    """Refuses to let others delete.

    Raises:
        LimitError: It is another person's.
    """
    if not actor.may_act_for(post.job.origin.user_id, post.person):
        raise LimitError("Only the person who asked for this, or a moderator, can delete it.")
