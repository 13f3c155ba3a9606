"""The grid and the buttons under results, over real sockets."""

import io
import shutil
import sqlite3
from contextlib import closing

import pytest
from discord import Permissions
from PIL import Image

from bot.services.actions.actions import PictureActions
from bot.settings import Settings
from bot.ui.discord.responses import BROKEN
from playground.state.messages import REPLY
from tests.fakes import FakeExecutor, picture
from tests.integration.conftest import running
from tests.loopback import Fault, Interaction, LoopbackDiscord, Message
from tests.loopback.discord import names


async def painted(discord: LoopbackDiscord, **options: object) -> Message:
    interaction = await discord.slash("imagine", {"prompt": "a cat", "seed": 7, **options})
    return await result(discord, interaction)


async def result(discord: LoopbackDiscord, interaction: Interaction) -> Message:
    await discord.wait_until(lambda: bool(interaction.pictures))
    assert interaction.original is not None
    return interaction.original


def shown(message: Message) -> list[list[str]]:
    return [[names(button)[0] for button in row["components"]] for row in message.components]


@pytest.mark.usefixtures("bot")
async def test_four_pictures_come_as_one_grid_with_its_buttons(discord: LoopbackDiscord) -> None:
    message = await painted(discord, count=4)

    (file,) = message.attachments
    assert Image.open(io.BytesIO(file.data)).size == (33, 33)
    assert shown(message) == [["U1", "U2", "U3", "U4", "🔄"], ["V1", "V2", "V3", "V4"], ["✏️", "ℹ️", "❌"]]


@pytest.mark.usefixtures("bot")
async def test_u_posts_the_original_in_a_message_of_its_own(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await painted(discord, count=4)

    one = await result(discord, await discord.press(message, "U2"))

    assert one.attachments[0].data == picture(executor.requests[0].picture(1)).data
    assert shown(one) == [
        ["Upscale (2x)", "Upscale (4x)", "Vary (Subtle)", "Vary (Strong)", "Vary (Region)"],
        ["Zoom Out 1.5x", "Zoom Out 2x", "Custom Zoom"],
        ["⬅️", "➡️", "⬆️", "⬇️"],
        ["🔄", "✏️", "ℹ️", "❌"],
    ]
    assert one.content.startswith(f"**a cat** - Image #2 <@{discord.people['member'].id}>")
    assert "seed 8" in one.content


@pytest.mark.usefixtures("bot")
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


async def told(discord: LoopbackDiscord, press: Interaction) -> str:
    await discord.wait_until(lambda: bool(press.private_texts and press.private_texts[-1]))
    return press.private_texts[-1]


@pytest.mark.usefixtures("bot")
async def test_u_works_again_and_again_and_answers_the_message(discord: LoopbackDiscord) -> None:
    message = await painted(discord, count=2)

    ones = [await result(discord, await discord.press(message, "U1")) for _ in range(2)]

    assert len({one.id for one in ones}) == 2
    assert [(one.kind, one.reply_to) for one in ones] == [(REPLY, message.id)] * 2


@pytest.mark.usefixtures("bot")
async def test_a_picked_picture_has_working_buttons_of_its_own(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    one = await result(discord, await discord.press(await painted(discord, count=4), "U3"))

    await result(discord, await discord.press(one, "Vary (Subtle)"))
    await result(discord, await discord.press(one, "🔄"))

    subtle, again = executor.requests[1:]
    assert (subtle.seed, subtle.count, subtle.subseed_strength) == (9, 4, 0.12)
    assert (again.count, again.subseed_strength) == (1, 0.0)
    with closing(sqlite3.connect(settings.data_dir / "easel.db")) as database:
        kept = database.execute("SELECT parent_index, action, parent_job IS NOT NULL FROM jobs ORDER BY created_at")
        assert kept.fetchall() == [(None, None, 0), (3, "vary_subtle", 1), (3, "reroll", 1)]


@pytest.mark.usefixtures("bot")
async def test_whoever_presses_pays_from_their_own_share(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    message, stranger = await painted(discord, count=2), discord.people["stranger"]
    executor.hold()
    for _ in range(settings.slots):
        await discord.slash("imagine", {"prompt": "long"}, discord.people["owner"])
    await discord.wait_until(lambda: len(executor.requests) == 1 + settings.slots)
    waiting = [await discord.press(message, "🔄", stranger) for _ in range(settings.max_waiting)]
    await discord.wait_until(lambda: all(each.original and each.original.content for each in waiting))

    assert (await told(discord, await discord.press(message, "V1", stranger))).startswith("You have 10 jobs waiting")
    mine = await discord.press(message, "V1")
    await discord.wait_until(lambda: mine.original is not None and bool(mine.original.content))

    executor.release()
    await discord.wait_until(lambda: bool(mine.pictures))


async def test_the_operator_may_leave_buttons_to_owners_and_moderators(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"buttons": "owner"}), executor):
        message = await painted(discord, count=2)

        for label in ("U1", "V1", "🔄", "✏️", "ℹ️"):
            press = await discord.press(message, label, discord.people["stranger"])
            assert (await told(discord, press)).startswith("Here only the person who asked for a picture")
        await result(discord, await discord.press(message, "U1", discord.people["moderator"]))


async def test_v_is_subtle_where_the_operator_says_so(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"vary": "subtle", "variations": 2}), executor):
        await result(discord, await discord.press(await painted(discord, count=2), "V2"))

    assert (executor.requests[1].subseed_strength, executor.requests[1].count) == (0.12, 2)


