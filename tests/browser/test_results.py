"""What one does with results from a browser: pick, vary, re-roll, change, react."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.visitor import Visitor
from tests.fakes import FakeExecutor, picture, png
from tests.loopback import LoopbackDiscord

pytestmark = [
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("bot"),
]


async def four(visitor: Visitor) -> None:
    """Paints a grid of four."""
    await visitor.composer.fill("/imagine a cat count:4 seed:7")
    await visitor.page.get_by_role("button", name="Send command").click()
    assert await visitor.picture_sizes(visitor.last) == [33]


async def test_u1_posts_the_first_original_alone(visitor: Visitor) -> None:
    await four(visitor)

    await visitor.press("U1")

    await expect(visitor.messages).to_have_count(2)
    await visitor.see("a cat - Image #1 @member")
    await expect(visitor.last.locator(".excerpt")).to_have_text("a cat - @member")
    await expect(visitor.last.locator(".picture img")).to_have_js_property("naturalWidth", 16)
    await expect(visitor.last.get_by_role("button", name="Vary (Subtle)")).to_be_visible()


async def test_v2_paints_four_variations_of_the_second(visitor: Visitor, executor: FakeExecutor) -> None:
    await four(visitor)

    await visitor.press("V2")

    await expect(visitor.messages).to_have_count(2)
    await expect(visitor.last.get_by_role("button", name="V4")).to_be_visible()
    asked = executor.requests[1]
    assert (asked.seed, asked.count, asked.subseed_strength) == (8, 4, 0.4)


async def test_reroll_is_pressed_again_and_again(visitor: Visitor, executor: FakeExecutor) -> None:
    await four(visitor)
    grid = visitor.messages.first

    for number in (2, 3):
        await grid.get_by_role("button", name="🔄", exact=True).click()
        await expect(visitor.messages).to_have_count(number)
        await expect(visitor.last.get_by_role("button", name="U4")).to_be_visible()

    assert len({request.seed for request in executor.requests}) == 3


async def test_a_result_is_changed_in_a_form(visitor: Visitor, executor: FakeExecutor) -> None:
    await four(visitor)

    await visitor.press("✏️")
    form = visitor.page.get_by_role("dialog", name="Change and paint again")
    await expect(form.get_by_label("Prompt")).to_have_value("a cat")
    settings = form.get_by_label(re.compile("^Settings"))
    await expect(settings).to_have_value(re.compile("--steps 4 .*--seed 7 --count 4"))
    await form.get_by_label("Prompt").fill("a dog")
    await settings.fill("--steps 3 --seed 9")
    await form.get_by_role("button", name="Submit").click()

    await expect(form).to_have_count(0)
    await visitor.see("a dog - @member")
    await expect(visitor.last.locator(".picture")).to_have_count(1)
    asked = executor.requests[1]
    assert (asked.prompt, asked.steps, asked.seed, asked.count) == ("a dog", 3, 9, 1)


async def test_a_picture_is_uploaded_in_the_form(visitor: Visitor, executor: FakeExecutor, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(64, 48))
    await four(visitor)

    await visitor.press("✏️")
    form = visitor.page.get_by_role("dialog", name="Change and paint again")
    await form.get_by_label("Input picture").set_input_files(photo)
    await form.get_by_label(re.compile("^Strength")).fill("0.4")
    await form.get_by_role("button", name="Submit").click()

    await visitor.see("from an image, strength 0.4")
    assert executor.inputs[1] == {hashlib.sha256(photo.read_bytes()).hexdigest(): photo.read_bytes()}


async def test_a_picture_of_a_grid_is_used_as_input(visitor: Visitor, executor: FakeExecutor) -> None:
    await four(visitor)

    await visitor.menu(visitor.last, "Use as input")
    form = visitor.page.get_by_role("dialog", name="Use as input")
    await form.get_by_role("button", name="Picture").click()
    await visitor.page.get_by_role("option", name="Picture 3").click()
    await form.get_by_label("Prompt").fill("a dog")
    await form.get_by_role("button", name="Submit").click()

    await visitor.see("from an image, strength 0.6")
    assert list(executor.inputs[1].values()) == [picture(executor.requests[0].picture(2)).data]


async def test_many_jobs_wait_in_a_thread_that_one_opens(visitor: Visitor) -> None:
    await visitor.composer.fill("/imagine a {red, blue, green} {cat, dog}")
    await visitor.page.get_by_role("button", name="Send command").click()
    await visitor.press("Paint all 6")

    head = visitor.messages.filter(has_text="(6 jobs)")
    await head.get_by_role("button", name="Open thread").click()

    await expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("a {red, blue, green} {cat, dog}")
    await expect(visitor.messages).to_have_count(6)
    await visitor.open("general")
    await expect(head).to_be_visible()


async def test_a_mistake_in_the_form_is_explained_to_one_person(visitor: Visitor) -> None:
    await four(visitor)

    await visitor.press("✏️")
    form = visitor.page.get_by_role("dialog", name="Change and paint again")
    await form.get_by_label(re.compile("^Settings")).fill("--stesp 3")
    await form.get_by_role("button", name="Submit").click()

    await visitor.see("There is no flag --stesp. Did you mean --steps")
    await expect(visitor.last).to_contain_text("Only you can see this")


async def test_the_bots_own_die_is_pressed_and_rerolls(
    visitor: Visitor, executor: FakeExecutor, discord: LoopbackDiscord
) -> None:
    await four(visitor)
    await visitor.become("stranger")

    await visitor.last.get_by_role("button", name="🎲 1").click()

    await expect(visitor.messages).to_have_count(2)
    await visitor.see("a cat - @stranger")
    await expect(visitor.last.get_by_role("button", name="U4")).to_be_visible()
    assert executor.requests[1].seed != 7
    assert discord.letters("stranger") == []


async def test_the_recipe_is_shown_to_one_person_with_the_originals(visitor: Visitor) -> None:
    await four(visitor)

    await visitor.press("ℹ️")

    await visitor.see("/imagine prompt:a cat")
    assert await visitor.picture_sizes(visitor.last) == [16] * 4
    await visitor.become("stranger")
    await expect(visitor.messages).to_have_count(1)


async def test_a_result_is_deleted_by_its_owner_only(visitor: Visitor) -> None:
    await four(visitor)

    await visitor.become("stranger")
    await visitor.press("❌")
    await visitor.see("Only the person who asked for this, or a moderator, can delete it.")
    await visitor.become("member")
    await visitor.press("❌")

    await expect(visitor.messages).to_have_count(0)
