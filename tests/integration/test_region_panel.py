"""Vary (Region), over real sockets: parts of a picture, or a mask of one's own, painted anew."""

import asyncio
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bot.domain import Action
from bot.services.images.regions import Segmentation, Segmenter
from bot.settings import Settings
from bot.ui.regions import presses
from generation import GenerationRequest
from generation.images.inpaint_canvas import prepare
from playground.state.wire import UploadedFile
from tests.fakes import FakeExecutor, png, quarters
from tests.integration.conftest import running
from tests.integration.test_buttons import painted, result, shown, told
from tests.integration.test_tools import digest
from tests.loopback import Interaction, LoopbackDiscord, Message
from tests.loopback.discord import names

bot = pytest.mark.usefixtures("bot")
RED, GREEN, BLUE, WHITE = range(4)  # parts of a picture of four quarters, in reading order


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


def repainted(executor: FakeExecutor, number: int = -1) -> np.ndarray[Any, Any]:
    """Returns where the engine would paint, as it would lay out the canvas."""
    request = executor.requests[number]
    canvas = prepare(request, executor.inputs[number])
    assert canvas is not None
    assert canvas.composite is not None
    blend = canvas.composite.blend
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
    levels = repainted(executor)
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
    levels = repainted(executor)
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
    assert [mean > 0.5 for mean in quarter_means(repainted(executor))] == [False, True, False, True]


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
    monkeypatch.setattr(presses, "SETTLE_SECONDS", 0.05)
    divide, dividing = Segmenter.divide, asyncio.Event()

    async def slow(segmenter: Segmenter, digest: str) -> Segmentation:
        await dividing.wait()
        return await divide(segmenter, digest)

    monkeypatch.setattr(Segmenter, "divide", slow)

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

    assert quarter_means(repainted(last)) == [1.0, 1.0, 1.0, 0.1]


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
    levels = repainted(executor)
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
    assert repainted(executor).shape == (2048, 2048)


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


@bot
async def test_a_forged_form_without_a_mask_is_refused(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    panel = await Panel.open(discord, executor)
    form = await panel.form("Upload a mask")
    assert form.modal is not None
    form.modal["components"][1]["component"]["custom_id"] = "other"

    sent = await discord.submit(
        form, {"prompt": "a tree", "other": [0]}, [UploadedFile("files[0]", "a.png", "image/png", png(8, 8))]
    )

    assert await told(discord, sent) == "mask is missing: upload a picture whose white part is painted anew."
    assert len(executor.requests) == 1


def test_every_action_has_its_words() -> None:
    from bot.ui.jobs.text import ACTIONS

    assert set(ACTIONS) == set(Action)
