"""What others can reach of a picture that is not for them: by its id, by a star, after it was deleted."""

import pytest
from discord import Permissions

from bot.services.access import AGE_RESTRICTED, HIDDEN
from bot.services.actions.actions import OVER
from bot.settings import Settings
from playground.state.messages import Channel, Message
from tests.fakes import FakeExecutor, jpeg
from tests.integration.asking import acked, answer, job_of, result, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


@pytest.fixture
def staff(discord: LoopbackDiscord) -> Channel:
    """A channel that moderators read, and members do not."""
    return discord.world.open_channel("staff", frozenset({discord.people["moderator"].role_id or 0}))


@pytest.fixture
def thread(discord: LoopbackDiscord) -> Channel:
    """A private thread of the moderator's and the member's."""
    people = frozenset(discord.people[name].id for name in ("moderator", "member"))
    return discord.world.open_private_thread(discord.general, "plans", people)


async def by_id(discord: LoopbackDiscord, job: str, name: str, channel: Channel | None = None) -> list[str]:
    """Asks for a picture by its id in every way; returns the answers."""
    person = discord.people[name]
    asked = [await discord.slash(command, {"id": job}, person, channel) for command in ("show", "tree")]
    asked.append(await discord.slash("diff", {"first": job, "second": job}, person, channel))
    asked.append(await discord.slash("preset save", {"name": "copied", "job": job}, person, channel))
    return [await told(discord, each) for each in asked]


async def painted_in(discord: LoopbackDiscord, channel: Channel, name: str = "moderator") -> Message:
    options = {"prompt": "a secret cat", "seed": 7, "steps": 9}
    return await result(discord, await discord.slash("imagine", options, discord.people[name], channel))


def refused(answers: list[str]) -> bool:
    return all("There is no picture" in each for each in answers) and not any("secret" in each for each in answers)


@pytest.mark.usefixtures("staff", "bot")
async def test_a_channel_that_one_cannot_read_gives_nothing_by_id(discord: LoopbackDiscord, staff: Channel) -> None:
    job = job_of(await painted_in(discord, staff))

    assert refused(await by_id(discord, job, "member"))
    assert all("There is no picture" not in each for each in await by_id(discord, job, "owner"))


@pytest.mark.usefixtures("thread", "bot")
async def test_a_private_thread_is_for_its_members(discord: LoopbackDiscord, thread: Channel) -> None:
    job = job_of(await painted_in(discord, thread))

    assert refused(await by_id(discord, job, "stranger"))
    assert all("There is no picture" not in each for each in await by_id(discord, job, "member"))


@pytest.mark.usefixtures("bot")
async def test_what_is_age_restricted_is_shown_in_such_a_channel_or_a_direct_message(discord: LoopbackDiscord) -> None:
    job = job_of(await painted_in(discord, discord.nsfw, "member"))
    letters = discord.direct_messages(discord.people["member"].id)

    assert refused(await by_id(discord, job, "stranger"))
    assert set(await by_id(discord, job, "member")) == {AGE_RESTRICTED}
    assert "a secret cat" in (await by_id(discord, job, "stranger", discord.nsfw))[0]
    assert "a secret cat" in (await by_id(discord, job, "member", letters))[0]


@pytest.mark.usefixtures("bot")
async def test_a_message_deleted_in_discord_takes_its_picture_and_its_copy_along(discord: LoopbackDiscord) -> None:
    message = await painted_in(discord, discord.general)
    discord.react(message, "⭐", discord.people["stranger"])
    await discord.wait_until(lambda: bool(discord.gallery.messages))
    (copy,) = discord.gallery.messages.values()

    discord.delete(message, discord.people["moderator"])
    await discord.wait_until(lambda: copy.deleted)

    assert refused(await by_id(discord, job_of(message), "member"))
    assert "a secret cat" in (await by_id(discord, job_of(message), "moderator"))[0]


