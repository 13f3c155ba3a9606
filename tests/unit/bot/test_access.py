"""Who may see a job and act on it: every deed by everybody, for jobs of every kind of channel."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from bot.domain import Action, DeliveryPreferences, Derivation, Job, JobState, Order, Picture, new_job_id
from bot.errors import EaselError, LimitError
from bot.services.access import AGE_RESTRICTED, Access, Actor, ChannelAccess, VisibleJob
from bot.services.actions.actions import NOT_YOUR_INPUT, OVER, PictureActions, Rules, Words
from bot.services.actions.tools import Toolbox
from bot.services.people.history import History
from bot.services.requests.layers import Preferences
from generation import Init, Mask
from generation.typed_text import TypedText
from tests.fakes import model_files, picture
from tests.unit.bot.channels import MemoryChannels, MemoryHistory, MemoryPosts
from tests.unit.bot.house import House
from tests.unit.bot.jobs import job

AUTHOR, OTHER, SERVER, GENERAL = 1, 2, 20, 10
OPEN, STAFF, THREAD, ADULT, GONE, DIRECT = 11, 12, 13, 14, 15, 16  # channels; the last is a direct message's
PHOTO, OWN_PHOTO, DRAWN = "a" * 64, "b" * 64, "c" * 64

READ, ADULT_READ = ChannelAccess(read=True), ChannelAccess(read=True, age_restricted=True)
# The channels of the server as each person sees them; nobody can look up one that is gone.
MEMBER = {OPEN: READ, ADULT: ADULT_READ, STAFF: ChannelAccess(), THREAD: ChannelAccess()}
INSIDER = MEMBER | {STAFF: READ, THREAD: READ}
MODERATOR = {channel: replace(access, read=True, moderate=True) for channel, access in MEMBER.items()}
OUTSIDER = {ADULT: ChannelAccess(age_restricted=True)}

PEOPLE = {
    "author": Actor(AUTHOR, GENERAL, SERVER, channels=MemoryChannels(MEMBER)),
    "author in an age-restricted channel": Actor(
        AUTHOR, 98, SERVER, age_restricted=True, channels=MemoryChannels(MEMBER)
    ),
    "author by direct message": Actor(AUTHOR, DIRECT, None, channels=MemoryChannels(OUTSIDER)),
    "member": Actor(OTHER, GENERAL, SERVER, channels=MemoryChannels(MEMBER)),
    "member in an age-restricted channel": Actor(
        OTHER, 98, SERVER, age_restricted=True, channels=MemoryChannels(MEMBER)
    ),
    "insider": Actor(OTHER, GENERAL, SERVER, channels=MemoryChannels(INSIDER)),
    "moderator": Actor(OTHER, GENERAL, SERVER, moderator=True, channels=MemoryChannels(MODERATOR)),
    "moderator of another server": Actor(OTHER, 99, 21, moderator=True, channels=MemoryChannels(OUTSIDER)),
    "stranger by direct message": Actor(OTHER, 97, None, channels=MemoryChannels(OUTSIDER)),
}

# For each kind of job, who may see it by its id. "author" always, but for what is age-restricted.
EVERYWHERE = {"author", "author in an age-restricted channel", "author by direct message"}
READERS = {"member", "member in an age-restricted channel", "insider", "moderator"}
SEEN = {
    "open channel": EVERYWHERE | READERS,
    "staff channel": EVERYWHERE | {"insider", "moderator"},
    "private thread": EVERYWHERE | {"insider", "moderator"},
    "age-restricted channel": {
        "author in an age-restricted channel",
        "author by direct message",
        "member in an age-restricted channel",
    },
    "deleted channel": EVERYWHERE,
    "direct message": EVERYWHERE,
    "sent by direct message": EVERYWHERE,
    "deleted message": EVERYWHERE,
    "deleted while the bot was offline": EVERYWHERE,
    "failed": EVERYWHERE,
}
CHANNELS = {
    "open channel": OPEN,
    "staff channel": STAFF,
    "private thread": THREAD,
    "age-restricted channel": ADULT,
    "deleted channel": GONE,
}


@dataclass
class Studio:
    """The services around one job, and that job."""

    house: House
    actions: PictureActions
    history: History
    posts: MemoryPosts
    job: Job

    def visible(self) -> VisibleJob:
        return VisibleJob(self.house.ledger.jobs[self.job.id])


async def studio_with(house: House, kind: str) -> Studio:
    posts = MemoryPosts(house.ledger)
    model_files(house.models, "tiny")
    await house.service.models.refresh()
    tools = Toolbox(house.service.models, 2048, 4096)
    actions = PictureActions(house.service, house.ledger, posts, house.pictures, tools, Rules())
    history = History(MemoryHistory(house.ledger), house.ledger, posts, house.pictures)
    digest = await house.pictures.put(picture(job().request).data)
    painted = (Picture(digest=digest, media_type="image/png", size=10, seed=7),)
    made = replace(job(AUTHOR), state=JobState.POSTED, pictures=painted)
    direct = kind == "direct message"
    origin = replace(
        made.origin, channel_id=DIRECT if direct else CHANNELS.get(kind, OPEN), guild_id=None if direct else SERVER
    )
    made = replace(made, origin=origin, wishes=DeliveryPreferences(direct=kind == "sent by direct message"))
    if kind == "failed":
        made = replace(made, state=JobState.FAILED)
    house.ledger.jobs[made.id] = made
    if kind == "deleted message":
        await posts.deleted(origin.message_id)
    return Studio(house, actions, history, posts, made)


Deed = Callable[[Studio, Actor], Awaitable[object]]


async def show(studio: Studio, actor: Actor) -> None:
    await studio.history.show(studio.job.id, actor)


async def tree(studio: Studio, actor: Actor) -> None:
    found = await studio.history.show(studio.job.id, actor)
    members = await studio.history.family(found, actor)
    assert [member.job.id for member in members] == [studio.job.id]


async def diff(studio: Studio, actor: Actor) -> None:
    await studio.history.show(studio.job.id, actor)
    await studio.history.show(studio.job.id, actor)


async def originals(studio: Studio, actor: Actor) -> None:
    files = await studio.actions.originals(await studio.actions.find(studio.job.id, actor), 1)
    assert len(files) == 1


async def edit(studio: Studio, actor: Actor) -> None:
    found = await studio.actions.find(studio.job.id, actor)
    accepted = await studio.actions.edit(found, None, Order(prompt=TypedText("a dog")), actor, Preferences())
    assert accepted.request.prompt == "a dog"


async def reroll(studio: Studio, actor: Actor) -> None:
    found = await studio.actions.find(studio.job.id, actor)
    accepted = await studio.actions.reroll(found, None, actor)
    assert accepted.derived.parent_job == studio.job.id


BY_ID: dict[str, Deed] = {
    "show": show, "tree": tree, "diff": diff, "U": originals, "edit": edit, "re-roll": reroll,
}  # fmt: skip


def offline(kind: str, actor: Actor, message_id: int) -> Actor:
    """Gives an actor channels in which a message is gone, where it was deleted while the bot did not listen."""
    assert isinstance(actor.channels, MemoryChannels)
    channels = MemoryChannels(actor.channels.known)
    if kind == "deleted while the bot was offline":
        channels.gone.add(message_id)
    return replace(actor, channels=channels)


@pytest.mark.parametrize("deed", BY_ID)
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("kind", SEEN)
async def test_by_id_one_sees_only_what_one_can_read_in_its_channel_now(
    house: House, kind: str, person: str, deed: str
) -> None:
    studio = await studio_with(house, kind)
    actor = offline(kind, PEOPLE[person], studio.job.origin.message_id)
    looks = deed in {"show", "tree", "diff"}  # commands by id look at the message; a button stands under it
    seen = person in SEEN[kind] or (kind == "deleted while the bot was offline" and not looks and person in READERS)

    if seen:
        await BY_ID[deed](studio, actor)
        return
    with pytest.raises(LimitError) as refused:
        await BY_ID[deed](studio, actor)
    assert "a cat" not in str(refused.value)
    assert (str(refused.value) == AGE_RESTRICTED) == (actor.person == AUTHOR)


async def test_a_look_that_finds_the_message_gone_withdraws_the_job(house: House) -> None:
    studio = await studio_with(house, "deleted while the bot was offline")
    actor = offline("deleted while the bot was offline", PEOPLE["member"], studio.job.origin.message_id)

    with pytest.raises(LimitError):
        await studio.history.show(studio.job.id, actor)

    assert studio.visible().state is JobState.WITHDRAWN


async def test_a_picture_whose_grid_was_deleted_is_still_used_from_the_message_that_shows_it(house: House) -> None:
    studio = await studio_with(house, "deleted message")
    await studio.posts.keep(77, studio.job.id, 1, OTHER)
    here = replace(PEOPLE["member"], channel_id=OPEN, message_id=77)

    assert (await studio.actions.find(studio.job.id, here)).id == studio.job.id
    with pytest.raises(LimitError):
        await studio.actions.find(studio.job.id, replace(here, message_id=78))
    with pytest.raises(LimitError):
        await studio.actions.find(studio.job.id, replace(here, channel_id=GENERAL))


CANCELLED = {
    "open channel": EVERYWHERE | {"moderator"},
    "staff channel": EVERYWHERE | {"moderator"},
    "private thread": EVERYWHERE | {"moderator"},
    "age-restricted channel": EVERYWHERE | {"moderator"},
    "deleted channel": EVERYWHERE,
    "direct message": EVERYWHERE,
    "sent by direct message": EVERYWHERE | {"moderator"},
}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("kind", CANCELLED)
async def test_moderators_cancel_in_channels_that_they_moderate(house: House, kind: str, person: str) -> None:
    studio = await studio_with(house, kind)
    waiting = replace(studio.job, state=JobState.QUEUED)
    house.ledger.jobs[waiting.id] = waiting
    house.dispatcher.expect([waiting])

    if person in CANCELLED[kind]:
        assert (await studio.actions.cancel(waiting.id, PEOPLE[person])).id == waiting.id
        assert house.ledger.ways[waiting.id] == ["cancelled"]
        return
    with pytest.raises(EaselError) as refused:
        await studio.actions.cancel(waiting.id, PEOPLE[person])
    known = person in SEEN[kind]
    assert (str(refused.value) == OVER) is not known
    assert waiting.id not in house.ledger.ways


async def test_a_job_of_another_server_is_refused_as_one_that_is_over(house: House) -> None:
    studio = await studio_with(house, "open channel")
    waiting = replace(studio.job, state=JobState.QUEUED)
    house.ledger.jobs[waiting.id] = waiting

    refusals = []
    for wanted in (waiting.id, "0000000000"):
        with pytest.raises(LimitError) as refused:
            await studio.actions.cancel(wanted, PEOPLE["moderator of another server"])
        refusals.append(str(refused.value))

    assert refusals == [OVER, OVER]


def begun_from(before: Job, init: str, action: Action | None = None, **changes: object) -> Job:
    """A job of the same author that began from a picture; with an action, made of an earlier one."""
    derived = None if action is None else Derivation(parent_job=before.id, parent_index=1, action=action)
    request = replace(before.request, init=Init(picture=init, strength=0.9), **changes)  # type: ignore[arg-type]
    return replace(before, id=new_job_id(), request=request, derived=derived)


async def reusable(house: House, *jobs: Job) -> dict[str, bool]:
    for each in jobs:
        house.ledger.jobs[each.id] = each
    access = Access(house.ledger, MemoryPosts(house.ledger))
    people = {"author": PEOPLE["author"], "member": PEOPLE["member"]}
    return {name: await access.may_reuse_inputs(jobs[-1], actor) for name, actor in people.items()}


async def test_a_picture_that_somebody_brought_is_theirs_alone(house: House) -> None:
    brought = begun_from((await studio_with(house, "open channel")).job, PHOTO)

    assert await reusable(house, brought) == {"author": True, "member": False}


async def test_a_picture_painted_here_is_for_everybody_who_sees_it(house: House) -> None:
    painted = (await studio_with(house, "open channel")).job
    upscaled = begun_from(painted, painted.pictures[0].digest, Action.UPSCALE)
    hidden = replace(painted, origin=replace(painted.origin, channel_id=STAFF))

    assert await reusable(house, painted, upscaled) == {"author": True, "member": True}
    assert await reusable(house, hidden, upscaled) == {"author": True, "member": False}


async def test_a_job_that_another_made_of_a_private_picture_does_not_make_it_theirs(house: House) -> None:
    brought = begun_from((await studio_with(house, "open channel")).job, PHOTO)
    theirs = replace(begun_from(brought, PHOTO, Action.REROLL), origin=replace(brought.origin, user_id=OTHER))

    assert await reusable(house, brought, theirs) == {"author": True, "member": False}


async def test_a_picture_that_an_editor_brought_is_the_editors(house: House) -> None:
    brought = begun_from((await studio_with(house, "open channel")).job, PHOTO)
    edited = replace(begun_from(brought, OWN_PHOTO, Action.EDIT), origin=replace(brought.origin, user_id=OTHER))

    assert await reusable(house, brought, edited) == {"author": False, "member": True}


async def test_a_region_chosen_on_a_picture_painted_here_is_for_everybody(house: House) -> None:
    painted = (await studio_with(house, "open channel")).job
    mask = Mask(picture=DRAWN)
    region = begun_from(painted, painted.pictures[0].digest, Action.VARY_REGION, mask=mask)
    upload = begun_from(painted, painted.pictures[0].digest, Action.EDIT, mask=mask)

    assert await reusable(house, painted, region) == {"author": True, "member": True}
    assert await reusable(house, painted, upload) == {"author": True, "member": False}


async def test_others_edit_reroll_and_vary_without_the_private_picture(house: House) -> None:
    studio = await studio_with(house, "open channel")
    private = replace(studio.job, request=replace(studio.job.request, init=Init(picture=PHOTO, strength=0.9)))
    house.ledger.jobs[private.id] = private
    order, member = Order(prompt=TypedText("a dog"), strength=None), PEOPLE["member"]

    edited = await studio.actions.edit(studio.visible(), None, order, member, Preferences())
    varied = await studio.actions.vary(studio.visible(), 1, member)
    with pytest.raises(LimitError) as refused:
        await studio.actions.reroll(studio.visible(), None, member)

    assert str(refused.value) == NOT_YOUR_INPUT
    assert PHOTO not in (*edited.request.inputs, *varied.request.inputs)
    assert varied.request.inputs == (private.pictures[0].digest,)


async def test_the_author_keeps_their_picture_in_edits_rerolls_and_variations(house: House) -> None:
    studio = await studio_with(house, "open channel")
    private = replace(studio.job, request=replace(studio.job.request, init=Init(picture=PHOTO, strength=0.9)))
    house.ledger.jobs[private.id] = private
    author = PEOPLE["author"]

    made = [
        await studio.actions.edit(
            studio.visible(), None, Order(prompt=TypedText("a dog"), strength=0.5), author, Preferences()
        ),
        await studio.actions.vary(studio.visible(), 1, author),
    ]
    studio.house.service.withdraw_acceptance(AUTHOR, 2)
    made.append(await studio.actions.reroll(studio.visible(), None, author))

    assert [each.request.inputs for each in made] == [(PHOTO,)] * 3


async def test_outpainting_the_result_uses_no_private_picture(house: House) -> None:
    studio = await studio_with(house, "open channel")
    private = replace(studio.job, request=replace(studio.job.request, init=Init(picture=PHOTO, strength=0.9)))
    house.ledger.jobs[private.id] = private

    accepted = await studio.actions.outpaint(
        studio.visible(), 1, Words(TypedText("2x"), Action.ZOOM_OUT), PEOPLE["member"]
    )

    assert accepted.request.inputs == (private.pictures[0].digest,)
