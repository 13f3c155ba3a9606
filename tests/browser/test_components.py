"""Buttons, selects, modals, layouts and context menus from a browser, with the scripted bot."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tests.loopback import LoopbackDiscord

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("scripted")]


async def test_a_button_edits_its_message(visitor: Visitor) -> None:
    await visitor.use("/buttons")

    await visitor.press("Edit")

    await visitor.see("Edited by member.")


async def test_a_private_answer_is_seen_by_one_person_until_dismissed(visitor: Visitor) -> None:
    await visitor.use("/buttons")
    await visitor.press("Whisper")
    await visitor.see("Only for you.")

    await visitor.become("owner")
    await expect(visitor.messages).to_have_count(1)
    await visitor.become("member")
    await visitor.see("Only for you.")
    await visitor.press("Dismiss")

    await expect(visitor.messages).to_have_count(1)


async def test_a_press_without_an_answer_is_reported_under_the_message(visitor: Visitor) -> None:
    await visitor.use("/buttons")
    silent = visitor.last.get_by_role("button", name="Silence")

    await silent.click()

    await expect(silent).to_have_attribute("aria-busy", "true")
    await expect(visitor.last.get_by_role("alert")).to_contain_text("did not answer within 3 seconds")
    await expect(silent).to_have_attribute("aria-busy", "false")


async def test_a_command_without_an_answer_is_reported_in_the_channel(visitor: Visitor) -> None:
    await visitor.use("/silence")

    await expect(visitor.page.get_by_role("alert")).to_contain_text("/silence: The bot did not answer")
    await visitor.page.get_by_role("button", name="Dismiss").click()
    await expect(visitor.page.get_by_role("alert")).to_have_count(0)


async def test_a_disabled_button_cannot_be_pressed(visitor: Visitor) -> None:
    await visitor.use("/buttons")

    await expect(visitor.last.get_by_role("button", name="Sold out")).to_be_disabled()


async def test_selects_of_texts_people_and_channels(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.use("/choices")

    await visitor.press("One colour")
    await page.get_by_role("option", name="Blue").click()
    await visitor.see("Colour: blue")
    await visitor.press("Some sizes")
    await page.get_by_role("option", name="S").click()
    await page.get_by_role("option", name="L").click()
    await expect(page.get_by_role("option", name="M")).to_have_attribute("aria-selected", "false")
    await page.get_by_role("button", name="Done").click()
    await visitor.see("Sizes: L, S")
    await visitor.press("Somebody")
    await page.get_by_label("Find in Somebody").fill("strang")
    await page.get_by_role("option", name="stranger").click()
    await visitor.see("Person: stranger")
    await visitor.press("Somewhere")
    await page.get_by_role("option", name="#general").click()
    await visitor.see("Channel: general")


async def test_a_modal_is_filled_in_and_sent_with_its_files(visitor: Visitor, tmp_path: Path) -> None:
    picture = tmp_path / "fox.png"
    picture.write_bytes(PIXEL)
    page = visitor.page
    await visitor.use("/form")
    modal = page.get_by_role("dialog", name="Paint order")

    await modal.get_by_label("Title").fill("Fox in snow")
    await modal.get_by_label("Oil").check()
    await modal.get_by_label("Frame").check()
    await modal.get_by_role("button", name="Model").click()
    await page.get_by_role("option", name="Large").click()
    await modal.get_by_label("Reference").set_input_files(picture)
    await expect(modal.get_by_label("Attached files")).to_contain_text("fox.png")
    await modal.get_by_role("button", name="Submit").click()

    await expect(modal).to_have_count(0)
    await visitor.see("Fox in snow · oil · frame · Large")
    assert await visitor.picture_sizes(visitor.last) == [1]


async def test_a_modal_says_what_is_missing_and_escape_closes_it(visitor: Visitor) -> None:
    await visitor.use("/form")
    modal = visitor.page.get_by_role("dialog", name="Paint order")

    await modal.get_by_role("button", name="Submit").click()

    await expect(modal.get_by_role("alert")).to_have_text(["Needed", "Choose one", "Needed"])
    await visitor.page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)


async def test_a_button_opens_a_modal(visitor: Visitor) -> None:
    await visitor.use("/buttons")

    await visitor.press("Form")

    await expect(visitor.page.get_by_role("dialog", name="Paint order")).to_be_visible()


async def test_layouts_show_texts_pictures_and_buttons(visitor: Visitor) -> None:
    await visitor.use("/layout")

    assert await visitor.picture_sizes(visitor.last) == [480] * 3
    await expect(visitor.last.get_by_role("heading", name="Three colours")).to_be_visible()
    await expect(visitor.last.get_by_role("link", name="Website")).to_have_attribute("href", "https://example.org/")
    await visitor.press("Like")
    await visitor.see("Thank you!")


async def test_an_embed_shows_its_parts(visitor: Visitor) -> None:
    await visitor.use("/embed")

    for text in ("the author", "A card", "with bold words", "Steps", "20", "Notes", "the foot"):
        await visitor.see(text)
    assert await visitor.picture_sizes(visitor.last) == [480]


async def test_every_type_of_option(visitor: Visitor, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(PIXEL)
    keyboard = visitor.page.keyboard
    await visitor.start("/options")

    await keyboard.type("sm")
    await keyboard.press("Tab")
    await keyboard.type("ap")
    await expect(visitor.page.get_by_role("option")).to_have_text(["apple", "apricot"])
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    for option, typed in (("steps", "20"), ("strength", "0.5"), ("sharp", "tr"), ("friend", "own"), ("place", "gen")):
        await visitor.add(option, typed)
        await keyboard.press("Tab")
    adding = visitor.page.get_by_role("combobox", name="Add an option")
    await adding.press_sequentially("image")
    await keyboard.press("Tab")
    await visitor.page.get_by_label("File for image").set_input_files(picture)
    await visitor.page.get_by_role("button", name="Send command").click()

    await visitor.see("small · apricot · 20 · 0.5 · True · owner · general")
    assert await visitor.picture_sizes(visitor.last) == [1]


async def test_subcommands_are_completed_like_commands(visitor: Visitor) -> None:
    await visitor.use("/shelf save", "portrait")

    await visitor.see("Saved portrait.")
    await expect(visitor.last).to_contain_text("member used /shelf")


async def test_commands_are_offered_to_those_who_may_use_them(visitor: Visitor) -> None:
    await visitor.composer.fill("/clear")
    await expect(visitor.page.get_by_role("option")).to_have_count(0)

    await visitor.become("moderator")
    await visitor.use("/clear")

    await visitor.see("Cleared.")


async def test_a_menu_command_on_a_message(visitor: Visitor) -> None:
    await visitor.composer.fill("a fine day")
    await visitor.composer.press("Enter")
    await visitor.see("a fine day")

    await visitor.menu(visitor.last, "Describe")

    await visitor.see("It says: a fine day")


async def test_a_menu_command_on_a_person(visitor: Visitor) -> None:
    await visitor.page.get_by_role("radio", name="owner").click(button="right")

    await visitor.page.get_by_role("menuitem", name="Greet").click()

    await visitor.see("Hello @owner")


async def test_a_star_brings_a_direct_message(visitor: Visitor, discord: LoopbackDiscord) -> None:
    await visitor.composer.fill("look at this")
    await visitor.composer.press("Enter")
    await visitor.see("look at this")

    await visitor.menu(visitor.last, "Add a reaction")
    await visitor.page.get_by_role("button", name=re.compile("star")).click()

    await expect(visitor.page.get_by_role("img", name="unread")).to_be_visible()
    await visitor.open("Easel")
    await visitor.see("You starred a message.")
    await expect(visitor.page.get_by_role("img", name="unread")).to_have_count(0)


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c636060600000000400012734270a0000000049454e44ae426082"
)
