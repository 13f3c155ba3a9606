"""The grid and the buttons under results, over real sockets."""

import io

import pytest
from PIL import Image

from tests.fakes import FakeExecutor, picture
from tests.loopback import Interaction, LoopbackDiscord, Message
from tests.loopback.discord import names

pytestmark = pytest.mark.usefixtures("bot")


async def painted(discord: LoopbackDiscord, **options: object) -> Message:
    interaction = await discord.slash("imagine", {"prompt": "a cat", "seed": 7, **options})
    return await result(discord, interaction)


async def result(discord: LoopbackDiscord, interaction: Interaction) -> Message:
    await discord.wait_until(lambda: bool(interaction.pictures))
    assert interaction.original is not None
    return interaction.original


def shown(message: Message) -> list[list[str]]:
    return [[names(button)[0] for button in row["components"]] for row in message.components]


async def test_four_pictures_come_as_one_grid_with_its_buttons(discord: LoopbackDiscord) -> None:
    message = await painted(discord, count=4)

    (file,) = message.attachments
    assert Image.open(io.BytesIO(file.data)).size == (33, 33)
    assert shown(message) == [["U1", "U2", "U3", "U4", "🔄"], ["V1", "V2", "V3", "V4"], ["✏️", "ℹ️", "❌"]]


async def test_u_posts_the_original_in_a_message_of_its_own(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await painted(discord, count=4)

    one = await result(discord, await discord.press(message, "U2"))

    assert one.attachments[0].data == picture(executor.requests[0].picture(1)).data
    assert shown(one) == [["Vary (Subtle)", "Vary (Strong)", "🔄"], ["✏️", "ℹ️", "❌"]]
    assert one.content.startswith(f"**a cat** - Image #2 <@{discord.people['member'].id}>")
    assert "seed 8" in one.content


async def test_reroll_paints_the_same_with_new_seeds_and_leaves_the_old(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord, count=4)

    again = await result(discord, await discord.press(message, "🔄"))

    first, second = executor.requests
    assert (second.prompt, second.count, second.steps) == (first.prompt, first.count, first.steps)
    assert second.seed != first.seed
    assert again is not message
    assert not message.deleted
