"""The tools under one picture, over real sockets: upscaling, more canvas, by buttons and 🔍."""

import hashlib

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.settings import Settings
from generation.request.options import OutpaintPadding
from tests.fakes import FakeExecutor, picture
from tests.integration.conftest import running
from tests.integration.test_buttons import painted, result, shown, told
from tests.loopback import LoopbackDiscord

bot = pytest.mark.usefixtures("bot")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def upscaler(settings: Settings, name: str) -> None:
    """Puts a file into the models folder whose header is an upscaler's."""
    names = ("conv_first", "body.0.rdb1.conv1", "conv_last")
    tensors = {f"{each}.weight": np.zeros((1, 1, 1, 1), np.float16) for each in names}
    save_file(tensors, settings.models_path / f"{name}.safetensors")


@bot
async def test_an_upscale_begins_from_the_picture_and_changes_nothing_else(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord, count=2, negative="text", width=512, height=768)

    one = await result(discord, await discord.press(message, "U2"))
    large = await result(discord, await discord.press(one, "Upscale (2x)", discord.people["stranger"]))

    asked, before = executor.requests[1], executor.requests[0].picture(1)
    assert asked.init is not None
    assert asked.hires is not None
    assert (asked.init.picture, asked.init.strength) == (digest(picture(before).data), 0)
    assert (asked.size, asked.hires.method, asked.hires.strength) == ((1024, 1536), "pixel", 0.3)
    assert (asked.prompt, asked.negative_prompt, asked.seed, asked.count) == ("a cat", "text", 8, 1)
    assert f"<@{discord.people['stranger'].id}>" in large.content
    assert "upscale 2 to 1024x1536 (pixel, strength 0.3, 4 steps)" in large.content
    assert not one.deleted


async def test_real_esrgan_upscales_where_its_weights_are_there(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    upscaler(settings, "another")
    upscaler(settings, "realesrgan-x4plus")
    async with running(discord, settings, executor):
        large = await result(discord, await discord.press(await painted(discord), "Upscale (2x)"))

    hires = executor.requests[1].hires
    assert hires is not None
    assert (hires.method, hires.strength) == ("realesrgan-x4plus", 0)
    assert "upscale 2 to 2048x2048 (realesrgan-x4plus alone)" in large.content
    assert not any("🔄" in row for row in shown(large))  # nothing is left to the seed


async def test_what_would_become_too_large_is_not_offered_and_refused(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"max_upscaled": 2048, "max_size": 1200}), executor):
        message = await painted(discord)
        assert shown(message)[0] == ["Upscale (2x)", "Vary (Subtle)", "Vary (Strong)", "Vary (Region)"]
        assert shown(message)[1] == ["Zoom Out 1.5x", "Zoom Out 2x", "Custom Zoom"]
        assert shown(message)[2] == ["🔄", "✏️", "ℹ️", "❌"]
    async with running(discord, settings.model_copy(update={"max_upscaled": 1024}), executor):
        answer = await told(discord, await discord.press(message, "Upscale (2x)"))
    assert answer == "2048x2048 is too large here: the longest side may have 1024 pixels."


@pytest.mark.parametrize(
    ("label", "size", "margins"),
    [
        ("Zoom Out 2x", (1216, 832), OutpaintPadding(left=304, top=208, right=304, bottom=208, feather=13)),
        ("Zoom Out 1.5x", (1216, 832), OutpaintPadding(left=202, top=138, right=203, bottom=139, feather=17)),
        ("Make Square", (1216, 1216), OutpaintPadding(top=192, bottom=192, feather=26)),
        ("⬅️", (1824, 832), OutpaintPadding(left=608, feather=26)),
        ("➡️", (1824, 832), OutpaintPadding(right=608, feather=26)),
        ("⬆️", (1216, 1248), OutpaintPadding(top=416, feather=26)),
        ("⬇️", (1216, 1248), OutpaintPadding(bottom=416, feather=26)),
    ],
)
@bot
async def test_canvas_is_added_where_the_button_says(
    discord: LoopbackDiscord, executor: FakeExecutor, label: str, size: tuple[int, int], margins: OutpaintPadding
) -> None:
    message = await painted(discord, aspect="3:2")

    grid = await result(discord, await discord.press(message, label))

    asked = executor.requests[1]
    assert (asked.width, asked.height, asked.outpaint) == (*size, margins)
    assert (asked.prompt, asked.count) == ("a cat", 4)
    assert asked.seed != executor.requests[0].seed
    assert executor.inputs[1] == {digest(picture(executor.requests[0]).data): picture(executor.requests[0]).data}
    assert "U4" in shown(grid)[0]


