"""The page itself: its key, its connection, its colours, its width."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from playground.events.actions import Place
from tests.browser.conftest import showing
from tests.browser.visitor import PHONE, Visitor
from tests.loopback import LoopbackDiscord

pytestmark = [pytest.mark.ci, pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_without_the_key_there_is_no_page(discord: LoopbackDiscord, browser: Browser) -> None:
    page = await browser.new_page()

    answer = await page.goto(discord.page_url.split("?")[0])

    assert answer is not None
    assert answer.status == 403
    await page.close()


async def test_it_says_when_the_bot_is_offline(visitor: Visitor, discord: LoopbackDiscord) -> None:
    await expect(visitor.page.get_by_role("alert")).to_contain_text("The bot is offline")
    await visitor.composer.fill("/")
    await expect(visitor.page.get_by_text("The bot is offline, so there are no commands yet.")).to_be_visible()

    async with showing(discord):
        await expect(visitor.page.get_by_role("alert")).to_have_count(0)
        await visitor.composer.fill("/butt")
        await expect(visitor.page.get_by_role("option", name="/buttons")).to_be_visible()

    await expect(visitor.page.get_by_role("alert")).to_contain_text("The bot is offline")


async def test_it_comes_back_when_the_server_does(browser: Browser) -> None:
    async with LoopbackDiscord() as first:
        visitor = await Visitor.come(browser, first.page_url)
        await visitor.say("before")
    await expect(visitor.page.get_by_role("alert")).to_contain_text("The playground's server does not answer")

    second = LoopbackDiscord()
    second.door, second._port = first.door, int(first.world.url.rpartition(":")[2])
    async with second:
        await expect(visitor.page.get_by_role("alert")).not_to_contain_text("server does not answer", timeout=15_000)
        await expect(visitor.messages).to_have_count(0)
        await visitor.say("after")
        await visitor.context.close()


async def test_a_wrong_key_is_explained(browser: Browser) -> None:
    async with LoopbackDiscord() as first:
        visitor = await Visitor.come(browser, first.page_url)
        await expect(visitor.composer).to_be_visible()

    second = LoopbackDiscord()
    second._port = int(first.world.url.rpartition(":")[2])
    async with second:
        await expect(visitor.page.get_by_role("alert")).to_contain_text("Wrong key", timeout=15_000)
        await visitor.context.close()


async def test_files_are_sent_with_a_message(visitor: Visitor, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("seed 7")
    page = visitor.page

    await page.get_by_label("Files to attach").set_input_files([notes])
    await expect(page.get_by_label("Attached files")).to_contain_text("6 bytes")
    await visitor.composer.press("Enter")

    await expect(visitor.last.get_by_role("link", name="notes.txt")).to_be_visible()


async def test_a_file_that_is_too_large_is_refused_in_words(visitor: Visitor, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(11 * 2**20))

    await visitor.page.get_by_label("Files to attach").set_input_files([large])
    await expect(visitor.page.get_by_label("Attached files")).to_contain_text("Too large: at most 10.0 MB")
    await visitor.composer.press("Enter")

    await expect(visitor.page.locator(".notice")).to_be_visible()
    await expect(visitor.page.get_by_label("Attached files")).to_contain_text("large.bin")


async def test_an_adult_channel_asks_first(visitor: Visitor) -> None:
    await visitor.open("after-dark")
    await expect(visitor.composer).to_have_count(0)

    await visitor.page.get_by_role("button", name="Show it").click()

    await expect(visitor.composer).to_be_visible()


async def test_colours_follow_the_system_until_one_chooses(visitor: Visitor) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = await visitor.page.evaluate(ground)

    await visitor.page.get_by_role("button", name="Change to the light colours").click()
    light = await visitor.page.evaluate(ground)
    await visitor.page.reload()

    assert dark != light
    await expect(visitor.composer).to_be_visible()
    assert await visitor.page.evaluate(ground) == light


async def test_on_a_phone_nothing_is_cut_off_and_channels_slide_in(discord: LoopbackDiscord, browser: Browser) -> None:
    visitor = await Visitor.come(browser, discord.page_url, PHONE)
    navigation = visitor.page.get_by_role("navigation")
    await expect(visitor.composer).to_be_visible()
    await expect(navigation).not_to_be_visible()

    await visitor.page.get_by_role("button", name="Channels and people").click()
    await visitor.open("Easel")

    await expect(navigation).not_to_be_visible()
    await expect(visitor.page.get_by_role("heading", name="Easel", level=1)).to_be_visible()
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert visitor.troubles == []
    await visitor.context.close()


async def test_tab_reaches_everything_with_a_visible_focus(visitor: Visitor) -> None:
    reached: list[str] = []
    await expect(visitor.composer).to_be_focused()
    for _ in range(12):
        await visitor.page.keyboard.press("Tab")
        name = "document.activeElement.ariaLabel ?? document.activeElement.textContent"
        reached.append(await visitor.page.evaluate(name))
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        if await visitor.page.evaluate("document.activeElement.matches('button')"):
            assert await visitor.page.evaluate(outline) == "solid", reached

    for name in ("Send", "#general", "owner", "stranger"):
        assert name in reached


async def test_earlier_messages_are_fetched_when_asked_for(visitor: Visitor, discord: LoopbackDiscord) -> None:
    place = Place(discord.people["owner"], discord.general)
    for number in range(60):
        discord.actions.write(place, f"message {number}")
    await visitor.page.reload()
    await expect(visitor.messages).to_have_count(50)

    await visitor.page.get_by_role("button", name="Show earlier messages").click()

    await expect(visitor.messages).to_have_count(60)
    await expect(visitor.messages.first).to_contain_text("message 0")


async def test_a_message_and_its_menu_are_reached_by_keyboard(visitor: Visitor) -> None:
    keyboard = visitor.page.keyboard
    await visitor.say("first")
    await visitor.page.get_by_role("radio", name="owner", exact=True).click()
    await visitor.say("second")

    await visitor.last.focus()
    await keyboard.press("ArrowUp")
    await expect(visitor.messages.first).to_be_focused()
    await keyboard.press("ArrowDown")
    await keyboard.press("Tab")
    await expect(visitor.last.get_by_role("button", name="owner")).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await expect(visitor.page.get_by_role("menuitem", name="Add a reaction")).to_be_focused()
    await keyboard.press("End")
    await expect(visitor.page.get_by_role("menuitem", name="Delete message")).to_be_focused()
    await keyboard.press("Enter")

    await expect(visitor.messages).to_have_count(1)


async def test_it_works_under_the_strictest_policy(
    visitor: Visitor, discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("playground.page_api.POLICY", "default-src 'self'")
    async with showing(discord):
        answer = await visitor.page.reload()
        assert answer is not None
        assert await answer.header_value("content-security-policy") == "default-src 'self'"

        await visitor.use("/card")
        await visitor.picture_sizes(visitor.last)
        await visitor.use("/order")

        await expect(visitor.page.get_by_role("dialog", name="Paint order")).to_be_visible()
