"""The page's half of the playground: the key, the socket, and what people do through it."""

import itertools
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from playground.page_api import DIST
from tests.fakes import png
from tests.loopback import LoopbackDiscord
from tests.scripted import ScriptedBot, running


class Page:
    """A browser's half of the conversation, for one person."""

    def __init__(self, discord: LoopbackDiscord, session: aiohttp.ClientSession, person: str) -> None:
        self._discord = discord
        self._session = session
        self._query = {"person": person}
        self.hello: dict[str, Any] = {}

    async def open(self) -> "Page":
        await self._session.get(self._discord.page_url)
        self._socket = await self._session.ws_connect(f"{self._discord.world.url}/page/socket", params=self._query)
        self.hello = await self._socket.receive_json()
        return self

    async def next(self, kind: str) -> Any:
        """Returns the next push of a kind."""
        while True:
            news = await self._socket.receive_json(timeout=10)
            if news["type"] == kind:
                return news

    async def get(self, path: str, **query: str) -> Any:
        url = f"{self._discord.world.url}/page/{path}"
        async with self._session.get(url, params={**self._query, **query}) as response:
            return await response.json()

    async def post(self, path: str, body: dict[str, Any], *files: bytes) -> tuple[int, Any]:
        url = f"{self._discord.world.url}/page/{path}"
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("payload_json", json.dumps(body))
        for number, data in enumerate(files):
            form.add_field(f"files[{number}]", data, filename=f"{number}.png", content_type="image/png")
        sent: dict[str, Any] = {"data": form} if files else {"json": body}
        async with self._session.post(url, params=self._query, **sent) as response:
            return response.status, await response.json()

    def command(self, name: str) -> str:
        return next(str(each["id"]) for each in self.hello["commands"] if each["name"] == name)

    def channel(self, name: str) -> str:
        return next(str(each["id"]) for each in self.hello["channels"] if each["name"] == name)