@bot
async def test_a_custom_zoom_takes_a_prompt_a_factor_and_an_aspect(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    press = await discord.press(await painted(discord), "Custom Zoom")
    await discord.wait_until(lambda: press.modal is not None)

    sent = await discord.submit(press, {"prompt": "a cat in a garden", "zoom": "1.0", "aspect": "16:9"})
    await result(discord, sent)

    asked = executor.requests[1]
    assert (asked.prompt, asked.width, asked.height) == ("a cat in a garden", 1344, 768)
    assert asked.outpaint == OutpaintPadding(left=288, right=288, feather=24)


@bot
async def test_a_custom_zoom_that_cannot_be_is_told_alone(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    press = await discord.press(await painted(discord), "Custom Zoom")
    await discord.wait_until(lambda: press.modal is not None)

    for values, answer in (
        ({"zoom": "3"}, "zoom must be between 1.0 and 2.0, such as 1.5; not '3'."),
        ({"zoom": "1"}, "outpaint: one can zoom out up to 4x, and by more than 1x unless the aspect changes; not 1x."),
        ({"aspect": "wide"}, "aspect must look like 3:2 or 16:9, not 'wide'."),
        ({"prompt": "a --steps 3"}, "Settings such as --steps are not read in this form; press ✏️ for them."),
    ):
        assert await told(discord, await discord.submit(press, values)) == answer
    assert len(executor.requests) == 1


@bot
async def test_an_upscaled_picture_is_varied_by_painting_over_it(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    large = await result(discord, await discord.press(await painted(discord), "Upscale (2x)"))

    await result(discord, await discord.press(large, "Vary (Strong)"))

    asked = executor.requests[2]
    assert asked.init is not None
    assert (asked.init.strength, asked.hires, asked.size, asked.count) == (0.6, None, (1024, 1024), 4)


@bot
async def test_the_recipe_says_what_was_done_and_the_tree_knows_it(discord: LoopbackDiscord) -> None:
    message = await painted(discord, count=2)
    one = await result(discord, await discord.press(message, "U2"))
    wide = await result(discord, await discord.press(one, "⬅️"))

    card = await told(discord, await discord.press(wide, "ℹ️"))

    parent = message.attachments[0].filename.split("-")[1]
    assert f"Made of picture 2 of `{parent}`: panned" in card
    assert "outpainted left 512" in card
    assert "give that with the line as `image:`" in card
    tree = await discord.slash("tree", {"id": wide.attachments[0].filename.split("-")[1]})
    await discord.wait_until(lambda: bool(tree.private_texts and tree.private_texts[0]))
    assert "panned of #2" in tree.private_texts[0]


@bot
async def test_a_magnifier_upscales_for_whoever_reacts(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await painted(discord)

    discord.react(message, "🔍", discord.people["stranger"])
    await discord.wait_until(lambda: len(executor.requests) == 2)

    hires = executor.requests[1].hires
    assert hires is not None
    assert hires.scale == 2
    new = list(discord.general.messages.values())[-1]
    await discord.wait_until(lambda: bool(new.buttons()))
    assert f"<@{discord.people['stranger'].id}>" in new.content


@bot
async def test_a_magnifier_under_a_grid_says_how_to_mean_one(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await painted(discord, count=4)

    discord.react(message, "🔍")
    await discord.wait_until(lambda: bool(discord.letters("member")))

    (letter,) = discord.letters("member")
    assert letter.content.startswith("This message shows 4 pictures: take out the one you mean with U1 to U4")
    assert len(executor.requests) == 1
