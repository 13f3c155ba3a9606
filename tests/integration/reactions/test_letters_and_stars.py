"""Letters with originals, and stars that bring pictures into the gallery."""

import pytest

from bot.settings import Settings
from tests.fakes import FakeExecutor, picture
from tests.integration.conftest import running
from tests.integration.reactions.conftest import bots, painted
from tests.loopback import LoopbackDiscord


@pytest.mark.parametrize("emoji", ["✉️", "✉"])
@pytest.mark.usefixtures("_bot")
async def test_a_letter_brings_originals_seed_and_recipe(
    discord: LoopbackDiscord, executor: FakeExecutor, emoji: str
) -> None:
    message = await painted(discord, count=2, negative="text")

    discord.react(message, emoji, discord.people["stranger"])
    await discord.wait_until(lambda: bool(discord.letters("stranger")))

    (letter,) = discord.letters("stranger")
    originals = [picture(executor.requests[0].picture(index)).data for index in range(2)]
    assert [file.data for file in letter.attachments] == originals
    for word in ("/imagine prompt:a cat", "--seed 7", "--no text", "seeds 7 to 8"):
        assert word in letter.content


@pytest.mark.usefixtures("_bot")
async def test_a_letter_that_nobody_takes_is_said_in_a_line_that_goes(discord: LoopbackDiscord) -> None:
    message = await painted(discord)
    stranger = discord.people["stranger"]
    stranger.takes_messages = False

    discord.react(message, "✉️", stranger)

    hint = f"<@{stranger.id}> I cannot write to you: allow direct messages from this server, then react again."
    await discord.wait_until(lambda: bots(discord)[-1].content == hint)


@pytest.mark.usefixtures("_bot")
async def test_a_letter_about_something_unpainted_says_so(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: len(executor.requests) == 1)
    assert interaction.original is not None

    discord.react(interaction.original, "✉️")

    await discord.wait_until(lambda: bool(discord.letters("member")))
    assert discord.letters("member")[0].content == "This is not painted yet; try again when it is."
    executor.release()


@pytest.mark.usefixtures("_bot")
async def test_stars_make_one_copy_in_the_gallery_with_their_number(discord: LoopbackDiscord) -> None:
    message = await painted(discord, count=2)
    people = [discord.people[name] for name in ("stranger", "moderator", "owner")]

    for person in people:
        discord.react(message, "⭐", person)
    await discord.wait_until(lambda: any("⭐ 3" in each.content for each in bots(discord, discord.gallery)))

    (copy,) = bots(discord, discord.gallery)
    assert f"**a cat** - <@{discord.people['member'].id}>" in copy.content
    assert str(message.id) in copy.content
    assert len(copy.attachments) == 1
    for person in people[:2]:
        discord.react(message, "⭐", person, add=False)
    await discord.wait_until(lambda: copy.content.startswith("⭐ 1"))
    discord.react(message, "⭐", people[2], add=False)
    await discord.wait_until(lambda: copy.deleted)


@pytest.mark.usefixtures("_bot")
async def test_deleting_a_result_takes_its_copy_out_of_the_gallery(discord: LoopbackDiscord) -> None:
    message = await painted(discord)
    discord.react(message, "⭐")
    await discord.wait_until(lambda: bool(bots(discord, discord.gallery)))

    await discord.press(message, "❌")

    await discord.wait_until(lambda: message.deleted and not bots(discord, discord.gallery))


@pytest.mark.usefixtures("_bot")
async def test_what_is_age_restricted_stays_out_of_an_open_gallery(discord: LoopbackDiscord) -> None:
    message = await painted(discord, discord.nsfw)

    discord.react(message, "⭐")

    await discord.wait_until(lambda: bool(discord.letters("member")))
    assert "#gallery is not age-restricted" in discord.letters("member")[0].content
    assert bots(discord, discord.gallery) == []


async def test_a_server_without_a_gallery_says_how_to_get_one(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"gallery": "#best-of"}), executor):
        discord.react(await painted(discord), "⭐")

        await discord.wait_until(lambda: bool(discord.letters("member")))

    assert discord.letters("member")[0].content == (
        "This server has no gallery: a moderator can make a channel named #best-of."
    )
