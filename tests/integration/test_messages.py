"""Messages and reactions between real discord.py and the playground."""

import io
from collections.abc import AsyncIterator

import aiohttp
import discord as api
import pytest

from playground.events.actions import MOST_REACTIONS
from playground.payloads.resolved import Impossible
from playground.state.limits import UPLOAD_LIMIT
from playground.state.people import EVERYBODY
from tests.fakes import png
from tests.loopback import Fault, LoopbackDiscord
from tests.scripted import ScriptedBot, running


@pytest.fixture
async def bot(discord: LoopbackDiscord) -> AsyncIterator[ScriptedBot]:
    async with running(ScriptedBot(), discord.api_url, discord.token) as scripted:
        yield scripted


@pytest.fixture
def channel(discord: LoopbackDiscord, bot: ScriptedBot) -> api.PartialMessageable:
    return bot.get_partial_messageable(discord.general.id, guild_id=discord.general.guild_id)


async def test_a_message_is_sent_edited_fetched_and_deleted(
    discord: LoopbackDiscord, bot: ScriptedBot, channel: api.PartialMessageable
) -> None:
    files = [api.File(io.BytesIO(png(8, 4)), name, description=name) for name in ("a.png", "b.png")]
    message = await channel.send("one", files=files)
    await message.edit(content="two", attachments=[message.attachments[1]])
    fetched = await channel.fetch_message(message.id)

    assert [each.content for each in discord.general.messages.values()] == ["two"]
    assert (fetched.content, fetched.edited_at is not None) == ("two", True)
    assert [(file.filename, file.description, file.width) for file in fetched.attachments] == [("b.png", "b.png", 8)]
    assert await fetched.attachments[0].read() == png(8, 4)

    await message.delete()

    with pytest.raises(api.NotFound):
        await channel.fetch_message(message.id)
    await discord.wait_until(lambda: bot.texts("delete") == [message.id])
    assert bot.texts("message") == ["one"]
    assert bot.texts("edit") == ["two"]


async def test_a_thread_is_opened_under_a_message_and_written_in(
    discord: LoopbackDiscord, bot: ScriptedBot, channel: api.PartialMessageable
) -> None:
    message = await channel.send("many")
    thread = await message.create_thread(name="all of them")
    await thread.send("one")

    assert (thread.id, thread.parent_id) == (message.id, discord.general.id)
    assert [each.content for each in discord.world.channels[thread.id].messages.values()] == ["one"]
    assert (await channel.fetch_message(message.id)).flags.has_thread
    fetched = await bot.fetch_channel(thread.id)
    assert isinstance(fetched, api.Thread)
    assert fetched.name == "all of them"


async def test_threads_are_refused_as_discord_does(
    discord: LoopbackDiscord, bot: ScriptedBot, channel: api.PartialMessageable
) -> None:
    message = await channel.send("many")
    thread = await message.create_thread(name="first")
    inside = await thread.send("inside")
    direct = await (await bot.create_dm(api.Object(discord.people["member"].id))).send("direct")

    for where, name, code in (
        (message, "second", 160004),
        (inside, "deeper", 50024),
        (await channel.send("other"), "n" * 101, 50035),
    ):
        with pytest.raises(api.HTTPException) as refused:
            await where.create_thread(name=name)
        assert refused.value.code == code
    with pytest.raises(api.HTTPException) as refused:
        await bot.http.start_thread_with_message(
            direct.channel.id, direct.id, name="private", auto_archive_duration=1440
        )
    assert refused.value.code == 50024
    discord.bot.permissions = EVERYBODY
    with pytest.raises(api.Forbidden):
        await (await channel.send("one more")).create_thread(name="not allowed")
    discord.schemas.forgive_requests()  # the name that is too long


async def test_history_lists_what_the_bot_may_see(discord: LoopbackDiscord, channel: api.PartialMessageable) -> None:
    for number in range(5):
        discord.write(f"message {number}")
    private = await discord.slash("complete", {"fruit": "apple"})
    await discord.wait_until(lambda: bool(private.private_texts))

    assert [each.content async for each in channel.history(limit=2)] == ["message 4", "message 3"]
    oldest = [each.content async for each in channel.history(limit=2, oldest_first=True)]
    assert oldest == ["message 0", "message 1"]


async def test_a_nonce_posts_once(discord: LoopbackDiscord, channel: api.PartialMessageable) -> None:
    first = await channel.send("result", nonce="job-1")
    again = await channel.send("result", nonce="job-1")
    other = await channel.send("result", nonce="job-2")
    discord.clock.advance(6 * 60)
    later = await channel.send("result", nonce="job-1")

    assert first.id == again.id
    assert len({first.id, other.id, later.id}) == 3


async def test_a_message_that_was_sent_although_the_answer_was_lost_is_found_by_its_nonce(
    discord: LoopbackDiscord, channel: api.PartialMessageable
) -> None:
    discord.faults.add("POST", "/messages$", Fault.ANSWER_LOST)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await channel.send("result", nonce="job-1")

    await channel.send("result", nonce="job-1")

    assert len(discord.general.messages) == 1


