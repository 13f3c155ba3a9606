"""A person in front of the page, who reads it by its labels and mostly uses the keyboard."""

import re
from pathlib import Path
from typing import Self

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, expect

DESKTOP, PHONE = (1280, 800), (390, 844)
EXPECTED = re.compile(r"Failed to load resource|WebSocket connection to")  # the page says these in words


class Visitor:
    """One tab with the page in it.

    Attributes:
        page: The tab.
        troubles: Script errors, refused resources and requests to anywhere else: there should be none.
    """

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.troubles: list[str] = []

    @classmethod
    async def come(cls, browser: Browser, url: str, size: tuple[int, int] = DESKTOP, scheme: str = "dark") -> Self:
        """Opens the page in a tab of its own."""
        width, height = size
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="light" if scheme == "light" else "dark",
            locale="en-GB",
            has_touch=size == PHONE,
            reduced_motion="reduce",
        )
        visitor = cls(context, await context.new_page())
        visitor._watch(url.split("/?", maxsplit=1)[0])
        await visitor.page.goto(url)
        return visitor

    def _watch(self, origin: str) -> None:
        def note_line(line: ConsoleMessage) -> None:
            if line.type == "error" and not EXPECTED.search(line.text):
                self.troubles.append(line.text)

        def note_request(request: Request) -> None:
            if not request.url.startswith(origin):
                self.troubles.append(request.url)

        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", note_line)
        self.page.on("request", note_request)

    @property
    def composer(self) -> Locator:
        """Where one writes messages and begins commands."""
        return self.page.locator(".text-box textarea")

    @property
    def messages(self) -> Locator:
        """All messages of the open channel."""
        return self.page.locator("article.message")

    @property
    def last(self) -> Locator:
        """The newest message."""
        return self.messages.last

    async def say(self, text: str) -> None:
        """Writes a message and waits until it is there."""
        await self.composer.fill(text)
        await self.composer.press("Enter")
        await self.see(text)

    async def start(self, command: str) -> None:
        """Types a command's name and takes it from the list with Tab."""
        await self.composer.fill("")
        await self.composer.press_sequentially(command)
        await expect(self.page.get_by_role("option").first).to_contain_text(command)
        await self.page.keyboard.press("Tab")
        await expect(self.page.get_by_role("form", name=f"Command {command}")).to_be_visible()

    async def add(self, option: str, value: str = "") -> None:
        """Adds an option by its name, and types its value."""
        adding = self.page.get_by_role("combobox", name="Add an option")
        await adding.press_sequentially(f"{option}:")
        await expect(self.page.get_by_label(option, exact=True)).to_be_focused()
        await self.page.keyboard.type(value)

    async def use(self, command: str, *values: str) -> None:
        """Uses a command with values for its required options, by the keyboard alone."""
        await self.start(command)
        for value in values:
            await self.page.keyboard.type(value)
            await self.page.keyboard.press("Tab")
        await self.page.keyboard.press("Enter")
        await expect(self.composer).to_be_visible()

    async def become(self, person: str) -> None:
        """Goes on as somebody else."""
        await self.page.get_by_role("radio", name=person, exact=True).click()
        await expect(self.page.get_by_role("radio", name=person, exact=True)).to_be_checked()
        await expect(self.composer).to_be_visible()

    async def open(self, channel: str) -> None:
        """Opens a channel by its name."""
        await self.page.get_by_role("navigation").get_by_role("button", name=channel).click()

    async def see(self, text: str | re.Pattern[str]) -> None:
        """Waits until the newest message says something."""
        await expect(self.last).to_contain_text(text)

    async def press(self, label: str) -> None:
        """Presses a button of the newest message."""
        await self.last.get_by_role("button", name=label, exact=True).click()

    async def menu(self, message: Locator, entry: str) -> None:
        """Takes an entry of a message's menu."""
        await message.click(button="right", position={"x": 5, "y": 5})
        await self.page.get_by_role("menuitem", name=entry).click()

    async def picture_sizes(self, message: Locator) -> list[int]:
        """Returns how wide a message's pictures are, once they have been loaded."""
        pictures = message.locator(".picture img")
        await expect(pictures.first).to_be_visible()
        for each in await pictures.all():
            await expect(each).to_have_js_property("complete", value=True)
            await expect(each).not_to_have_js_property("naturalWidth", 0)
        sizes: list[int] = await pictures.evaluate_all("all => all.map(each => each.naturalWidth)")
        return sizes

    async def shoot(self, path: Path) -> None:
        """Takes a screenshot, with the pointer out of the way."""
        await self.page.mouse.move(0, 0)
        await self.page.screenshot(path=path)
