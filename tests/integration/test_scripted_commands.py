"""What real discord.py does with the playground beyond what Easel uses: commands of every kind."""

from collections.abc import AsyncIterator

import pytest

from playground.payloads.resolved import Impossible
from playground.state.interactions import MODAL, UPDATE
from playground.state.messages import COMPONENTS_V2, EPHEMERAL, LOADING
from playground.state.wire import UploadedFile
from tests.fakes import png
from tests.loopback import LoopbackDiscord
from tests.scripted import ScriptedBot, running


@pytest.fixture
async def bot(discord: LoopbackDiscord) -> AsyncIterator[ScriptedBot]:
    async with running(ScriptedBot(), discord.api_url, discord.token) as scripted:
        yield scripted


pytestmark = pytest.mark.usefixtures("bot")


async def test_options_of_every_type_arrive(discord: LoopbackDiscord) -> None:
    moderator = discord.people["moderator"]
    typed = {
        "text": "hello", "whole": 3, "real": 1.5, "truth": True, "person": str(moderator.id),
        "channel": str(discord.general.id), "role": str(moderator.role_id), "anyone": str(moderator.role_id), "file": 0,
    }  # fmt: skip
    picture = UploadedFile("files[0]", "cat.png", "image/png", png(20, 10))

    interaction = await discord.slash("everything", typed, files=[picture])

    await discord.wait_until(lambda: interaction.original is not None)
    assert interaction.original is not None
    assert interaction.original.content == (
        f"hello|3|1.5|True|moderator|general|Moderators|Moderators|cat.png image/png 20x10 {len(picture.data)}"
    )


async def test_a_subcommand_is_reached(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("preset save", {"name": "mine"})

    await discord.wait_until(lambda: interaction.original is not None)
    assert interaction.original is not None
    assert interaction.original.content == "saved mine"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({}, "text"),
        ({"text": "x"}, "text"),
        ({"text": "hello", "whole": 11}, "whole"),
        ({"text": "ok", "nope": 1}, "nope"),
        ({"text": "ok", "truth": "yes"}, "truth"),
    ],
)
async def test_what_discords_client_refuses_is_refused(
    discord: LoopbackDiscord, typed: dict[str, object], field: str
) -> None:
    with pytest.raises(Impossible) as caught:
        await discord.slash("everything", typed)

    assert caught.value.field == field
    assert discord.world.interactions == {}


async def test_suggestions_and_choices(discord: LoopbackDiscord) -> None:
    assert await discord.autocomplete("complete", "fruit", "pea") == ["pear"]

    interaction = await discord.slash("complete", {"fruit": "apple", "size": 2})
    await discord.wait_until(lambda: interaction.private_texts == ["apple Large"])

    with pytest.raises(Impossible, match="one of its choices"):
        await discord.slash("complete", {"fruit": "apple", "size": 3})