async def test_a_message_deleted_while_the_bot_was_offline_takes_its_picture_along(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        message = await painted_in(discord, discord.general)
    discord.delete(message, discord.people["moderator"])

    async with running(discord, settings, FakeExecutor()):
        assert refused(await by_id(discord, job_of(message), "member"))


@pytest.mark.usefixtures("bot")
async def test_a_picture_taken_out_of_a_deleted_grid_keeps_its_buttons(discord: LoopbackDiscord) -> None:
    options = {"prompt": "a cat", "seed": 7, "count": 4}
    grid = await result(discord, await discord.slash("imagine", options))
    picked = await result(discord, await discord.press(grid, "U2"))

    await discord.press(grid, "❌")
    await discord.wait_until(lambda: grid.deleted)

    varied = await result(discord, await discord.press(picked, "Vary (Subtle)", discord.people["stranger"]))
    assert varied.attachments


@pytest.mark.usefixtures("staff", "bot")
async def test_a_star_copies_no_picture_that_the_gallerys_readers_cannot_see(
    discord: LoopbackDiscord, staff: Channel
) -> None:
    message = await painted_in(discord, staff)

    discord.react(message, "⭐", discord.people["owner"])
    await discord.wait_until(lambda: bool(discord.letters("owner")))
    assert "Not everybody who reads #gallery can read this channel" in discord.letters("owner")[0].content
    assert not discord.gallery.messages

    discord.react(message, "⭐", discord.people["moderator"])  # its author decides
    await discord.wait_until(lambda: bool(discord.gallery.messages))


@pytest.mark.usefixtures("thread", "bot")
async def test_a_star_copies_nothing_of_a_private_thread(discord: LoopbackDiscord, thread: Channel) -> None:
    message = await painted_in(discord, thread)

    discord.react(message, "⭐", discord.people["member"])

    await discord.wait_until(lambda: bool(discord.letters("member")))
    assert "Not everybody who reads #gallery" in discord.letters("member")[0].content
    assert not discord.gallery.messages


async def test_a_gallery_may_ask_for_several_stars(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"gallery_stars": 2}), executor):
        message = await painted_in(discord, discord.general)
        discord.react(message, "⭐", discord.people["stranger"])
        discord.react(message, "⭐", discord.people["member"])
        await discord.wait_until(lambda: bool(discord.gallery.messages))
        (copy,) = discord.gallery.messages.values()
        assert copy.content.startswith("⭐ 2")

        discord.react(message, "⭐", discord.people["member"], add=False)
        await discord.wait_until(lambda: copy.deleted)


@pytest.mark.usefixtures("staff", "bot")
async def test_others_cannot_cancel_what_they_cannot_see(
    discord: LoopbackDiscord, staff: Channel, executor: FakeExecutor
) -> None:
    executor.hold()
    asked = await discord.slash("imagine", {"prompt": "a secret cat"}, discord.people["owner"], staff)
    await discord.wait_until(lambda: len(executor.requests) == 1)
    assert asked.original is not None
    (job,) = (button["custom_id"].rpartition(":")[2] for button in asked.original.components[0]["components"])

    answers = [
        await told(discord, await discord.slash("cancel", {"which": job}, discord.people[name]))
        for name in ("member", "moderator")
    ]
    executor.release()

    assert OVER in answers[0]
    assert "secret" not in answers[0]
    assert "a secret cat" in answers[1]


async def keep_to_direct_messages(discord: LoopbackDiscord, name: str) -> None:
    panel = await answer(discord, await discord.slash("settings", user=discord.people[name]))
    await acked(discord, await discord.press(panel, "By direct message: off", discord.people[name]))


def public(discord: LoopbackDiscord) -> list[Message]:
    """The bot's messages in the channel that everybody reads."""
    return [each for each in discord.general.messages.values() if each.author is discord.bot and not each.ephemeral]