def browser() -> aiohttp.ClientSession:
    """Returns what keeps cookies of 127.0.0.1, as a browser does."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with browser() as session:
        yield session


@pytest.fixture
async def bot(discord: LoopbackDiscord) -> AsyncIterator[ScriptedBot]:
    async with running(ScriptedBot(), discord.api_url, discord.token) as scripted:
        yield scripted


@pytest.fixture
async def page(discord: LoopbackDiscord, session: aiohttp.ClientSession, bot: ScriptedBot) -> Page:
    return await Page(discord, session, "member").open()


@pytest.fixture
async def other(discord: LoopbackDiscord, session: aiohttp.ClientSession, page: Page) -> Page:
    return await Page(discord, session, "moderator").open()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        *itertools.product(["/", "/page/assets/main.js", "/page/socket", "/page/messages"], [None, "wrong"]),
        *itertools.product(["/page/assets/main.js", "/page/socket", "/page/messages"], ["right"]),
    ],
)
async def test_without_the_cookie_nobody_comes_in(
    discord: LoopbackDiscord, session: aiohttp.ClientSession, path: str, key: str | None
) -> None:
    query = {None: {}, "wrong": {"key": "wrong"}, "right": {"key": discord.door.printed}}[key]
    async with session.get(discord.world.url + path, params=query) as response:
        assert response.status == 403
        assert discord.door.printed not in await response.text()


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Host": "evil.example:8188"}, {"Origin": "http://evil.example"}, {"Origin": "null"}],
)
async def test_other_sites_and_other_names_are_kept_out(
    discord: LoopbackDiscord, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    for url in (discord.page_url, f"{discord.world.url}/page/socket", discord.api_url + "/gateway"):
        async with session.get(url, headers=headers) as response:
            assert response.status == 403


@pytest.mark.skipif(not DIST.is_dir(), reason="the page is not built")
async def test_the_address_gives_a_cookie_that_opens_the_page_and_the_rest(discord: LoopbackDiscord) -> None:
    async with browser() as visitor:
        async with visitor.get(discord.page_url) as response:
            assert (response.status, response.content_type) == (200, "text/html")
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
            assert response.url.query_string == ""
            ((name, cookie),) = response.history[0].cookies.items()
            assert (cookie["httponly"], cookie["samesite"]) == (True, "Strict")
            assert re.fullmatch("playground-[0-9a-f]{16}", name)
        for name, status in (("main.js", 200), ("nothing.js", 404), ("../../server.py", 404)):
            async with visitor.get(f"{discord.world.url}/page/assets/{name}") as response:
                assert response.status == status


async def test_an_address_works_once_and_the_next_one_is_there_then(discord: LoopbackDiscord) -> None:
    told: list[str] = []
    discord.door.on_used = lambda: told.append(discord.page_url)
    address = discord.page_url

    async with browser() as first, browser() as thief:
        async with first.get(address) as response:
            assert response.status == 200
        async with thief.get(address) as response:
            assert (response.status, "prints a new address" in await response.text()) == (403, True)
        async with first.get(address) as response:  # from its history: it is known by its cookie
            assert (response.status, response.url.query_string) == (200, "")
        async with thief.get(told[0]) as response:
            assert response.status == 200

    assert len(told) == 2
    assert len({address, *told}) == 3


async def test_a_further_address_leaves_the_printed_one_as_it_is(discord: LoopbackDiscord) -> None:
    printed = discord.page_url

    async with browser() as opened, browser() as typed:
        for each, address in ((opened, discord.further_url()), (typed, printed)):
            async with each.get(address) as response:
                assert response.status == 200


async def test_hello_says_who_and_where_and_what(discord: LoopbackDiscord, page: Page, other: Page) -> None:
    assert page.hello["me"]["key"] == "member"
    assert [each["key"] for each in page.hello["people"]] == ["owner", "moderator", "member", "stranger"]
    assert [each["name"] for each in page.hello["channels"]] == ["general", "after-dark", "gallery", "Easel"]
    assert page.hello["online"] is True
    assert "secret" not in {each["name"] for each in page.hello["commands"]}
    (secret,) = [each for each in other.hello["commands"] if each["name"] == "secret"]
    assert secret["channels"] == [str(each.id) for each in (discord.general, discord.nsfw, discord.gallery)]
    (adults,) = [each for each in page.hello["commands"] if each["name"] == "adults"]
    assert adults["channels"] == [str(discord.nsfw.id), page.channel("Easel")]


async def test_a_command_with_a_file_is_answered_in_the_channel(page: Page, other: Page) -> None:
    body = {
        "channel": page.channel("general"), "command": page.command("everything"),
        "options": {"text": "hello", "file": 0},
    }  # fmt: skip

    status, begun = await page.post("command", body, png(6, 3))
    acknowledged = await page.next("acknowledged")
    message = (await page.next("message"))["message"]
    seen = (await other.next("message"))["message"]

    assert status == 200
    assert acknowledged["interaction_id"] == begun["interaction_id"]
    assert message["content"].startswith("hello|0.png image/png 6x3")
    assert (message["interaction_name"], message["interaction_user"]["username"]) == ("everything", "member")
    assert (message["deletable"], seen["deletable"]) == (False, True)


async def test_a_refusal_names_the_option(page: Page) -> None:
    body = {"channel": page.channel("general"), "command": page.command("everything"), "options": {"text": "x"}}

    status, answer = await page.post("command", body)

    assert status == 400
    assert answer == {"error": "Discord's client would not let text be 'x': 2 to 10", "field": "text"}


@pytest.mark.parametrize("body", [{}, {"channel": "1"}, {"channel": "x", "command": "y"}])
async def test_nonsense_is_refused_in_words(page: Page, body: dict[str, str]) -> None:
    status, answer = await page.post("command", body)

    assert status == 400
    assert answer["error"]


async def test_suggestions(page: Page) -> None:
    body = {"channel": page.channel("general"), "command": page.command("complete"), "options": {"fruit": "p"}}

    assert await page.post("autocomplete", {**body, "focused": "fruit"}) == (
        200, {"choices": [{"name": "Apple", "value": "apple"}, {"name": "Pear", "value": "pear"}]}
    )  # fmt: skip
    assert (await page.post("autocomplete", {**body, "focused": "size"}))[0] == 400


async def test_what_only_i_see_only_i_see_and_can_dismiss(page: Page, other: Page) -> None:
    general = page.channel("general")
    body = {"channel": general, "command": page.command("complete"), "options": {"fruit": "apple"}}
    await page.post("command", body)
    message = (await page.next("message"))["message"]

    mine, theirs = await page.get("messages", channel=general), await other.get("messages", channel=general)
    refused = await other.post("delete", {"channel": general, "message": message["id"]})
    dismissed = await page.post("delete", {"channel": general, "message": message["id"]})

    assert (message["content"], message["flags"] & 64) == ("apple any", 64)
    assert ([each["id"] for each in mine["messages"]], theirs["messages"]) == ([message["id"]], [])
    assert (refused[0], dismissed) == (400, (200, {}))
    assert (await page.next("message_delete"))["message_id"] == message["id"]


async def test_a_modal_is_pushed_and_sent_in(page: Page) -> None:
    await page.post("command", {"channel": page.channel("general"), "command": page.command("form"), "options": {}})
    modal = await page.next("modal")
    values = {"words": "some words", "colour": ["Red"], "size": "Small", "files": [0]}

    refused = await page.post("modal", {"interaction": modal["interaction_id"], "values": {}})
    status, _ = await page.post("modal", {"interaction": modal["interaction_id"], "values": values}, png(2, 2))

    assert (modal["title"], [each["type"] for each in modal["components"]]) == ("Everything", [10, 18, 18, 18, 18])
    assert refused == (400, {"error": "This is required.", "field": "words"})
    assert status == 200
    message = (await page.next("message"))["message"]
    assert message["content"] == "some words ['Red'] Small"
    assert message["attachments"][0]["url"].startswith("/attachments/")


async def test_buttons_and_menus(page: Page) -> None:
    general = page.channel("general")
    await page.post("command", {"channel": general, "command": page.command("buttons"), "options": {}})
    message = (await page.next("message"))["message"]
    button = message["components"][0]["components"][0]["custom_id"]

    pressed = await page.post("component", {"channel": general, "message": message["id"], "custom_id": button})
    updated = (await page.next("message_update"))["message"]
    described = await page.post(
        "context", {"channel": general, "command": page.command("Describe"), "target": message["id"]}
    )

    assert (pressed[0], described[0]) == (200, 200)
    assert (updated["content"], updated["edited_timestamp"] is not None) == ("pressed 1", True)
    assert (await page.next("message"))["message"]["content"] == "Easel: pressed 1"


async def test_a_bot_that_says_nothing_is_told_of_after_three_seconds(page: Page) -> None:
    body = {"channel": page.channel("general"), "command": page.command("late"), "options": {}}

    _, begun = await page.post("command", body)

    failed = await page.next("interaction_failed")
    assert failed["interaction_id"] == begun["interaction_id"]
    assert failed["text"] == "The bot did not answer within 3 seconds."


async def test_messages_and_reactions_travel_between_people(
    discord: LoopbackDiscord, bot: ScriptedBot, page: Page, other: Page
) -> None:
    general = page.channel("general")

    _, written = await page.post("message", {"channel": general, "content": "look"}, png(3, 3))
    place = {"channel": general, "message": written["message"]["id"]}
    await other.post("reaction", {**place, "emoji": "⭐", "add": True})
    await page.post("reaction", {**place, "emoji": "⭐", "add": True})
    await page.next("reactions")
    reactions = await page.next("reactions")
    reactors = await page.get("reactors", **place, emoji="⭐")

    assert written["message"]["author"]["username"] == "member"
    assert reactions["reactions"] == [{"emoji": "⭐", "count": 2, "me": True}]
    assert [each["username"] for each in reactors["users"]] == ["moderator", "member"]
    await discord.wait_until(lambda: len(bot.texts("reaction")) == 2)
    assert bot.texts("reaction") == [("guild", "⭐", "moderator"), ("guild", "⭐", "member")]
    assert (await other.post("delete", place)) == (200, {})
    assert (await page.next("message_delete"))["message_id"] == place["message"]


async def test_nobody_reads_anothers_direct_messages(discord: LoopbackDiscord, page: Page, other: Page) -> None:
    await page.post("message", {"channel": page.channel("Easel"), "content": "between us"})

    assert (await page.next("message"))["message"]["content"] == "between us"
    assert (await other.get("messages", channel=page.channel("Easel")))["error"] == "You do not see this channel."
    assert [each["messages"] for each in [await other.get("messages", channel=other.channel("Easel"))]] == [[]]


async def test_history_comes_in_pages(discord: LoopbackDiscord, page: Page) -> None:
    for number in range(7):
        discord.write(str(number))
    general = page.channel("general")

    newest = (await page.get("messages", channel=general, limit="3"))["messages"]
    before = (await page.get("messages", channel=general, limit="3", before=newest[0]["id"]))["messages"]

    assert [each["content"] for each in (*before, *newest)] == ["1", "2", "3", "4", "5", "6"]


async def test_the_page_is_told_when_the_bot_goes_and_comes(discord: LoopbackDiscord, page: Page) -> None:
    discord.gateway.drop()

    assert (await page.next("online"))["online"] is False
    assert (await page.next("online"))["online"] is True
