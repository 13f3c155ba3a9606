"""Buttons, selects, modals, layouts and context menus from a browser, with the scripted bot."""

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tests.fakes import png

pytestmark = [
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("scripted"),
]


async def test_a_button_edits_its_message(visitor: Visitor) -> None:
    await visitor.use("/buttons")

    await visitor.press("Count")

    await visitor.see("pressed 1")


async def test_a_private_answer_is_seen_by_one_person_until_dismissed(visitor: Visitor) -> None:
    await visitor.use("/buttons")
    await visitor.press("Later")
    await visitor.see("only you see this")

    await visitor.become("owner")
    await expect(visitor.messages).to_have_count(1)
    await visitor.become("member")
    await visitor.see("only you see this")
    await visitor.press("Dismiss")

    await expect(visitor.messages).to_have_count(1)
    await visitor.see("edited later")


async def test_a_press_without_an_answer_is_reported_under_the_message(visitor: Visitor) -> None:
    await visitor.use("/card")
    silent = visitor.last.get_by_role("button", name="Silence")

    await silent.click()

    await expect(silent).to_have_attribute("aria-busy", "true")
    await expect(visitor.last.get_by_role("alert")).to_contain_text("did not answer within 3 seconds")
    await expect(silent).to_have_attribute("aria-busy", "false")


async def test_a_command_without_an_answer_is_reported_in_the_channel(visitor: Visitor) -> None:
    await visitor.use("/late")

    await expect(visitor.page.get_by_role("alert")).to_contain_text("/late: The bot did not answer")
    await visitor.page.get_by_role("button", name="Dismiss").click()
    await expect(visitor.page.get_by_role("alert")).to_have_count(0)


async def test_a_disabled_button_cannot_be_pressed(visitor: Visitor) -> None:
    await visitor.use("/buttons")

    await expect(visitor.last.get_by_role("button", name="Off")).to_be_disabled()


