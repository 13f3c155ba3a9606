"""/imagine from a browser: typing it, watching it, and what one can do with the picture."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tests.fakes import FakeExecutor
from tests.loopback import LoopbackDiscord

pytestmark = [
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("bot"),
]


async def test_a_command_typed_by_keyboard_shows_progress_and_then_the_picture(
    visitor: Visitor, executor: FakeExecutor
) -> None:
    executor.hold()

    await visitor.use("/imagine", "a red fox in the snow")

    await expect(visitor.last).to_contain_text(re.compile(r"a red fox in the snow - @member \(\d+%\)"))
    await expect(visitor.last.get_by_role("button", name="Cancel Job")).to_be_visible()
    executor.release()
    assert await visitor.picture_sizes(visitor.last) == [16]
    await expect(visitor.last).to_contain_text("member used /imagine")
    await expect(visitor.last).to_contain_text("4 steps")
    await expect(visitor.last.get_by_role("button", name="Cancel Job")).to_have_count(0)


async def test_values_completed_by_the_bot_are_sent(visitor: Visitor, executor: FakeExecutor) -> None:
    page = visitor.page
    await visitor.start("/imagine")
    await page.keyboard.type("a cat")
    await page.keyboard.press("Tab")
    await visitor.add("aspect", "3:")

    await expect(page.get_by_role("option", name="3:2")).to_be_visible()
    await expect(page.get_by_role("option", name="1:1")).to_have_count(0)
    await page.keyboard.press("Tab")
    await visitor.add("count", "4")
    await page.keyboard.press("Enter")

    assert await visitor.picture_sizes(visitor.last) == [33]  # one grid of two by two
    assert (executor.requests[0].width, executor.requests[0].height) == (1216, 832)


async def test_a_number_out_of_range_is_explained_and_not_sent(visitor: Visitor, executor: FakeExecutor) -> None:
    await visitor.start("/imagine")
    await visitor.page.keyboard.type("a cat")
    await visitor.page.keyboard.press("Tab")
    await visitor.add("steps", "9999")

    await visitor.page.keyboard.press("Enter")

    await expect(visitor.page.get_by_role("alert")).to_contain_text(re.compile(r"From 1 to \d+"))
    await expect(visitor.page.get_by_label("steps", exact=True)).to_be_focused()
    assert executor.requests == []


async def test_a_missing_prompt_is_asked_for(visitor: Visitor) -> None:
    await visitor.start("/imagine")

    await visitor.page.keyboard.press("Enter")

    await expect(visitor.page.get_by_role("alert")).to_have_text("Needed")


async def test_a_whole_command_can_be_pasted(visitor: Visitor, executor: FakeExecutor) -> None:
    await visitor.composer.fill("/imagine a cat: asleep steps:3 seed:7")
    await expect(visitor.page.get_by_role("form")).to_be_visible()

    await visitor.page.get_by_role("button", name="Send command").click()
    await visitor.picture_sizes(visitor.last)

    asked = executor.requests[0]
    assert (asked.prompt, asked.steps, asked.seed) == ("a cat: asleep", 3, 7)


async def test_backspace_and_escape_lead_back_out_of_a_command(visitor: Visitor) -> None:
    keyboard = visitor.page.keyboard
    await visitor.start("/imagine")
    await keyboard.type("x")
    await keyboard.press("Tab")
    await visitor.add("seed")

    await keyboard.press("Backspace")
    await expect(visitor.page.get_by_label("seed", exact=True)).to_have_count(0)
    await expect(visitor.page.get_by_label("prompt", exact=True)).to_be_focused()
    await keyboard.press("Escape")

    await expect(visitor.composer).to_be_focused()


async def test_the_last_command_comes_back_with_the_up_arrow(visitor: Visitor, executor: FakeExecutor) -> None:
    await visitor.use("/imagine", "a cat")
    await visitor.picture_sizes(visitor.last)

    await visitor.composer.press("ArrowUp")

    await expect(visitor.page.get_by_label("prompt", exact=True)).to_have_value("a cat")


async def test_only_the_asker_and_moderators_may_cancel(visitor: Visitor, executor: FakeExecutor) -> None:
    executor.hold()
    await visitor.use("/imagine", "a cat")
    await visitor.see("%")
    painting = visitor.messages.first

    await visitor.become("stranger")
    await painting.get_by_role("button", name="Cancel Job").click()
    await expect(visitor.last).to_contain_text("Only you can see this")
    await visitor.become("moderator")
    await expect(visitor.messages).to_have_count(1)
    await painting.get_by_role("button", name="Cancel Job").click()

    await expect(painting).to_contain_text("(cancelled)")
    executor.release()


async def test_reactions_are_added_counted_and_taken_back(visitor: Visitor, discord: LoopbackDiscord) -> None:
    await visitor.use("/imagine", "a cat")
    await visitor.picture_sizes(visitor.last)

    await visitor.last.hover()
    await visitor.last.get_by_role("button", name="Add a reaction").click()
    await visitor.page.get_by_label("Find an emoji").fill("star")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.last.get_by_role("button", name="⭐ 1, you too")).to_be_visible()
    await visitor.become("owner")
    await visitor.last.get_by_role("button", name="⭐ 1").click()
    await expect(visitor.last.get_by_role("button", name="⭐ 2, you too")).to_be_visible()
    await visitor.last.get_by_role("button", name="⭐ 2, you too").click()

    await expect(visitor.last.get_by_role("button", name="⭐ 1")).to_have_attribute("aria-pressed", "false")
    message = next(iter(discord.general.messages.values()))
    assert [person.name for person in message.reactions["⭐"]] == ["member"]


async def test_a_picture_opens_large_and_closes_with_escape(visitor: Visitor) -> None:
    await visitor.start("/imagine")
    await visitor.page.keyboard.type("a cat")
    await visitor.page.keyboard.press("Tab")
    await visitor.add("count", "2")
    await visitor.page.keyboard.press("Enter")
    await visitor.picture_sizes(visitor.last)
    await visitor.press("ℹ️")  # the originals, seen by this person alone
    await visitor.see("Only you can see this")
    await visitor.picture_sizes(visitor.last)

    await visitor.last.get_by_role("button", name="Enlarge").first.click()
    dialog = visitor.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("(1 of 2)")
    await visitor.page.keyboard.press("ArrowRight")
    await expect(dialog).to_contain_text("(2 of 2)")
    await visitor.page.keyboard.press("Escape")

    await expect(dialog).to_have_count(0)


async def test_the_bot_paints_in_direct_messages(visitor: Visitor) -> None:
    await visitor.open("Easel")

    await visitor.use("/imagine", "a cat")

    assert await visitor.picture_sizes(visitor.last) == [16]


async def test_tab_before_the_bot_has_answered_takes_what_was_typed(visitor: Visitor, executor: FakeExecutor) -> None:
    await visitor.start("/imagine")
    await visitor.page.keyboard.type("a cat")
    await visitor.page.keyboard.press("Tab")
    await visitor.add("aspect")
    await expect(visitor.page.get_by_role("option", name="1:1")).to_be_visible()

    await visitor.page.keyboard.type("16:9")
    await visitor.page.keyboard.press("Tab")
    await visitor.page.keyboard.press("Enter")
    await visitor.picture_sizes(visitor.last)

    assert executor.requests[0].width > executor.requests[0].height