@pytest.mark.usefixtures("bot")
async def test_the_recipe_of_one_picture_paints_it_again(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    one = await result(discord, await discord.press(await painted(discord, count=4, negative="text"), "U2"))

    press = await discord.press(one, "ℹ️", discord.people["stranger"])
    text = await told(discord, press)

    assert press.pictures == [picture(executor.requests[0].picture(1)).data]
    line = text.split("```")[1].strip()
    assert line.startswith("/imagine prompt:a cat --no text --steps 4 --cfg 7 --seed 8 --count 1")


@pytest.mark.parametrize("label", ["U1", "ℹ️"])
@pytest.mark.usefixtures("bot")
async def test_a_picture_that_was_erased_is_told(discord: LoopbackDiscord, settings: Settings, label: str) -> None:
    message = await painted(discord, count=2)
    shutil.rmtree(settings.pictures_path)

    assert await told(discord, await discord.press(message, label)) == "I no longer keep this picture."


@pytest.mark.usefixtures("bot")
async def test_a_missing_permission_is_named_before_anything_is_painted(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord, count=2)
    discord.bot.permissions = Permissions(view_channel=True, send_messages=True)

    for label in ("U1", "V1", "🔄", "✏️"):
        text = await told(discord, await discord.press(message, label))
        assert text == "I cannot post pictures here: I lack the permission Attach Files."
    assert len(executor.requests) == 1


async def test_a_model_that_is_gone_is_named(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        message = await painted(discord, model="other")
    (settings.models_path / "other.safetensors").unlink()
    async with running(discord, settings, FakeExecutor()):
        text = await told(discord, await discord.press(message, "🔄"))

    assert text.startswith("There is no model named 'other'.")


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.DROPPED, Fault.SERVER_ERROR])
@pytest.mark.usefixtures("bot")
async def test_presses_survive_a_bad_moment_of_the_network(discord: LoopbackDiscord, fault: Fault) -> None:
    message = await painted(discord, count=2)
    presses = {}
    for label in ("U1", "ℹ️", "❌"):
        discord.faults.add("POST", "/callback$", fault)
        presses[label] = await discord.press(message, label)
        await discord.wait_until(lambda: presses[label].acked is not None)  # noqa: B023

    await discord.wait_until(lambda: bool(presses["U1"].pictures) and len(presses["ℹ️"].pictures) == 2)
    await discord.wait_until(lambda: message.deleted)


@pytest.mark.usefixtures("bot")
async def test_ten_pictures_have_a_button_each(discord: LoopbackDiscord) -> None:
    message = await painted(discord, count=10)

    assert [len(row) for row in shown(message)] == [5, 5, 5, 5, 4]
    one = await result(discord, await discord.press(message, "U10"))
    assert "seed 16" in one.content


@pytest.mark.usefixtures("bot")
async def test_what_nobody_foresaw_is_confessed_to_whoever_pressed_or_reacted(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    message = await painted(discord)
    monkeypatch.setattr(PictureActions, "reroll", broken)

    pressed = await told(discord, await discord.press(message, "🔄"))
    discord.react(message, "🎲")
    await discord.wait_until(lambda: bool(discord.letters("member")))

    assert pressed == discord.letters("member")[0].content == BROKEN