async def test_selects_of_texts_people_channels_and_roles(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.use("/selects")
    selects = visitor.last.locator(".select")
    chooser = visitor.messages.first

    await selects.nth(0).click()
    await page.get_by_role("option", name="Red").click()
    await page.get_by_role("option", name="Blue").click()
    await expect(page.get_by_role("option", name="Green")).to_have_attribute("aria-selected", "false")
    await page.get_by_role("button", name="Done (2 of 1 to 2)").click()
    await visitor.see("red blue")
    await chooser.locator(".select").nth(1).click()
    await page.get_by_label("Find in").fill("strang")
    await expect(page.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await visitor.see("stranger")
    await chooser.locator(".select").nth(2).click()
    await page.get_by_role("option", name="#general").click()
    await visitor.see("general")
    await chooser.locator(".select").nth(3).click()
    await page.get_by_role("option", name="@everyone").click()
    await visitor.see("@everyone")


async def test_a_form_is_filled_in_and_sent_with_its_files(visitor: Visitor, tmp_path: Path) -> None:
    picture = tmp_path / "fox.png"
    picture.write_bytes(png(64, 48))
    page = visitor.page
    await visitor.use("/form")
    modal = page.get_by_role("dialog", name="Everything")

    await expect(modal).to_contain_text("Fill this in.")
    await modal.get_by_label("Words").fill("a fox")
    await modal.get_by_role("button", name="Colour").click()
    await page.get_by_role("option", name="Blue").click()
    await modal.get_by_label("Small").check()
    await modal.get_by_label("Files", exact=True).set_input_files(picture)
    await expect(modal.get_by_label("Attached files")).to_contain_text("fox.png")
    await modal.get_by_role("button", name="Submit").click()

    await expect(modal).to_have_count(0)
    await visitor.see("a fox ['Blue'] Small")
    assert await visitor.picture_sizes(visitor.last) == [64]


async def test_a_form_with_checkboxes_and_people(visitor: Visitor) -> None:
    page = visitor.page
    await visitor.use("/order")
    modal = page.get_by_role("dialog", name="Paint order")

    await modal.get_by_label("Title").fill("Fox")
    await modal.get_by_label("Oil").check()
    await modal.get_by_label("Frame").check()
    await modal.get_by_label("In a hurry").check()
    await modal.get_by_role("button", name="For whom").click()
    await page.get_by_role("option", name="owner").click()
    await modal.get_by_role("button", name="Submit").click()

    await visitor.see("Fox oil ['frame'] True ['owner']")


async def test_a_form_says_what_is_missing_and_escape_closes_it(visitor: Visitor) -> None:
    await visitor.use("/order")
    modal = visitor.page.get_by_role("dialog", name="Paint order")

    await modal.get_by_role("button", name="Submit").click()

    await expect(modal.get_by_role("alert")).to_have_text(["Needed", "Choose one"])
    await visitor.page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)


async def test_a_button_opens_a_form_that_edits_its_message(visitor: Visitor) -> None:
    await visitor.use("/buttons")
    await visitor.press("Ask")

    await visitor.page.get_by_label("Answer").fill("42")
    await visitor.page.keyboard.press("Enter")

    await visitor.see("answered 42")


async def test_layouts_show_texts_pictures_and_buttons(visitor: Visitor) -> None:
    await visitor.use("/card")

    assert await visitor.picture_sizes(visitor.last) == [480] * 3
    await expect(visitor.last.get_by_role("heading", name="Three colours")).to_be_visible()
    await expect(visitor.last.get_by_role("link", name="Website")).to_have_attribute("href", "https://example.org/")


async def test_a_hidden_picture_is_revealed_before_it_is_enlarged(visitor: Visitor) -> None:
    await visitor.use("/gallery")

    await visitor.press("Hidden picture: press to reveal")
    await expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    await visitor.press("Enlarge two.png")

    await expect(visitor.page.get_by_role("dialog")).to_be_visible()
    await visitor.page.get_by_role("dialog").get_by_role("button", name="Close").click()
    await visitor.press("Close")
    await visitor.see("closed")


async def test_an_embed_shows_its_parts(visitor: Visitor) -> None:
    await visitor.use("/embed")

    for text in ("A card", "with a picture", "size", "32x16", "the end"):
        await visitor.see(text)
    assert await visitor.picture_sizes(visitor.last) == [32]


async def test_several_files_are_a_grid_and_a_list(visitor: Visitor) -> None:
    await visitor.use("/pictures")

    assert await visitor.picture_sizes(visitor.last) == [480] * 4
    await expect(visitor.last.get_by_role("link", name="recipe.txt")).to_be_visible()


async def test_every_type_of_option(visitor: Visitor, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(png(64, 48))
    page, keyboard = visitor.page, visitor.page.keyboard
    typed = {"whole": "7", "real": "0.5", "truth": "tr", "person": "own", "channel": "gen", "role": "every"}
    await visitor.start("/everything")

    await keyboard.type("words")
    await keyboard.press("Tab")
    for option, value in {**typed, "anyone": "stran"}.items():
        await visitor.add(option, value)
        await keyboard.press("Tab")
    await page.get_by_role("combobox", name="Add an option").press_sequentially("fi")
    await keyboard.press("Tab")
    await page.get_by_label("File for file").set_input_files(picture)
    await page.get_by_role("button", name="Send command").click()

    await visitor.see("words|7|0.5|True|owner|general|@everyone|stranger|cat.png image/png 64x48")


async def test_suggestions_are_chosen_with_the_arrow_keys(visitor: Visitor) -> None:
    page, keyboard = visitor.page, visitor.page.keyboard
    await visitor.start("/complete")

    await keyboard.type("p")
    await expect(page.get_by_role("option")).to_have_text(["Apple", "Pear"])
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    await visitor.add("size", "la")
    await keyboard.press("Enter")
    await keyboard.press("Enter")

    await visitor.see("pear Large")


async def test_subcommands_are_completed_like_commands(visitor: Visitor) -> None:
    await visitor.use("/preset save", "portrait")

    await visitor.see("saved portrait")
    await expect(visitor.last).to_contain_text("member used /preset")


async def test_commands_are_offered_to_those_who_may_use_them(visitor: Visitor) -> None:
    await visitor.composer.fill("/secret")
    await expect(visitor.page.get_by_role("option")).to_have_count(0)

    await visitor.become("moderator")
    await visitor.use("/secret")

    await visitor.see("you may")


async def test_commands_for_adults_are_offered_in_their_channel(visitor: Visitor) -> None:
    await visitor.composer.fill("/adults")
    await expect(visitor.page.get_by_role("option")).to_have_count(0)

    await visitor.open("after-dark")
    await visitor.page.get_by_role("button", name="Show it").click()
    await visitor.use("/adults")

    await visitor.see("come in")


async def test_a_menu_command_on_a_message(visitor: Visitor) -> None:
    await visitor.say("a fine day")

    await visitor.menu(visitor.last, "Describe")

    await visitor.see("member: a fine day")


async def test_a_menu_command_on_a_person(visitor: Visitor) -> None:
    await visitor.page.get_by_role("radio", name="owner").click(button="right")

    await visitor.page.get_by_role("menuitem", name="Greet").click()

    await visitor.see("Hello owner")


async def test_a_star_brings_a_direct_message(visitor: Visitor) -> None:
    await visitor.say("look at this")

    await visitor.menu(visitor.last, "Add a reaction")
    await visitor.page.get_by_role("button", name=re.compile("star")).click()

    await expect(visitor.page.get_by_role("img", name="unread")).to_be_visible()
    await visitor.open("Easel")
    await visitor.see("You starred a message.")
    await expect(visitor.page.get_by_role("img", name="unread")).to_have_count(0)
