"""Takes the pictures of the playground that the documentation shows; the bundled starter model paints in them.

`python -m tests.browser.screenshots` takes a minute or two.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, expect
from pydantic import SecretStr

from bot.settings import Settings
from generation import Catalog
from generation.worker.local import LocalExecutor
from tests.browser import chromium
from tests.browser.showcase import ShowcaseBot
from tests.browser.visitor import PHONE, Visitor
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord
from tests.scripted import running as scripted_bot_running

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CAR = "a car on a green background"


@asynccontextmanager
async def painting(discord: LoopbackDiscord) -> AsyncIterator[None]:
    """Runs the real bot as a fresh install does: with the starter model."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        settings = Settings(discord_token=SecretStr(discord.token), discord_api_url=discord.api_url, data_dir=data)
        executor = LocalExecutor(settings, Catalog(settings.models_path, settings.model))
        async with running(discord, settings, executor):
            yield


async def conversation(browser: Browser) -> None:
    """One picture that was liked, one on its way; then the same conversation on a phone."""
    async with LoopbackDiscord() as discord, painting(discord):
        visitor = await Visitor.come(browser, discord.page_url, (1280, 1000))
        await visitor.page.get_by_role("radio", name="owner", exact=True).click()
        await visitor.say("Who paints me a car?")
        await visitor.become("member")
        await paint(visitor, f"{CAR} seed:7")
        await visitor.menu(visitor.last, "Add a reaction")
        await visitor.page.get_by_role("button", name="star favourite gallery").click()
        await visitor.become("owner")
        await visitor.last.get_by_role("button", name="⭐ 1").click()
        await visitor.composer.fill("/imagine a strawberry on a gray background width:256 height:256 steps:150 seed:3")
        await visitor.page.get_by_role("button", name="Send command").click()
        await visitor.become("member")
        await expect(visitor.last).to_contain_text("Cancel Job")
        await visitor.page.wait_for_timeout(4000)
        await visitor.shoot(IMAGES / "playground-dark.png")
        await painted(visitor)
        await visitor.context.close()

        phone = await Visitor.come(browser, discord.page_url, PHONE)
        await phone.picture_sizes(phone.last)
        await phone.shoot(IMAGES / "playground-phone.png")
        await phone.page.get_by_role("button", name="Channels and people").click()
        await phone.page.wait_for_timeout(500)
        await phone.shoot(IMAGES / "playground-phone-people.png")
        await phone.context.close()


async def completion(browser: Browser) -> None:
    """A grid of four, and a command being filled in."""
    async with LoopbackDiscord() as discord, painting(discord):
        visitor = await Visitor.come(browser, discord.page_url, scheme="light")
        await paint(visitor, f"{CAR} count:4 seed:11")
        await visitor.start("/imagine")
        await visitor.page.keyboard.type("a lighthouse at dusk")
        await visitor.page.keyboard.press("Tab")
        await visitor.add("steps", "24")
        await visitor.page.keyboard.press("Tab")
        await visitor.add("aspect", "3")
        await expect(visitor.page.get_by_role("option", name="3:2")).to_be_visible()
        await visitor.shoot(IMAGES / "playground-light.png")
        await visitor.context.close()


async def results(browser: Browser) -> None:
    """A grid with its buttons, one of its pictures picked, and the form behind ✏️."""
    async with LoopbackDiscord() as discord, painting(discord):
        visitor = await Visitor.come(browser, discord.page_url, (1280, 1000))
        await paint(visitor, f"{CAR} count:4 seed:11")
        await expect(visitor.last.get_by_role("button", name="🎲 1")).to_be_visible()
        await visitor.press("U2")
        await expect(visitor.messages).to_have_count(2)
        await expect(visitor.last.locator(".picture")).to_be_visible()
        await visitor.picture_sizes(visitor.last)
        await visitor.shoot(IMAGES / "playground-results.png")
        await visitor.messages.first.get_by_role("button", name="✏️").click()
        await expect(visitor.page.get_by_role("dialog", name="Change and paint again")).to_be_visible()
        await visitor.shoot(IMAGES / "playground-change.png")
        await visitor.context.close()


async def panels(browser: Browser) -> None:
    """What one keeps: the settings' panel, presets, a history; and the thread of a prompt with many choices."""
    async with LoopbackDiscord() as discord, painting(discord):
        visitor = await Visitor.come(browser, discord.page_url, (1280, 1000))
        await settings(visitor)
        await presets(visitor)
        await many(visitor)
        await visitor.open("general")
        await visitor.use("/history")
        await visitor.see("Your pictures")
        await visitor.last.scroll_into_view_if_needed()
        await visitor.shoot(IMAGES / "playground-history.png")
        await visitor.context.close()


