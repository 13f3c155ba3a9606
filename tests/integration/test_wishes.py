"""How people want to be served: spoilers, direct messages, no history, no previews; over real sockets."""

import pytest

from bot.settings import Settings
from playground.state.messages import Message
from tests.fakes import FakeExecutor, jpeg
from tests.integration.asking import acked, answer, job_of, result, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


async def wish(discord: LoopbackDiscord, label: str) -> Message:
    """Presses one of the panel's buttons; returns the panel."""
    panel = await answer(discord, await discord.slash("settings"))
    await acked(discord, await discord.press(panel, label))
    return panel


def letters(discord: LoopbackDiscord) -> list[Message]:
    """Lists what the member was sent by direct message."""
    return list(discord.direct_messages(discord.people["member"].id).messages.values())


@pytest.mark.usefixtures("bot")
async def test_spoilers_hide_pictures_also_the_one_that_is_picked(discord: LoopbackDiscord) -> None:
    panel = await wish(discord, "Spoilers: off")
    assert "Spoilers on" in panel.content

    message = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "count": 4}))
    picked = await result(discord, await discord.press(message, "U2"))

    assert [file.filename[:14] for file in message.attachments] == ["SPOILER_easel-"]
    assert [file.filename[:14] for file in picked.attachments] == ["SPOILER_easel-"]


@pytest.mark.usefixtures("bot")
async def test_a_copy_in_the_gallery_is_hidden_as_its_owner_wants(discord: LoopbackDiscord) -> None:
    await wish(discord, "Spoilers: off")
    message = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "count": 4}))

    discord.react(message, "⭐", discord.people["stranger"])
    await discord.wait_until(lambda: bool(discord.gallery.messages))

    (copy,) = discord.gallery.messages.values()
    assert [file.filename[:14] for file in copy.attachments] == ["SPOILER_easel-"]


@pytest.mark.usefixtures("bot")
async def test_who_wants_letters_shows_others_neither_prompt_nor_picture(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    await wish(discord, "By direct message: off")

    interaction = await discord.slash("imagine", {"prompt": "a secret cat"})
    await discord.wait_until(lambda: any(each.attachments for each in letters(discord)))
    await discord.wait_until(lambda: "direct messages" in str(interaction.original and interaction.original.content))

    assert interaction.original is not None
    assert interaction.original.ephemeral
    assert interaction.original.buttons() == []
    public = [each for each in discord.general.messages.values() if not each.ephemeral]
    assert [each for each in public if "secret" in each.content or each.attachments] == []
    assert "**a secret cat**" in letters(discord)[0].content
    stranger = discord.people["stranger"]
    refused = await told(discord, await discord.slash("show", {"id": job_of(letters(discord)[0])}, stranger))
    assert refused.startswith("There is no picture")


@pytest.mark.usefixtures("bot")
async def test_a_letters_buttons_work_in_the_letter(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    await wish(discord, "By direct message: off")
    await discord.slash("imagine", {"prompt": "a cat", "count": 2})
    await discord.wait_until(lambda: any(each.attachments for each in letters(discord)))

    picked = await discord.press(letters(discord)[0], "U1")

    assert len((await result(discord, picked)).attachments) == 1


@pytest.mark.usefixtures("bot")
async def test_all_choices_of_a_prompt_are_sent_by_letter(discord: LoopbackDiscord) -> None:
    await wish(discord, "By direct message: off")

    await discord.slash("imagine", {"prompt": "a secret {cat, dog, owl}"})

    await discord.wait_until(lambda: sum(bool(each.attachments) for each in letters(discord)) == 3)
    public = [each for each in discord.general.messages.values() if not each.ephemeral]
    assert [each for each in public if "secret" in each.content] == []


async def test_a_letter_is_sent_once_whatever_is_restarted(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        await wish(discord, "By direct message: off")
        executor.hold()
        interaction = await discord.slash("imagine", {"prompt": "a cat"})
        await discord.wait_until(lambda: bool(executor.requests))

    async with running(discord, settings, FakeExecutor()):
        await discord.wait_until(lambda: any(each.attachments for each in letters(discord)))
        await discord.wait_until(
            lambda: "direct messages" in str(interaction.original and interaction.original.content)
        )

    assert sum(bool(each.attachments) for each in letters(discord)) == 1


@pytest.mark.usefixtures("bot")
async def test_who_takes_no_letters_sees_the_picture_alone(discord: LoopbackDiscord) -> None:
    await wish(discord, "By direct message: off")
    discord.people["member"].takes_messages = False

    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    message = await result(discord, interaction)

    assert message.ephemeral
    assert "I cannot write to you, so only you see it here" in message.content


@pytest.mark.usefixtures("bot")
async def test_what_is_painted_without_a_history_is_not_found(discord: LoopbackDiscord) -> None:
    await wish(discord, "History: on")

    await result(discord, await discord.slash("imagine", {"prompt": "a cat"}))

    found = await told(discord, await discord.slash("history"))
    assert found.startswith("Nothing was found.")


@pytest.mark.usefixtures("bot")
async def test_who_wants_no_previews_sees_none(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    await wish(discord, "Previews: on")
    executor.preview = jpeg((200, 0, 0))
    executor.hold()

    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: "(0%)" in str(interaction.original and interaction.original.content))

    assert interaction.pictures == []
    executor.release()
    await result(discord, interaction)


@pytest.mark.usefixtures("bot")
async def test_wishes_are_turned_round_and_reset(discord: LoopbackDiscord) -> None:
    panel = await wish(discord, "Previews: on")
    assert "Previews off" in panel.content

    await acked(discord, await discord.press(panel, "Reset all"))

    assert "Previews on" in panel.content