async def test_buttons_update_defer_and_follow_up(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("buttons")
    await discord.wait_until(lambda: interaction.original is not None)
    message = interaction.original
    assert message is not None

    first = await discord.press(message, "Count")
    await discord.wait_until(lambda: message.content == "pressed 1")
    assert first.response_type == UPDATE
    await discord.press(message, "Count", discord.people["stranger"])
    await discord.wait_until(lambda: message.content == "pressed 2")
    later = await discord.press(message, "Later")
    await discord.wait_until(lambda: message.content == "edited later" and bool(later.followups))
    assert [each.content for each in later.followups if each.ephemeral] == ["only you see this"]
    with pytest.raises(Impossible, match="switched off"):
        await discord.press(message, "Off")


async def test_selects_of_every_kind(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("selects")
    await discord.wait_until(lambda: interaction.original is not None)
    message, moderator = interaction.original, discord.people["moderator"]
    assert message is not None

    async def chosen(custom_id: str, *values: str) -> str:
        choice = await discord.choose(message, custom_id, list(values))
        await discord.wait_until(lambda: choice.original is not None)
        return choice.original.content if choice.original is not None else ""

    assert await chosen("colours", "blue", "red") == "blue red"
    assert await chosen("people", str(moderator.id)) == "moderator"
    assert await chosen("channels", str(discord.nsfw.id)) == "after-dark"
    assert await chosen("roles", str(moderator.role_id)) == "Moderators"
    with pytest.raises(Impossible, match="Choose 1 to 2"):
        await chosen("colours", "red", "green", "blue")
    with pytest.raises(Impossible, match="offered"):
        await chosen("colours", "pink")


async def test_a_modal_with_every_field_and_two_files(discord: LoopbackDiscord) -> None:
    opener = await discord.slash("form")
    await discord.wait_until(lambda: opener.modal is not None)
    assert opener.response_type == MODAL
    files = [UploadedFile(f"files[{n}]", f"{n}.png", "image/png", png(4, 4)) for n in range(2)]
    values = {"words": "some words", "colour": ["Blue"], "files": [0, 1], "size": "Large"}

    with pytest.raises(Impossible) as caught:
        await discord.submit(opener, {**values, "words": "no"}, files)
    sent = await discord.submit(opener, values, files)

    assert caught.value.field == "words"
    await discord.wait_until(lambda: sent.original is not None)
    assert sent.original is not None
    assert sent.original.content == "some words ['Blue'] Large"
    assert sent.pictures == [file.data for file in files]


async def test_a_modal_opened_by_a_button_changes_the_buttons_message(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("buttons")
    await discord.wait_until(lambda: interaction.original is not None)
    message = interaction.original
    assert message is not None
    opener = await discord.press(message, "Ask")
    await discord.wait_until(lambda: opener.modal is not None)

    with pytest.raises(Impossible):
        await discord.submit(opener, {"answer": "far too long an answer"})
    await discord.submit(opener, {"answer": "42"})

    await discord.wait_until(lambda: message.content == "answered 42")


async def test_context_menus_on_messages_and_people(discord: LoopbackDiscord) -> None:
    member, moderator = discord.people["member"], discord.people["moderator"]
    written = discord.write("hello there", moderator)

    described = await discord.menu("Describe", written.id)
    greeted = await discord.menu("Greet", moderator.id)

    await discord.wait_until(lambda: described.private_texts == ["moderator: hello there"])
    await discord.wait_until(lambda: greeted.original is not None)
    assert greeted.original is not None
    assert greeted.original.content == "Hello moderator"
    assert greeted.original.cause is not None
    assert greeted.original.cause.user is member


async def test_components_v2_show_their_files_and_lose_them(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("gallery")
    await discord.wait_until(lambda: interaction.original is not None)
    message = interaction.original
    assert message is not None
    assert message.flags & COMPONENTS_V2
    shown = discord.shown(message)
    pictures = shown["components"][0]["components"][1]["items"]
    assert [(each["media"]["width"], each["media"]["height"]) for each in pictures] == [(32, 16), (32, 16)]
    assert len({each["id"] for each in (*shown["components"], *shown["components"][0]["components"])}) == 6

    await discord.press(message, "Close")

    await discord.wait_until(lambda: message.attachments == [])
    assert [each["content"] for each in discord.shown(message)["components"]] == ["closed"]


async def test_an_embed_shows_its_picture_and_the_file_is_not_listed_twice(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("embed")
    await discord.wait_until(lambda: interaction.original is not None)
    assert interaction.original is not None

    shown = discord.shown(interaction.original)

    assert shown["attachments"] == []
    assert shown["embeds"][0]["image"]["url"].startswith("/attachments/")
    assert shown["embeds"][0]["image"]["width"] == 32


@pytest.mark.parametrize("private", [False, True])
async def test_a_promise_is_kept_by_an_edit(discord: LoopbackDiscord, private: bool) -> None:
    interaction = await discord.slash("slow", {"private": private})

    await discord.wait_until(lambda: bool(interaction.followups))

    message = interaction.original
    assert message is not None
    assert (message.content, message.ephemeral) == ("first", private)
    assert [file.filename for file in message.attachments] == ["a.txt"]
    assert not message.flags & LOADING
    assert bool(message.flags & EPHEMERAL) == private
    assert interaction.followups[0].reply_to == message.id


async def test_commands_are_offered_by_permission_and_channel(discord: LoopbackDiscord) -> None:
    member, moderator = discord.people["member"], discord.people["moderator"]

    granted = await discord.slash("secret", user=moderator)
    await discord.wait_until(lambda: granted.private_texts == ["you may"])
    for user, channel in ((member, discord.general), (moderator, discord.direct_messages(moderator.id))):
        with pytest.raises(Impossible, match="may not use secret"):
            await discord.slash("secret", user=user, channel=channel)
    with pytest.raises(Impossible, match="may not use adults"):
        await discord.slash("adults")
    welcome = await discord.slash("adults", channel=discord.nsfw)
    await discord.wait_until(lambda: welcome.original is not None)
