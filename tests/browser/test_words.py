"""What people and bots write, as the page shows it."""

import pytest
from playwright.async_api import expect

from tests.browser.visitor import Visitor

pytestmark = [
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("scripted"),
]


async def test_markdown_is_shown_as_discord_shows_it(visitor: Visitor) -> None:
    await visitor.use("/markdown")
    await visitor.see("bold")
    last = visitor.last

    for tag, text in (
        ("strong", "bold"),
        ("em", "italic"),
        ("u", "underlined"),
        ("s", "struck"),
        ("p > code", "code"),
        ("p.subtext", "small print"),
        ("blockquote", "quoted"),
        ("li:nth-child(2)", "two"),
        ("pre", 'print("<b>")'),
        (".mention.me", "@member"),
    ):
        await expect(last.locator(f".markup {tag}").first).to_have_text(text)
    await expect(last).to_contain_text("*not italic*")
    await expect(last.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.org")
    await expect(last.get_by_role("link", name="https://example.org/page")).to_be_visible()


async def test_what_people_type_never_becomes_html(visitor: Visitor) -> None:
    await visitor.use("/markdown")

    await visitor.see('<script>alert("no")</script>')

    await expect(visitor.last.locator(".markup script, .markup b")).to_have_count(0)


async def test_a_spoiler_is_shown_when_pressed(visitor: Visitor) -> None:
    await visitor.use("/markdown")
    await visitor.see("bold")
    await expect(visitor.last.get_by_text("a secret")).not_to_be_visible()

    await visitor.last.get_by_role("button", name="Spoiler: press to read").click()

    await expect(visitor.last.get_by_text("a secret")).to_be_visible()


async def test_a_countdown_counts(visitor: Visitor) -> None:
    await visitor.use("/markdown")
    moment = visitor.last.locator("time[title]").last
    await expect(moment).to_contain_text("minute")

    await visitor.page.clock.install()
    await visitor.page.reload()
    await visitor.page.clock.fast_forward(70_000)

    await expect(moment).to_contain_text("seconds")


async def test_messages_name_people_and_can_be_deleted(visitor: Visitor) -> None:
    await visitor.composer.fill("hello @owner")
    await visitor.composer.press("Enter")
    await expect(visitor.last.locator(".mention")).to_have_text("@owner")

    await visitor.menu(visitor.last, "Delete message")

    await expect(visitor.messages).to_have_count(0)


async def test_others_messages_cannot_be_deleted_but_by_a_moderator(visitor: Visitor) -> None:
    await visitor.say("mine")

    await visitor.become("stranger")
    await visitor.last.click(button="right")
    await expect(visitor.page.get_by_role("menuitem", name="Copy text")).to_be_visible()
    await expect(visitor.page.get_by_role("menuitem", name="Delete message")).to_have_count(0)
    await visitor.page.keyboard.press("Escape")
    await visitor.become("moderator")
    await visitor.menu(visitor.last, "Delete message")

    await expect(visitor.messages).to_have_count(0)


async def test_an_unknown_command_is_not_sent_as_a_message(visitor: Visitor) -> None:
    await visitor.composer.fill("/nonsense")
    await visitor.composer.press("Enter")

    await expect(visitor.page.get_by_role("status").first).to_contain_text("There is no command /nonsense here")
    await expect(visitor.messages).to_have_count(0)
