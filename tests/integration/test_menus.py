"""The menu of a message: Recipe and Re-roll, over real sockets and across a restart."""

import pytest

from bot.settings import Settings
from tests.fakes import FakeExecutor
from tests.integration.asking import job_of, result, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


async def test_the_recipe_of_a_message_is_told_also_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        message = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "seed": 7, "count": 4}))
        picked = await result(discord, await discord.press(message, "U2"))

    async with running(discord, settings, FakeExecutor()):
        whole = await told(discord, await discord.menu("Recipe", message.id, discord.people["stranger"]))
        one = await told(discord, await discord.menu("Recipe", picked.id))

    assert "/imagine prompt:a cat" in whole
    assert "--seed 7 --count 4" in whole
    assert "--seed 8 --count 1" in one
    assert job_of(message) in one


@pytest.mark.usefixtures("bot")
async def test_a_message_is_re_rolled_from_its_menu(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "seed": 7}))

    again = await result(discord, await discord.menu("Re-roll", message.id, discord.people["stranger"]))

    first, second = executor.requests
    assert (second.prompt, second.seed != first.seed) == ("a cat", True)
    assert f"<@{discord.people['stranger'].id}>" in again.content


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("entry", ["Recipe", "Re-roll"])
async def test_a_message_without_a_picture_of_ours_is_named(discord: LoopbackDiscord, entry: str) -> None:
    message = discord.write("hello")

    text = await told(discord, await discord.menu(entry, message.id))

    assert text == "This message shows no picture that I know of; right-click one that I painted."