@pytest.mark.usefixtures("bot")
async def test_direct_message_mode_shows_nothing_of_a_reaction_in_public(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted_in(discord, discord.general)
    await keep_to_direct_messages(discord, "stranger")
    executor.preview = jpeg((200, 0, 0))
    executor.hold()

    discord.react(message, "🎲", discord.people["stranger"])
    await discord.wait_until(lambda: names_in_letters(discord) == ["preview.jpg"])
    executor.release()
    await discord.wait_until(lambda: any(name.endswith(".png") for name in names_in_letters(discord)))

    assert public(discord) == [message]


def names_in_letters(discord: LoopbackDiscord) -> list[str]:
    return [file.filename for letter in discord.letters("stranger") for file in letter.attachments]


@pytest.mark.usefixtures("bot")
async def test_direct_message_mode_posts_nothing_where_direct_messages_are_closed(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted_in(discord, discord.general)
    await keep_to_direct_messages(discord, "stranger")
    discord.people["stranger"].takes_messages = False

    discord.react(message, "🎲", discord.people["stranger"])
    await discord.wait_until(lambda: len(public(discord)) == 2)

    assert len(executor.requests) == 1
    assert public(discord)[1].content.startswith(f"<@{discord.people['stranger'].id}> I cannot write to you")
    assert not public(discord)[1].attachments


@pytest.mark.usefixtures("bot")
async def test_direct_message_mode_takes_a_picture_out_of_a_grid_in_private(discord: LoopbackDiscord) -> None:
    grid = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "count": 4}))
    await keep_to_direct_messages(discord, "stranger")

    picked = await discord.press(grid, "U1", discord.people["stranger"])
    await result(discord, picked)

    assert picked.original is not None
    assert picked.original.ephemeral


@pytest.mark.usefixtures("bot")
async def test_a_star_copies_nothing_that_was_sent_by_direct_message(discord: LoopbackDiscord) -> None:
    await keep_to_direct_messages(discord, "stranger")
    stranger = discord.people["stranger"]
    asked = await discord.slash("imagine", {"prompt": "a secret cat"}, stranger)
    await discord.wait_until(lambda: "in your direct messages" in str(asked.original and asked.original.content))
    (letter,) = discord.letters("stranger")
    await discord.wait_until(lambda: bool(letter.reactions))  # the bot's own, once the job is noted as posted

    discord.react(letter, "⭐", stranger)
    await discord.wait_until(lambda: len(discord.letters("stranger")) == 2)

    assert "by direct message, so it is not copied" in discord.letters("stranger")[-1].content
    assert not discord.gallery.messages


@pytest.mark.usefixtures("bot")
async def test_a_forged_form_of_a_hidden_picture_is_refused(discord: LoopbackDiscord) -> None:
    letters = discord.direct_messages(discord.people["member"].id)
    secret = await discord.slash("imagine", {"prompt": "a secret cat"}, discord.people["member"], letters)
    job = job_of(await result(discord, secret))
    mine = await painted_in(discord, discord.general, "stranger")
    form = await discord.press(mine, "✏️", discord.people["stranger"])
    await discord.wait_until(lambda: form.modal is not None)
    assert form.modal is not None
    form.modal["custom_id"] = f"easel:form:{job}:0"

    sent = await discord.submit(form, {"prompt": "a dog", "negative": "", "flags": "", "strength": ""})

    assert await told(discord, sent) == HIDDEN


@pytest.mark.usefixtures("bot")
async def test_buttons_forms_and_reactions_follow_the_servers_settings_for_the_command(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message, stranger = await painted_in(discord, discord.general), discord.people["stranger"]
    form = await discord.press(message, "✏️", stranger)
    await discord.wait_until(lambda: form.modal is not None)
    discord.restrict("imagine", [{"id": str(stranger.id), "type": 2, "permission": False}])

    pressed = [await told(discord, await discord.press(message, label, stranger)) for label in ("🔄", "✏️")]
    sent = await discord.submit(form, {"prompt": "a dog", "negative": "", "flags": "", "strength": ""})
    menu = await discord.menu("Re-roll", message.id, stranger)
    discord.react(message, "🎲", stranger)
    await discord.wait_until(lambda: bool(discord.letters("stranger")))

    refusal = "This server does not let you use /imagine here, and buttons and reactions follow that."
    answers = [*pressed, await told(discord, sent), await told(discord, menu), discord.letters("stranger")[0].content]
    assert answers == [refusal] * 5
    assert len(executor.requests) == 1
    assert "a secret cat" in await told(discord, await discord.press(message, "ℹ️", stranger))


@pytest.mark.parametrize("missing", ["send_messages", "use_application_commands"])
@pytest.mark.usefixtures("bot")
async def test_pressing_needs_the_permissions_that_a_command_needs(discord: LoopbackDiscord, missing: str) -> None:
    message, member = await painted_in(discord, discord.general), discord.people["member"]
    member.permissions = member.permissions & ~Permissions(**{missing: True})

    refused = await told(discord, await discord.press(message, "🔄"))

    assert (
        refused == f"You may not generate pictures here: you lack the permission {missing.replace('_', ' ').title()}."
    )