async def test_a_direct_message_reaches_its_person(discord: LoopbackDiscord, bot: ScriptedBot) -> None:
    member, moderator = discord.people["member"], discord.people["moderator"]
    private = await bot.create_dm(api.Object(member.id))
    await private.send("hello")

    place = discord.direct_messages(member.id)
    (message,) = place.messages.values()
    assert message.seen_by(member)
    assert not message.seen_by(moderator)

    member.takes_messages = False
    with pytest.raises(api.Forbidden) as caught:
        await private.send("again")
    assert caught.value.code == 50007


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"content": "x" * 2001}, 400, 50035),
        ({"content": ""}, 400, 50006),
        ({"embeds": [api.Embed(description="x" * 4000)] * 2}, 400, 50035),
        ({"file": "large"}, 413, 40005),
    ],
)
async def test_what_is_too_long_or_too_large_is_refused(
    channel: api.PartialMessageable, sent: dict[str, object], status: int, code: int
) -> None:
    if "file" in sent:
        sent = {"file": api.File(io.BytesIO(b"x" * (UPLOAD_LIMIT + 1)), "large.bin")}

    with pytest.raises(api.HTTPException) as caught:
        await channel.send(**sent)  # type: ignore[call-overload]

    assert (caught.value.status, caught.value.code) == (status, code)


async def test_the_bot_needs_its_permissions(discord: LoopbackDiscord, channel: api.PartialMessageable) -> None:
    discord.bot.permissions = api.Permissions(view_channel=True, send_messages=True)
    with pytest.raises(api.Forbidden) as files:
        await channel.send(file=api.File(io.BytesIO(b"x"), "a.txt"))
    discord.bot.permissions = api.Permissions()
    with pytest.raises(api.Forbidden) as unseen:
        await channel.send("x")

    assert (files.value.code, unseen.value.code) == (50013, 50001)


async def test_sending_too_fast_is_slowed_down_not_refused(
    discord: LoopbackDiscord, channel: api.PartialMessageable
) -> None:
    for number in range(6):
        await channel.send(str(number))

    times = [message.at for message in discord.general.messages.values()]
    assert (times[4] - times[0]).total_seconds() < 2
    assert (times[5] - times[0]).total_seconds() > 4


@pytest.mark.parametrize("place", ["guild", "direct"])
async def test_reactions_are_heard_raw_in_the_server_and_in_direct_messages(
    discord: LoopbackDiscord, bot: ScriptedBot, place: str
) -> None:
    member = discord.people["member"]
    where = discord.general if place == "guild" else discord.direct_messages(member.id)
    message = discord.write("look", member, where)

    for emoji in ("⭐", "✉️"):
        discord.actions.react(member, message, emoji, add=True)
    discord.actions.react(member, message, "⭐", add=False)

    await discord.wait_until(lambda: bot.texts("unreaction") != [])
    who = member.name if place == "guild" else member.id
    assert bot.texts("reaction") == [(place, "⭐", who), (place, "✉️", who)]
    assert bot.texts("unreaction") == [("⭐", member.id)]
    assert message.reactions == {"✉️": [member]}


async def test_the_bot_adds_removes_lists_and_clears_reactions(
    discord: LoopbackDiscord, bot: ScriptedBot, channel: api.PartialMessageable
) -> None:
    member, discord.bot.permissions = discord.people["member"], api.Permissions.all()
    message = discord.write("look")
    partial = channel.get_partial_message(message.id)
    for emoji in ("❌", "⭐"):
        discord.actions.react(member, message, emoji, add=True)
    await partial.add_reaction("❌")

    (first, _) = (await partial.fetch()).reactions
    assert (str(first.emoji), first.count, first.me) == ("❌", 2, True)
    assert {user.name async for user in first.users()} == {"member", "Easel"}

    await partial.remove_reaction("❌", api.Object(discord.bot.id))
    await partial.remove_reaction("❌", api.Object(member.id))
    assert list(message.reactions) == ["⭐"]
    await partial.clear_reaction("⭐")
    await partial.clear_reactions()

    await discord.wait_until(lambda: bot.texts("clear") == [message.id])
    assert bot.texts("clear emoji") == ["⭐"]
    assert message.reactions == {}


async def test_reactions_have_their_limits(discord: LoopbackDiscord, channel: api.PartialMessageable) -> None:
    member, message = discord.people["member"], discord.write("look")
    for number in range(MOST_REACTIONS):
        discord.actions.react(member, message, chr(0x1F600 + number), add=True)

    with pytest.raises(Impossible):
        discord.actions.react(member, message, "⭐", add=True)
    with pytest.raises(api.HTTPException) as caught:
        await channel.get_partial_message(message.id).add_reaction("star")
    assert caught.value.code == 10014


@pytest.mark.usefixtures("bot")
async def test_the_bot_reacts_to_its_own_answer(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("react")
    await discord.wait_until(lambda: interaction.original is not None)
    message = interaction.original
    assert message is not None

    await discord.wait_until(lambda: message.reactions == {"⭐": [discord.bot], "❌": [discord.bot]})


async def test_commands_of_the_server_stand_for_the_general_ones(discord: LoopbackDiscord, bot: ScriptedBot) -> None:
    general = {each["id"] for each in discord.commands.listed(None)}

    async with running(ScriptedBot(discord.world.guild_id), discord.api_url, discord.token):
        shown = {each["id"] for each in discord.actions.commands_of(discord.people["member"])}

    assert shown.isdisjoint(general)
    assert {each["guild_id"] for each in discord.commands.listed(discord.world.guild_id)} == {
        str(discord.world.guild_id)
    }
    assert bot.is_closed() is False
