"""When and how often an interaction may be answered, spoken over plain HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from playground.state.interactions import (
    CHOICES,
    COMMAND,
    DEFERRED_MESSAGE,
    MESSAGE,
    MODAL,
    UPDATE,
    Interaction,
)
from playground.state.limits import ACK_SECONDS, TOKEN_SECONDS
from tests.loopback import Fault, LoopbackDiscord
from tests.loopback.schemas import Schemas

HELLO: dict[str, Any] = {"type": MESSAGE, "data": {"content": "hello"}}
PROMISE = {"type": DEFERRED_MESSAGE}


class Caller:
    """A bot that speaks HTTP without discord.py between."""

    def __init__(self, discord: LoopbackDiscord, session: aiohttp.ClientSession) -> None:
        self._discord = discord
        self._session = session
        self.headers: dict[str, str] = {}

    async def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bot {token or self._discord.token}"}
        async with self._session.request(method, self._discord.api_url + path, json=body, headers=headers) as response:
            self.headers = dict(response.headers)
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else await response.text()

    async def answer(self, interaction: Interaction, body: Any) -> tuple[int, Any]:
        return await self.call("POST", f"/interactions/{interaction.id}/{interaction.token}/callback", body)

    def webhook(self, interaction: Interaction, rest: str = "") -> str:
        return f"/webhooks/{self._discord.bot.id}/{interaction.token}{rest}"


@pytest.fixture
async def caller(discord: LoopbackDiscord) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(discord, session)


@pytest.fixture
async def interaction(discord: LoopbackDiscord) -> Interaction:
    discord.commands.register([{"name": "test", "description": "test", "type": 1}], None)
    return await discord.slash("test")


def code(answer: tuple[int, Any]) -> tuple[int, int]:
    return answer[0], answer[1]["code"]


async def test_the_first_answer_counts_and_a_second_is_refused(caller: Caller, interaction: Interaction) -> None:
    assert await caller.answer(interaction, HELLO) == (204, "")
    assert code(await caller.answer(interaction, HELLO)) == (400, 40060)
    assert interaction.original is not None
    assert interaction.original.content == "hello"


async def test_an_answer_after_three_seconds_finds_nothing(
    discord: LoopbackDiscord, caller: Caller, interaction: Interaction
) -> None:
    discord.clock.advance(ACK_SECONDS + 0.1)

    assert code(await caller.answer(interaction, HELLO)) == (404, 10062)
    assert interaction.acked is None


async def test_the_token_dies_after_fifteen_minutes(
    discord: LoopbackDiscord, caller: Caller, interaction: Interaction
) -> None:
    await caller.answer(interaction, PROMISE)
    discord.clock.advance(TOKEN_SECONDS - 5)
    edit = caller.webhook(interaction, "/messages/@original")
    alive = await caller.call("PATCH", edit, {"content": "in time"})
    discord.clock.advance(10)

    assert alive[0] == 200
    assert code(await caller.call("PATCH", edit, {"content": "late"})) == (401, 50027)
    assert code(await caller.call("POST", caller.webhook(interaction), {"content": "late"})) == (401, 50027)


async def test_a_token_may_die_on_demand(discord: LoopbackDiscord, caller: Caller, interaction: Interaction) -> None:
    await caller.answer(interaction, PROMISE)
    discord.faults.add("PATCH", "/messages/@original", Fault.EXPIRED_TOKEN)

    edit = caller.webhook(interaction, "/messages/@original")
    assert code(await caller.call("PATCH", edit, {"content": "x"})) == (401, 50027)
    assert (await caller.call("PATCH", edit, {"content": "x"}))[0] == 200


async def test_a_refused_answer_leaves_the_interaction_open(
    discord: LoopbackDiscord, caller: Caller, interaction: Interaction
) -> None:
    too_long = {"type": MESSAGE, "data": {"content": "x" * 2001}}

    refused = await caller.answer(interaction, too_long)

    assert code(refused) == (400, 50035)
    discord.schemas.forgive_requests()
    assert refused[1]["errors"]["content"]["_errors"][0]["message"] == "Must be 2000 or fewer in length."
    assert await caller.answer(interaction, HELLO) == (204, "")


@pytest.mark.parametrize("kind", [UPDATE, CHOICES, 1, 99])
async def test_a_command_takes_only_the_answers_that_fit(
    discord: LoopbackDiscord, caller: Caller, interaction: Interaction, kind: int
) -> None:
    assert interaction.kind == COMMAND
    answer = await caller.answer(interaction, {"type": kind, "data": {"choices": []}})

    discord.schemas.forgive_requests()
    assert answer[0] == 400
    assert interaction.acked is None


async def test_a_modal_too_large_is_refused(discord: LoopbackDiscord, caller: Caller, interaction: Interaction) -> None:
    field = {"type": 18, "label": "Field", "component": {"type": 4, "custom_id": "a", "style": 1}}
    many = [{**field, "component": {"type": 4, "custom_id": str(n), "style": 1}} for n in range(6)]

    for components in ([], many, [field, field]):
        data = {"custom_id": "m", "title": "Title", "components": components}
        assert (await caller.answer(interaction, {"type": MODAL, "data": data}))[0] == 400
    discord.schemas.forgive_requests()
    data = {"custom_id": "m", "title": "Title", "components": [field]}
    assert (await caller.answer(interaction, {"type": MODAL, "data": data}))[0] == 204


async def test_the_first_follow_up_keeps_the_promise_and_its_openness(
    discord: LoopbackDiscord, caller: Caller, interaction: Interaction
) -> None:
    await caller.answer(interaction, PROMISE)

    await caller.call("POST", caller.webhook(interaction), {"content": "public after all", "flags": 64})
    await caller.call("POST", caller.webhook(interaction), {"content": "private", "flags": 64})

    assert [each.content for each in discord.general.messages.values()] == ["public after all", "private"]
    assert [each.ephemeral for each in discord.general.messages.values()] == [False, True]


async def test_the_callback_tells_of_the_message_where_it_is_asked_to(caller: Caller, interaction: Interaction) -> None:
    path = f"/interactions/{interaction.id}/{interaction.token}/callback?with_response=1"

    status, body = await caller.call("POST", path, PROMISE)

    assert status == 200
    assert body["interaction"]["response_message_loading"] is True
    assert body["resource"]["message"]["flags"] == 128


async def test_nobody_without_the_token_is_let_in(
    discord: LoopbackDiscord, caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    real_looking = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"  # made up

    assert (await caller.call("GET", "/users/@me", token="wrong"))[0] == 401
    assert (await caller.call("GET", "/users/@me", token=real_looking))[0] == 401
    assert "real-looking bot token" in caplog.text
    assert real_looking not in caplog.text
    assert (await caller.call("GET", "/users/@me"))[0] == 200
    assert discord.errors == []


async def test_an_unknown_route_is_refused_and_remembered(discord: LoopbackDiscord, caller: Caller) -> None:
    status, body = await caller.call("GET", "/guilds/1/audit-logs")

    assert (status, body["message"][:5]) == (404, "404: ")
    assert discord.errors == ["GET /api/v10/guilds/1/audit-logs is not a route that the playground knows"]
    discord.forget_errors()


async def test_rate_limits_are_told_by_headers_then_by_429(discord: LoopbackDiscord, caller: Caller) -> None:
    path = f"/channels/{discord.general.id}/messages"
    left = []
    for number in range(5):
        assert (await caller.call("POST", path, {"content": str(number)}))[0] == 200
        left.append(caller.headers["X-RateLimit-Remaining"])

    status, body = await caller.call("POST", path, {"content": "6"})

    assert left == ["4", "3", "2", "1", "0"]
    assert status == 429
    assert 3 < body["retry_after"] <= 5
    assert caller.headers["Via"]
    assert caller.headers["X-RateLimit-Bucket"] == "messages-post"
    private = discord.direct_messages(discord.people["member"].id)
    assert (await caller.call("POST", f"/channels/{private.id}/messages", {"content": "x"}))[0] == 200


async def test_more_than_fifty_requests_in_a_second_are_too_many_anywhere(
    discord: LoopbackDiscord, caller: Caller
) -> None:
    answers = [await caller.call("GET", f"/users/{discord.bot.id}") for _ in range(51)]

    assert [status for status, _ in answers[:50]] == [200] * 50
    assert answers[50][0] == 429
    assert answers[50][1]["global"] is True


async def test_files_are_served_by_signed_addresses_for_a_day(discord: LoopbackDiscord, caller: Caller) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", '{"content": "a file"}', content_type="application/json")
    form.add_field("files[0]", b"hello", filename="a b.txt", content_type="application/octet-stream")
    headers = {"Authorization": f"Bot {discord.token}"}
    url = f"{discord.api_url}/channels/{discord.general.id}/messages"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=form, headers=headers) as response:
            (file,) = (await response.json())["attachments"]
        async with session.get(file["url"]) as response:
            assert (response.status, response.content_type, await response.read()) == (200, "text/plain", b"hello")
        for wrong in (file["url"].split("?")[0], file["url"].replace("&hm=", "&hm=0")):
            async with session.get(wrong) as response:
                assert response.status == 404
        discord.clock.advance(25 * 3600)
        async with session.get(file["url"]) as response:
            assert response.status == 404


def test_discords_descriptions_are_there() -> None:
    if not Schemas.available():
        pytest.skip(Schemas.summary())
