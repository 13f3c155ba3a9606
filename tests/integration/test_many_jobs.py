"""Many jobs of one prompt: their thread, where there is none, and restarts in between; over real sockets."""

import asyncio
import sqlite3
from collections.abc import Collection
from contextlib import closing

import discord as library
import pytest
from discord import Permissions

from bot.errors import StorageError
from bot.persistence.drafts import SqlDrafts
from bot.persistence.jobs import SqlJobs
from bot.services import retry as storage_retry
from bot.settings import Settings
from playground.state import limits
from playground.state.messages import HAS_THREAD, Channel, Message
from tests.fakes import FakeExecutor
from tests.integration.asking import answer, job_of, result, told
from tests.integration.conftest import running
from tests.integration.test_prompt_choices import asked, public, shown, thread_of
from tests.loopback import Fault, Interaction, LoopbackDiscord

WORDS = "**a {red, blue, green} {cat, dog}** - <@%d> (6 jobs"


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets as many requests through as come: six jobs at once make more than Discord takes in a moment."""
    monkeypatch.setattr(limits, "_kind", lambda _method, _route: ("all", 10_000, 1.0))


async def pressed(discord: LoopbackDiscord, channel: Channel | None = None) -> Interaction:
    return await discord.press(await asked(discord, channel), "Paint all 6")


async def head_of(discord: LoopbackDiscord, press: Interaction) -> Message:
    """Waits until all six are painted in the thread; returns the message above it."""
    head = await answer(discord, press)
    await discord.wait_until(lambda: head.id in discord.world.channels)
    await discord.wait_until(lambda: len(shown(discord, thread_of(discord, head))) == 6)
    return head


@pytest.mark.usefixtures("bot")
async def test_many_jobs_come_in_a_thread_under_one_message(discord: LoopbackDiscord) -> None:
    head = await head_of(discord, await pressed(discord))

    member = discord.people["member"]
    assert head.content == WORDS % member.id + ")"
    assert head.flags & HAS_THREAD
    assert public(discord.general) == [head]
    thread = thread_of(discord, head)
    assert (thread.parent, thread.name) == (discord.general, "a {red, blue, green} {cat, dog}")
    assert len({job_of(each) for each in shown(discord, thread)}) == 6
    assert all(f"<@{member.id}>" in each.content for each in shown(discord, thread))


@pytest.mark.usefixtures("bot")
async def test_buttons_reactions_and_menus_work_in_the_thread(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    thread = thread_of(discord, await head_of(discord, await pressed(discord)))
    first, second, third, *_ = shown(discord, thread)

    again = await result(discord, await discord.press(first, "🔄", discord.people["stranger"]))
    discord.react(second, "🎲", discord.people["stranger"])
    await discord.wait_until(lambda: len(shown(discord, thread)) == 8)
    recipe = await told(discord, await discord.menu("Recipe", third.id, channel=thread))
    discord.react(third, "❌")
    await discord.wait_until(lambda: third.deleted)
    shown_here = await told(discord, await discord.slash("settings", channel=thread))
    few = await discord.slash("imagine", {"prompt": "a {red, blue} bird"}, channel=thread)
    await result(discord, few)
    await discord.wait_until(lambda: len(shown(discord, thread)) == 9)

    assert again.channel is thread
    assert job_of(third) in recipe
    assert shown_here.startswith("## Your settings")
    assert public(discord.general)[1:] == []


@pytest.mark.parametrize("archived", [False, True])
async def test_a_picture_of_an_age_restricted_channels_thread_stays_out_of_an_open_gallery(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor, *, archived: bool
) -> None:
    async with running(discord, settings, executor):
        thread = thread_of(discord, await head_of(discord, await pressed(discord, discord.nsfw)))
    thread.archived = archived  # so that a bot that is started now is not told of it

    async with running(discord, settings, executor):
        discord.react(shown(discord, thread)[0], "⭐")
        await discord.wait_until(lambda: bool(discord.letters("member")))

    assert "#gallery is not age-restricted" in discord.letters("member")[0].content
    assert discord.gallery.messages == {}


@pytest.mark.usefixtures("bot")
async def test_where_no_thread_may_be_opened_they_follow_one_by_one_and_the_message_says_so(
    discord: LoopbackDiscord,
) -> None:
    discord.bot.permissions = discord.bot.permissions & ~Permissions(create_public_threads=True)

    head = await answer(discord, await pressed(discord))
    await discord.wait_until(lambda: len(shown(discord)) == 6)

    assert head.content == WORDS % discord.people["member"].id + (
        ")\n-# I may not open a thread here: I lack the permission Create Public Threads, so they follow one by one."
    )


@pytest.mark.usefixtures("bot")
async def test_a_thread_that_discord_refuses_is_done_without(discord: LoopbackDiscord) -> None:
    discord.faults.add("POST", "/threads$", Fault.FORBIDDEN)

    head = await answer(discord, await pressed(discord))
    await discord.wait_until(lambda: len(shown(discord)) == 6)

    assert "so they follow one by one" in head.content


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.DROPPED, Fault.SERVER_ERROR])
@pytest.mark.usefixtures("bot")
async def test_a_thread_is_opened_once_through_a_bad_moment_of_the_network(
    discord: LoopbackDiscord, fault: Fault
) -> None:
    discord.faults.add("POST", "/threads$", fault)

    await head_of(discord, await pressed(discord))

    assert len([each for each in discord.world.channels.values() if each.parent is not None]) == 1


@pytest.mark.usefixtures("bot")
async def test_direct_messages_have_no_threads_and_say_so(discord: LoopbackDiscord) -> None:
    direct = discord.direct_messages(discord.people["member"].id)

    head = await answer(discord, await pressed(discord, direct))
    await discord.wait_until(lambda: len(shown(discord, direct)) == 6)

    assert head.content.endswith("(6 jobs)\n-# Direct messages have no threads, so they follow one by one.")


@pytest.mark.usefixtures("bot")
async def test_in_a_thread_they_follow_without_a_word(discord: LoopbackDiscord) -> None:
    thread = thread_of(discord, await head_of(discord, await pressed(discord)))

    head = await answer(discord, await pressed(discord, thread))
    await discord.wait_until(lambda: len(shown(discord, thread)) == 12)

    assert head.content == WORDS % discord.people["member"].id + ")"


@pytest.mark.usefixtures("bot")
async def test_who_wants_letters_gets_them_by_direct_message(discord: LoopbackDiscord) -> None:
    await wanting_letters(discord)

    head = await answer(discord, await pressed(discord))
    direct = discord.direct_messages(discord.people["member"].id)
    await discord.wait_until(lambda: len(shown(discord, direct)) == 6)

    assert head.ephemeral
    assert head.content.endswith("(6 jobs in your direct messages)")
    assert public(discord.general) == []


@pytest.mark.usefixtures("bot")
async def test_a_server_that_is_not_known_yet_costs_nobody_their_jobs(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library.PartialMessageable, "guild", None)  # discord.py raises ValueError then

    await answer(discord, await pressed(discord))

    await discord.wait_until(lambda: len(shown(discord)) == 6)


@pytest.mark.parametrize(("failures", "in_thread"), [(1, True), (1000, False)])
@pytest.mark.usefixtures("bot")
async def test_a_database_that_does_not_take_the_thread_costs_nobody_their_jobs(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch, failures: int, *, in_thread: bool
) -> None:
    monkeypatch.setattr(storage_retry, "WRITE_PAUSES", (0.01,))
    moved, left = SqlJobs.moved, [StorageError("The database does not answer.")] * failures

    async def sometimes(ledger: SqlJobs, job_ids: Collection[str], channel_id: int) -> None:
        if left:
            raise left.pop()
        await moved(ledger, job_ids, channel_id)

    monkeypatch.setattr(SqlJobs, "moved", sometimes)

    head = await answer(discord, await pressed(discord))
    await discord.wait_until(lambda: head.id in discord.world.channels)

    there = thread_of(discord, head) if in_thread else discord.general
    await discord.wait_until(lambda: len(shown(discord, there)) == 6)


@pytest.mark.usefixtures("bot")
async def test_direct_messages_that_cannot_be_opened_cost_no_places(discord: LoopbackDiscord) -> None:
    await wanting_letters(discord)
    discord.faults.add("POST", "/users/@me/channels$", Fault.FORBIDDEN)

    refused = await told(discord, await pressed(discord))
    direct = discord.direct_messages(discord.people["member"].id)
    await pressed(discord)  # twelve places are more than there are

    assert "I may not post here" in refused
    await discord.wait_until(lambda: len(shown(discord, direct)) == 6)


@pytest.mark.usefixtures("bot")
async def test_a_single_job_needs_no_direct_messages_to_begin(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    await wanting_letters(discord)
    discord.faults.add("POST", "/users/@me/channels$", Fault.FORBIDDEN)

    await result(discord, await discord.slash("imagine", {"prompt": "a cat"}))

    assert len(executor.requests) == 1


@pytest.mark.usefixtures("bot")
async def test_a_question_that_cannot_be_taken_costs_no_places(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = await asked(discord)

    async def broken(_drafts: SqlDrafts, _draft: str) -> bool:
        raise StorageError("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(SqlDrafts, "take", broken)
        refused = await told(discord, await discord.press(question, "Paint all 6"))
    await head_of(discord, await discord.press(question, "Paint all 6"))

    assert refused == "The database does not answer."


async def wanting_letters(discord: LoopbackDiscord) -> None:
    """Has the member ask for results by direct message."""
    panel = await answer(discord, await discord.slash("settings"))
    await discord.press(panel, "By direct message: off")
    await discord.wait_until(lambda: "By direct message on" in panel.content)


async def kept(settings: Settings, channel: Channel) -> None:
    """Waits until all six jobs are in the database, to be announced in a channel."""
    async with asyncio.timeout(10):
        while True:
            with closing(sqlite3.connect(settings.data_dir / "easel.db")) as database:
                found = database.execute("SELECT count(*) FROM jobs WHERE channel_id = ?", (channel.id,))
                if found.fetchone() == (6,):
                    return
            await asyncio.sleep(0.02)


async def test_a_restart_before_there_is_a_thread_loses_none(discord: LoopbackDiscord, settings: Settings) -> None:
    before, after = FakeExecutor(), FakeExecutor()
    async with running(discord, settings, before):
        question = await asked(discord)
        discord.faults.add("POST", "/threads$", Fault.DROPPED, 10_000)
        head = await answer(discord, await discord.press(question, "Paint all 6"))
        await kept(settings, discord.general)
    discord.faults.clear()

    async with running(discord, settings, after):
        await discord.wait_until(lambda: len(shown(discord)) == 6)

    assert before.requests == []
    assert len({request.prompt for request in after.requests}) == len(after.requests) == 6
    assert [each for each in public(discord.general) if not each.attachments] == [head]


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.ANSWER_LOST], ids=["no message", "a message not noted"])
async def test_a_restart_before_all_are_announced_loses_none_and_doubles_none(
    discord: LoopbackDiscord, settings: Settings, fault: Fault
) -> None:
    before, after = FakeExecutor(), FakeExecutor()
    async with running(discord, settings, before):
        question = await asked(discord)
        discord.faults.add("POST", r"/channels/\d+/messages$", fault, 10_000)
        head = await answer(discord, await discord.press(question, "Paint all 6"))
        await discord.wait_until(lambda: head.id in discord.world.channels)
        thread = thread_of(discord, head)
        await kept(settings, thread)
        if fault is Fault.ANSWER_LOST:
            await discord.wait_until(lambda: bool(thread.messages))
    discord.faults.clear()
    discord.clock.advance(600)  # so that the nonce helps no more

    async with running(discord, settings, after):
        await discord.wait_until(lambda: len(shown(discord, thread)) == 6)

    assert before.requests == []
    assert len({request.prompt for request in after.requests}) == len(after.requests) == 6
    assert len(public(thread)) == 6
