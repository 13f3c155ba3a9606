"""What one does with one picture from a browser: upscale, zoom out, choose a region, upload a mask."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from tests.browser.visitor import Visitor
from tests.fakes import FakeExecutor, png, quarters
from tests.integration.test_region_panel import quarter_means, repainted
from tests.integration.test_tools import digest

pytestmark = [
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("bot"),
]


async def one(visitor: Visitor, executor: FakeExecutor, options: str = "") -> None:
    """Paints a picture of four colours."""
    executor.drawing = quarters(1024, 1024)
    await visitor.composer.fill(f"/imagine a cat seed:7 {options}")
    await visitor.page.get_by_role("button", name="Send command").click()
    await expect(visitor.last.get_by_role("button", name="Vary (Region)")).to_be_visible()


async def panel(visitor: Visitor) -> Locator:
    """Opens the panel of the newest picture."""
    await visitor.press("Vary (Region)")
    opened = visitor.messages.filter(has_text="Choose the parts that are painted anew")
    await expect(opened.get_by_role("button", name="Paint it anew")).to_be_disabled()
    return opened


async def choose(visitor: Visitor, opened: Locator, *parts: str) -> None:
    """Chooses parts by their names."""
    await opened.locator(".select").click()
    for part in parts:
        await visitor.page.get_by_role("option", name=part).click()
    await visitor.page.get_by_role("button", name="Done").click()
    await expect(opened.get_by_role("button", name="Paint it anew")).to_be_enabled()


async def submit(visitor: Visitor, title: str, prompt: str, mask: Path | None = None) -> None:
    """Fills in the form and sends it."""
    form = visitor.page.get_by_role("dialog", name=title)
    await form.get_by_label("What is painted there").fill(prompt)
    if mask is not None:
        await form.get_by_label(re.compile("^Mask")).set_input_files(mask)
    await form.get_by_role("button", name="Submit").click()
    await expect(form).to_have_count(0)
    await expect(visitor.last.get_by_role("button", name="U4")).to_be_visible()


async def test_a_region_is_chosen_and_painted_anew(visitor: Visitor, executor: FakeExecutor) -> None:
    await one(visitor, executor)
    opened = await panel(visitor)

    await choose(visitor, opened, "2: green, top right", "3: blue, bottom left")
    await opened.get_by_role("button", name="Invert").click()
    await opened.get_by_role("button", name="Grow").click()
    await expect(opened).to_contain_text("The border was moved outwards: 1.")
    assert await visitor.picture_sizes(opened) == [768]
    await opened.get_by_role("button", name="Paint it anew").click()
    await submit(visitor, "Paint the parts anew", "a tree")

    await visitor.see("a tree - @member")
    assert [mean > 0.5 for mean in quarter_means(repainted(executor))] == [True, False, False, True]


async def test_the_panel_is_seen_by_one_person(visitor: Visitor, executor: FakeExecutor) -> None:
    await one(visitor, executor)
    await panel(visitor)

    await visitor.become("stranger")

    await expect(visitor.messages).to_have_count(1)


async def test_a_mask_is_uploaded(visitor: Visitor, executor: FakeExecutor, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    mask.write_bytes(quarters(64, 64))  # only its white quarter is bright
    await one(visitor, executor)
    opened = await panel(visitor)

    await opened.get_by_role("button", name="Upload a mask").click()
    await submit(visitor, "Paint by a mask", "a tree", mask)

    assert executor.requests[1].mask is not None
    assert executor.requests[1].mask.picture == digest(mask.read_bytes())
    assert [mean > 0.5 for mean in quarter_means(repainted(executor))] == [False, False, False, True]


async def test_a_file_that_is_no_mask_is_explained_to_one_person(
    visitor: Visitor, executor: FakeExecutor, tmp_path: Path
) -> None:
    mask = tmp_path / "mask.png"
    mask.write_bytes(png(64, 64)[:-30])
    await one(visitor, executor)
    opened = await panel(visitor)

    await opened.get_by_role("button", name="Upload a mask").click()
    form = visitor.page.get_by_role("dialog", name="Paint by a mask")
    await form.get_by_label(re.compile("^Mask")).set_input_files(mask)
    await form.get_by_role("button", name="Submit").click()

    await visitor.see("mask is damaged or was not uploaded completely; save it anew and try again.")
    await expect(visitor.last).to_contain_text("Only you can see this")
    assert len(executor.requests) == 1


async def test_a_picture_is_upscaled_and_by_a_magnifier(visitor: Visitor, executor: FakeExecutor) -> None:
    await one(visitor, executor)

    await visitor.press("Upscale (2x)")
    await expect(visitor.messages).to_have_count(2)
    await visitor.see("upscale 2 to 2048x2048 (pixel, strength 0.3, 4 steps)")
    await visitor.menu(visitor.messages.first, "Add a reaction")
    await visitor.page.get_by_role("button", name="magnif").first.click()
    await expect(visitor.messages).to_have_count(3)
    await visitor.see("upscale 2 to 2048x2048 (pixel, strength 0.3, 4 steps)")

    assert [request.size for request in executor.requests[1:]] == [(2048, 2048)] * 2


async def test_a_zoom_is_filled_in(visitor: Visitor, executor: FakeExecutor) -> None:
    await one(visitor, executor)

    await visitor.press("Custom Zoom")
    form = visitor.page.get_by_role("dialog", name="Custom Zoom")
    await expect(form.get_by_label("Prompt")).to_have_value("a cat")
    await form.get_by_label("Zoom out, 1.0 to 2.0").fill("1.5")
    await form.get_by_label("Aspect, such as 16:9; empty keeps it").fill("3:2")
    await form.get_by_role("button", name="Submit").click()
    await expect(visitor.last.get_by_role("button", name="U4")).to_be_visible()

    asked = executor.requests[1]
    assert (asked.size, asked.outpaint is not None) == ((1216, 832), True)
    await visitor.press("U1")
    await expect(visitor.last.get_by_role("button", name="Make Square")).to_be_visible()