async def settings(visitor: Visitor) -> None:
    """Chooses steps and an aspect in the panel, with the offers of one of them open."""
    await visitor.use("/settings")
    panel = visitor.last
    for field, value in (("Steps", "20"), ("Aspect", "1:1")):
        await panel.locator(".select").nth(0).click()
        await visitor.page.get_by_role("option", name=field, exact=True).click()
        await panel.locator(".select").nth(1).click()
        await visitor.page.get_by_role("option", name=value, exact=True).click()
        await expect(panel).to_contain_text(f"{field} {value}")
    await panel.get_by_role("button", name="Previews: on").click()
    await expect(panel).to_contain_text("Previews off")
    await visitor.shoot(IMAGES / "playground-settings.png")


async def presets(visitor: Visitor) -> None:
    """Saves two presets and lists all there are."""
    for name, option, value in (("gray", "template", "{prompt} on a gray background"), ("quick", "flags", "--steps 8")):
        await visitor.start("/preset save")
        await visitor.page.keyboard.type(name)
        await visitor.page.keyboard.press("Tab")
        await visitor.add(option, value)
        await visitor.page.keyboard.press("Enter")
        await visitor.see("Saved.")
    await visitor.use("/preset list")
    await visitor.see("quick")
    await visitor.shoot(IMAGES / "playground-presets.png")


async def many(visitor: Visitor) -> None:
    """Paints six pictures of one prompt and opens their thread."""
    await visitor.composer.fill("/imagine a {car, strawberry, fox} on a {green, gray} background --seed 5")
    await visitor.page.get_by_role("button", name="Send command").click()
    await visitor.press("Paint all 6")
    await visitor.page.get_by_role("button", name="Open thread").click()
    await expect(visitor.messages.get_by_role("button", name="✏️")).to_have_count(6, timeout=300_000)
    await visitor.picture_sizes(visitor.last)
    await visitor.shoot(IMAGES / "playground-thread.png")


async def region(browser: Browser) -> None:
    """The tools under one picture, the panel of its parts, and what was painted there."""
    async with LoopbackDiscord() as discord, painting(discord):
        visitor = await Visitor.come(browser, discord.page_url, (1280, 1000))
        await paint(visitor, f"{CAR} seed:11")
        await visitor.press("Vary (Region)")
        panel = visitor.messages.filter(has_text="Choose the parts that are painted anew")
        await visitor.picture_sizes(panel)
        await panel.locator(".select").click()
        await visitor.page.get_by_role("option", name="green").first.click()
        await visitor.page.get_by_role("button", name="Done").click()
        await expect(panel.get_by_role("button", name="Paint it anew")).to_be_enabled()
        await visitor.picture_sizes(panel)
        await panel.scroll_into_view_if_needed()
        await visitor.shoot(IMAGES / "playground-region.png")
        await panel.get_by_role("button", name="Paint it anew").click()
        form = visitor.page.get_by_role("dialog", name="Paint the parts anew")
        await form.get_by_label("What is painted there").fill("a car on a blue background")
        await form.get_by_role("button", name="Submit").click()
        await expect(visitor.last.get_by_role("button", name="U4")).to_be_visible(timeout=300_000)
        await visitor.picture_sizes(visitor.last)
        await visitor.shoot(IMAGES / "playground-region-result.png")
        await visitor.context.close()


async def form(browser: Browser) -> None:
    """A card of components, and a form over it, by the scripted bot."""
    async with LoopbackDiscord() as discord, scripted_bot_running(ShowcaseBot(), discord.api_url, discord.token):
        await discord.ready("card")
        visitor = await Visitor.come(browser, discord.page_url)
        await visitor.use("/card")
        await visitor.picture_sizes(visitor.last)
        await visitor.use("/order")
        modal = visitor.page.get_by_role("dialog", name="Paint order")
        await modal.get_by_label("Title").fill("Fox in snow")
        await modal.get_by_label("Oil").check()
        await modal.get_by_label("Frame").check()
        await visitor.shoot(IMAGES / "playground-form.png")
        await visitor.context.close()


async def paint(visitor: Visitor, typed: str) -> None:
    """Uses /imagine and waits for the pictures."""
    await visitor.composer.fill(f"/imagine {typed}")
    await visitor.page.get_by_role("button", name="Send command").click()
    await painted(visitor)


async def painted(visitor: Visitor) -> None:
    """Waits until the newest message is a result: a preview has no buttons but Cancel Job."""
    await expect(visitor.last.get_by_role("button", name="✏️")).to_be_visible(timeout=300_000)
    await visitor.picture_sizes(visitor.last)


async def main() -> None:
    """Takes all of them."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with chromium.browser() as browser:
        await conversation(browser)
        await completion(browser)
        await results(browser)
        await panels(browser)
        await region(browser)
        await form(browser)
    for path in sorted(IMAGES.glob("playground-*.png")):
        sys.stdout.write(f"{path} {path.stat().st_size // 1024} KB\n")


if __name__ == "__main__":
    asyncio.run(main())
