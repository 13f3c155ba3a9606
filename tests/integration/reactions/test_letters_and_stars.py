"""Letters with originals, and stars that bring pictures into the gallery."""

import sqlite3
from contextlib import closing

import pytest

from bot.persistence.pictures import FilePictureStore
from bot.settings import Settings
from tests.fakes import FakeExecutor, picture
from tests.integration.conftest import running
from tests.integration.reactions.conftest import bots, painted
from tests.loopback import Channel, LoopbackDiscord


async def until_gallery_says(discord: LoopbackDiscord, text: str) -> None:
    await discord.wait_until(lambda: any(text in each.content for each in bots(discord, discord.gallery)))


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
async def test_the_public_hint_comes_at_most_once_a_minute_for_a_person_in_a_channel(discord: LoopbackDiscord) -> None:
    message, elsewhere = await painted(discord), await painted(discord, discord.nsfw)
    stranger, owner = discord.people["stranger"], discord.people["owner"]
    stranger.takes_messages = owner.takes_messages = False

    for _ in range(3):
        discord.react(message, "✉️", stranger)
        discord.react(message, "✉️", stranger, add=False)
    discord.react(message, "✉️", owner)
    discord.react(elsewhere, "✉️", stranger)

    def hinted(channel: Channel) -> set[str]:
        return {each.content.split()[0] for each in bots(discord, channel) if "I cannot write" in each.content}

    both = {f"<@{stranger.id}>", f"<@{owner.id}>"}
    await discord.wait_until(lambda: hinted(discord.general) == both and bool(hinted(discord.nsfw)))
    assert len([each for each in bots(discord) if "I cannot write" in each.content]) == 2


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
async def test_originals_are_read_for_a_new_copy_alone_not_to_change_its_number(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, reads, get = await painted(discord), list[str](), FilePictureStore.get

    async def counted(store: FilePictureStore, digest: str) -> bytes:
        reads.append(digest)
        return await get(store, digest)

    monkeypatch.setattr(FilePictureStore, "get", counted)
    for number, person in enumerate(("stranger", "moderator", "owner"), 1):
        discord.react(message, "⭐", discord.people[person])
        await until_gallery_says(discord, f"⭐ {number}")

    assert len(reads) == 1


@pytest.mark.usefixtures("_bot")
async def test_a_star_on_something_unpainted_is_not_noted(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: len(executor.requests) == 1)
    assert interaction.original is not None

    discord.react(interaction.original, "⭐")

    await discord.wait_until(lambda: bool(discord.letters("member")))
    assert discord.letters("member")[0].content == "This is not painted yet; try again when it is."
    with closing(sqlite3.connect(settings.data_dir / "easel.db")) as database:
        assert database.execute("SELECT count(*) FROM stars").fetchone() == (0,)
    executor.release()


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
