"""The tools under one picture, over real sockets: upscaling, more canvas, a region painted anew, by buttons and 🔍."""

import asyncio
import hashlib
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

from bot.domain import Action
from bot.playground.wire import UploadedFile
from bot.services.regions import Divided, Divider
from bot.settings import Settings
from bot.ui import region_presses
from generation import GenerationRequest
from generation.canvas import prepare
from generation.parts import Margins
from tests.fakes import FakeExecutor, picture, png, quarters
from tests.integration.conftest import running
from tests.integration.test_buttons import painted, result, shown, told
from tests.loopback import Interaction, LoopbackDiscord, Message
from tests.loopback.discord import names

bot = pytest.mark.usefixtures("bot")
RED, GREEN, BLUE, WHITE = range(4)  # parts of a picture of four quarters, in reading order


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
        ("Zoom Out 2x", (1216, 832), Margins(left=304, top=208, right=304, bottom=208, feather=13)),
        ("Zoom Out 1.5x", (1216, 832), Margins(left=202, top=138, right=203, bottom=139, feather=17)),
        ("Make Square", (1216, 1216), Margins(top=192, bottom=192, feather=26)),
        ("⬅️", (1824, 832), Margins(left=608, feather=26)),
        ("➡️", (1824, 832), Margins(right=608, feather=26)),
        ("⬆️", (1216, 1248), Margins(top=416, feather=26)),
        ("⬇️", (1216, 1248), Margins(bottom=416, feather=26)),
    ],
)
@bot
async def test_canvas_is_added_where_the_button_says(
    discord: LoopbackDiscord, executor: FakeExecutor, label: str, size: tuple[int, int], margins: Margins
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
    assert asked.outpaint == Margins(left=288, right=288, feather=24)


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


class Panel:
    """The panel behind Vary (Region), as a person uses it."""

    def __init__(self, discord: LoopbackDiscord, opened: Interaction, message: Message) -> None:
        self.discord = discord
        self.message = message
        self.opened = opened

    @classmethod
    async def open(cls, discord: LoopbackDiscord, executor: FakeExecutor, **options: Any) -> "Panel":
        executor.drawing = quarters(options.get("width", 1024), options.get("height", 1024))
        press = await discord.press(await painted(discord, **options), "Vary (Region)")
        await discord.wait_until(lambda: bool(press.pictures))
        assert press.original is not None
        return cls(discord, press, press.original)

    @property
    def select(self) -> dict[str, Any]:
        (select,) = self.message.components[0]["components"]
        return dict(select)

    @property
    def buttons(self) -> dict[str, bool]:
        return {names(each)[0]: bool(each.get("disabled")) for each in self.message.buttons()}

    async def changed(self, what: Interaction, before: bytes) -> None:
        await self.discord.wait_until(lambda: self.message.attachments[0].data != before)
        assert what.private_texts == [self.message.content]

    async def choose(self, *parts: int) -> None:
        before = self.message.attachments[0].data
        chosen = await self.discord.choose(self.message, self.select["custom_id"], [str(part) for part in parts])
        await self.changed(chosen, before)

    async def press(self, label: str) -> None:
        before = self.message.attachments[0].data
        await self.changed(await self.discord.press(self.message, label), before)

    async def form(self, label: str) -> Interaction:
        press = await self.discord.press(self.message, label)
        await self.discord.wait_until(lambda: press.modal is not None)
        return press


def anew(executor: FakeExecutor, number: int = -1) -> np.ndarray[Any, Any]:
    """Returns where the engine would paint, as it would lay out the canvas."""
    request = executor.requests[number]
    canvas = prepare(request, executor.inputs[number])
    assert canvas is not None
    assert canvas.paste is not None
    blend = canvas.paste.blend
    return np.frombuffer(blend.levels, np.uint8).reshape(blend.height, blend.width)


def quarter_means(levels: np.ndarray[Any, Any]) -> list[float]:
    half = levels.shape[0] // 2, levels.shape[1] // 2
    corners = [(0, 0), (0, half[1]), (half[0], 0), half]
    return [round(float(levels[y : y + half[0], x : x + half[1]].mean() / 255), 1) for y, x in corners]


@bot
async def test_the_panel_shows_the_parts_and_what_is_chosen(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor)

    assert [option["label"] for option in panel.select["options"]] == [
        "1: red, top left", "2: green, top right", "3: blue, bottom left", "4: white, bottom right",
    ]  # fmt: skip
    assert panel.buttons["Paint it anew"]
    before = Image.open(io.BytesIO(panel.message.attachments[0].data))
    assert before.size == (768, 768)

    await panel.choose(GREEN, BLUE)

    assert [option["value"] for option in panel.select["options"] if option.get("default")] == ["1", "2"]
    assert not panel.buttons["Paint it anew"]
    after = Image.open(io.BytesIO(panel.message.attachments[0].data))
    change = np.abs(np.asarray(before, float) - np.asarray(after, float)).mean(axis=2)
    assert [mean > 0.05 for mean in quarter_means(change)] == [False, True, True, False]


@bot
async def test_chosen_parts_are_painted_anew_and_the_rest_is_kept(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    panel = await Panel.open(discord, executor, seed=7)
    await panel.choose(GREEN)

    sent = await discord.submit(await panel.form("Paint it anew"), {"prompt": "a tree"})
    grid = await result(discord, sent)

    asked = executor.requests[1]
    assert asked.mask is not None
    assert (asked.prompt, asked.count, asked.size) == ("a tree", 4, (1024, 1024))
    assert (asked.mask.area, asked.mask.feather, asked.mask.grow) == ("canvas", 32, 0)
    levels = anew(executor)
    assert levels[8:500, 524:1016].min() == 255
    assert levels[:, :470].max() == levels[550:].max() == 0
    assert grid.content.startswith("**a tree** - ")
    assert "U4" in shown(grid)[0]


@bot
async def test_grow_shrink_and_invert_reach_the_mask(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor)
    await panel.choose(RED)
    await panel.press("Grow")
    await panel.press("Grow")
    await panel.press("Shrink")
    await panel.press("Invert")

    await result(discord, await discord.submit(await panel.form("Paint it anew"), {"prompt": "a tree"}))

    mask = executor.requests[1].mask
    assert mask is not None
    assert (mask.grow, mask.invert) == (16, True)
    levels = anew(executor)
    assert levels[:460, :460].max() == 0
    assert levels[520:].min() == levels[:, 520:].min() == 255


@bot
async def test_who_presses_faster_than_the_panel_changes_loses_nothing(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    panel = await Panel.open(discord, executor)
    await panel.choose(RED)

    for label in ("Grow", "Invert", "Grow"):
        await discord.press(panel.message, label)
    await discord.choose(panel.message, panel.select["custom_id"], [str(RED), str(BLUE)])
    await discord.wait_until(lambda: "outwards: 2" in panel.message.content and ":5:2:1:0" in panel.select["custom_id"])

    await result(discord, await discord.submit(await panel.form("Paint it anew"), {"prompt": "a tree"}))
    assert [mean > 0.5 for mean in quarter_means(anew(executor))] == [False, True, False, True]


@bot
async def test_a_form_opened_right_after_a_choice_is_about_that_choice(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    panel = await Panel.open(discord, executor)
    await panel.choose(RED)

    for label in ("Grow", "Invert", "Grow"):
        await discord.press(panel.message, label)
    form = await panel.form("Paint it anew")
    await result(discord, await discord.submit(form, {"prompt": "a tree"}))

    mask = executor.requests[1].mask
    assert mask is not None
    assert (mask.grow, mask.invert) == (32, True)


@bot
async def test_a_choice_that_takes_long_is_not_painted_without(
    discord: LoopbackDiscord, executor: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = await Panel.open(discord, executor)
    await panel.choose(RED)
    monkeypatch.setattr(region_presses, "SETTLE_SECONDS", 0.05)
    divide, dividing = Divider.divide, asyncio.Event()

    async def slow(divider: Divider, digest: str) -> Divided:
        await dividing.wait()
        return await divide(divider, digest)

    monkeypatch.setattr(Divider, "divide", slow)

    await discord.press(panel.message, "Invert")
    refused = await told(discord, await discord.press(panel.message, "Paint it anew"))
    dividing.set()

    assert refused == "Your last choice is still being worked out. Press this again when the panel shows it."
    await discord.wait_until(lambda: ":1" in panel.select["custom_id"])


@bot
async def test_more_and_fewer_parts_keep_what_is_chosen(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor)
    await panel.choose(BLUE)

    more = await discord.press(panel.message, "More parts")
    await discord.wait_until(lambda: not panel.buttons["Fewer parts"])

    assert more.private_texts == [panel.message.content]
    assert [option["value"] for option in panel.select["options"] if option.get("default")] == ["2"]


async def test_the_panel_goes_on_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        panel = await Panel.open(discord, executor)
        await panel.choose(WHITE)
    after = FakeExecutor()
    async with running(discord, settings, after):
        await panel.press("Invert")
        form = await panel.form("Paint it anew")
    last = FakeExecutor()
    async with running(discord, settings, last):
        await result(discord, await discord.submit(form, {"prompt": "a tree"}))

    assert quarter_means(anew(last)) == [1.0, 1.0, 1.0, 0.1]


@bot
async def test_a_mask_is_uploaded_in_the_form(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor, width=1216, height=832)
    mask = Image.new("L", (304, 208))
    mask.paste(255, (0, 0, 152, 208))
    data = io.BytesIO()
    mask.save(data, "PNG")
    file = UploadedFile("files[0]", "mask.png", "image/png", data.getvalue())

    form = await panel.form("Upload a mask")
    await result(discord, await discord.submit(form, {"prompt": "a tree", "mask": [0]}, [file]))

    asked = executor.requests[1]
    assert asked.mask is not None
    assert (asked.mask.picture, asked.mask.feather) == (digest(data.getvalue()), 26)
    levels = anew(executor)
    assert levels[:, :600].min() == 255
    assert levels[:, 650:].max() == 0


@bot
async def test_a_file_that_is_no_mask_is_told_alone(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor)
    form = await panel.form("Upload a mask")

    for data, kind, answer in (
        (b"hello", "text/plain", "mask is no picture but text/plain; it must be PNG, JPEG, WebP, GIF or BMP."),
        (png(64, 64)[:-30], "image/png", "mask is damaged or was not uploaded completely; save it anew and try again."),
    ):
        file = UploadedFile("files[0]", "mask.txt" if kind == "text/plain" else "mask.png", kind, data)
        sent = await discord.submit(form, {"prompt": "a tree", "mask": [0]}, [file])
        assert await told(discord, sent) == answer
    assert len(executor.requests) == 1


@bot
async def test_of_a_large_picture_only_a_detail_is_painted(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor, width=2048, height=2048)
    await panel.choose(GREEN)

    await result(discord, await discord.submit(await panel.form("Paint it anew"), {"prompt": "a tree"}))

    asked: GenerationRequest = executor.requests[1]
    assert asked.mask is not None
    assert (asked.width, asked.height, asked.mask.area, asked.mask.margin) == (1024, 1024, "masked", 256)
    assert anew(executor).shape == (2048, 2048)


@bot
async def test_nothing_chosen_paints_nothing(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor)
    await panel.choose(RED)
    form = await panel.form("Paint it anew")
    assert form.modal is not None
    form.modal["custom_id"] = form.modal["custom_id"].replace(":1:0:0:0", ":0:0:0:0")

    answer = await told(discord, await discord.submit(form, {"prompt": "a tree"}))

    assert answer == "Nothing is chosen: choose at least one part, or shrink the border less."
    assert len(executor.requests) == 1


def test_every_action_has_its_words() -> None:
    from bot.ui.words import ACTIONS

    assert set(ACTIONS) == set(Action)
