"""/settings, /preset and /history from a browser, with the real bot."""

import pytest
from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tests.fakes import FakeExecutor
from tests.integration.asking import result
from tests.loopback import LoopbackDiscord

pytestmark = [
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("bot"),
]


async def test_settings_are_chosen_in_one_panel_and_painted_with(visitor: Visitor, executor: FakeExecutor) -> None:
    page = visitor.page
    await visitor.use("/settings")
    await visitor.see("Your settings")
    panel = visitor.last

    await panel.locator(".select").nth(0).click()
    await page.get_by_role("option", name="Aspect").click()
    await panel.locator(".select").nth(1).click()
    await page.get_by_role("option", name="3:2").click()
    await expect(panel).to_contain_text("Aspect 3:2")
    await panel.locator(".select").nth(0).click()
    await page.get_by_role("option", name="Steps").click()
    await panel.get_by_role("button", name="Type steps").click()
    modal = page.get_by_role("dialog", name="Steps where nothing is typed")
    await modal.get_by_role("textbox").fill("3")
    await modal.get_by_role("button", name="Submit").click()
    await expect(panel).to_contain_text("Steps 3")
    await panel.get_by_role("button", name="Spoilers: off").click()
    await expect(panel).to_contain_text("Spoilers on")
    await expect(visitor.messages).to_have_count(1)
    await visitor.use("/imagine", "a cat")

    await expect(visitor.last.locator(".picture").first).to_be_visible()
    asked = executor.requests[0]
    assert (asked.steps, asked.width, asked.height) == (3, 1216, 832)


async def test_a_preset_is_saved_and_used_by_its_name(visitor: Visitor, executor: FakeExecutor) -> None:
    await visitor.start("/preset save")
    await visitor.page.keyboard.type("film")
    await visitor.page.keyboard.press("Tab")
    await visitor.add("flags", "--steps 3 --cfg 5")
    await visitor.page.keyboard.press("Enter")
    await visitor.see("Saved.")

    await visitor.use("/imagine", "a cat --film")
    await visitor.picture_sizes(visitor.last)
    await visitor.use("/preset use", "film", "a dog")
    await visitor.picture_sizes(visitor.last)

    assert [(asked.prompt, asked.steps, asked.guidance_scale) for asked in executor.requests] == [
        ("a cat", 3, 5), ("a dog", 3, 5)
    ]  # fmt: skip


async def test_a_history_is_turned_and_a_picture_shown_again(visitor: Visitor, discord: LoopbackDiscord) -> None:
    for number in range(10):
        await result(discord, await discord.slash("imagine", {"prompt": f"number {number}"}))
    await visitor.use("/history")
    await visitor.see("number 9")
    page = visitor.last

    await page.get_by_role("button", name="Older").click()
    await expect(page).to_contain_text("number 0")
    await expect(page).not_to_contain_text("number 9")
    await page.locator(".select").click()
    await visitor.page.get_by_role("option", name="number 1").click()

    await visitor.see("Recipe of")
    await visitor.see("/imagine prompt:number 1")
    assert await visitor.picture_sizes(visitor.last) == [16]
