"""/imagine, from the typed command to the posted picture."""

import pytest

from tests.loopback import LoopbackDiscord

pytestmark = pytest.mark.usefixtures("bot")


async def test_a_picture_is_posted_with_its_recipe(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a red apple", "seed": 7})

    await discord.wait_until(lambda: bool(interaction.pictures))

    assert interaction.original is not None
    assert interaction.original.content.startswith("**a red apple** - <@")
    for word in ("seed 7", "1024x1024", "4 steps", "cfg 7", "dpmpp_2m karras", "tiny", "1.5 s"):
        assert word in interaction.original.content
    assert interaction.original.components == []
