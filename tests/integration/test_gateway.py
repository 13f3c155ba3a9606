"""The gateway as real discord.py meets it: streams, lost connections, sessions."""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import zstandard
from discord import utils

from playground.events.gateway import KEPT_EVENTS, UNKNOWN_OPCODE, WRONG_TOKEN
from tests.loopback import LoopbackDiscord
from tests.scripted import ScriptedBot, running


@pytest.fixture
async def bot(discord: LoopbackDiscord) -> AsyncIterator[ScriptedBot]:
    async with running(ScriptedBot(), discord.api_url, discord.token) as scripted:
        yield scripted


class PlainZlib:
    """discord.py's other decompressor, which it does not even define where zstandard is installed."""

    COMPRESSION_TYPE = "zlib-stream"

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def decompress(self, data: bytes, /) -> str | None:
        return self._stream.decompress(data).decode()


@pytest.mark.parametrize("stream", ["zlib-stream", "zstd-stream"])
async def test_events_arrive_in_either_stream(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    if stream == "zlib-stream":
        monkeypatch.setattr(utils, "_ActiveDecompressionContext", PlainZlib)
    assert stream == utils._ActiveDecompressionContext.COMPRESSION_TYPE

    async with running(ScriptedBot(), discord.api_url, discord.token) as bot:
        for number in range(50):
            discord.write(f"message {number} " + "long " * 100)
        await discord.wait_until(lambda: len(bot.texts("message")) == 50)

    assert [text.split()[1] for text in bot.texts("message")] == [str(number) for number in range(50)]


@pytest.mark.parametrize("at_once", [True, False])
async def test_no_event_is_lost_with_the_connection(discord: LoopbackDiscord, bot: ScriptedBot, at_once: bool) -> None:
    for number in range(10):
        discord.write(f"before {number}")
    discord.gateway.drop(at_once=at_once)
    for number in range(10):
        discord.write(f"after {number}")

    await discord.wait_until(lambda: len(bot.texts("message")) == 20)

    assert bot.texts("message") == [f"{when} {number}" for when in ("before", "after") for number in range(10)]
    assert discord.gateway.resumes == 1
    assert len(bot.texts("resumed")) == 1


async def test_a_reconnect_is_followed_by_a_resume(discord: LoopbackDiscord, bot: ScriptedBot) -> None:
    discord.gateway.ask_to_reconnect()
    discord.write("meanwhile")

    await discord.wait_until(lambda: bot.texts("resumed") != [] and bot.texts("message") == ["meanwhile"])


@pytest.mark.parametrize(("resumable", "resumes"), [(True, 1), (False, 0)])
async def test_an_invalid_session_is_resumed_or_begun_anew(
    discord: LoopbackDiscord, bot: ScriptedBot, resumable: bool, resumes: int
) -> None:
    discord.gateway.identified.clear()
    discord.gateway.invalidate(resumable=resumable)
    if not resumable:
        await asyncio.wait_for(discord.gateway.identified.wait(), 20)
    discord.write("again")

    await discord.wait_until(lambda: bot.texts("message") == ["again"])
    assert discord.gateway.resumes == resumes


async def test_a_session_whose_events_are_gone_is_begun_anew(discord: LoopbackDiscord, bot: ScriptedBot) -> None:
    discord.gateway.identified.clear()
    discord.gateway.drop()
    for _ in range(KEPT_EVENTS + 1):
        discord.gateway.dispatch("RESUMED", {})

    await asyncio.wait_for(discord.gateway.identified.wait(), 20)
    discord.write("again")

    await discord.wait_until(lambda: bot.texts("message") == ["again"])


@asynccontextmanager
async def socket(discord: LoopbackDiscord, query: str = "") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with aiohttp.ClientSession() as session, session.ws_connect(discord.world.gateway_url + query) as connection:
        yield connection


async def test_a_wrong_token_and_an_unknown_operation_are_refused(discord: LoopbackDiscord) -> None:
    identify: dict[str, Any] = {"op": 2, "d": {"token": "wrong", "intents": 0, "properties": {}}}
    for payload, code in ((identify, WRONG_TOKEN), ({"op": 99, "d": None}, UNKNOWN_OPCODE)):
        async with socket(discord) as connection:
            assert (await connection.receive_json())["op"] == 10
            await connection.send_json(payload)
            assert (await connection.receive()).data == code

    assert discord.errors == ["unknown gateway operation 99"]
    discord.forget_errors()


async def test_heartbeats_are_answered_in_the_stream_that_was_asked_for(discord: LoopbackDiscord) -> None:
    async with socket(discord, "?compress=zstd-stream") as connection:
        stream = zstandard.ZstdDecompressor().decompressobj()
        assert json.loads(stream.decompress(await connection.receive_bytes()))["op"] == 10
        await connection.send_json({"op": 1, "d": None})
        assert json.loads(stream.decompress(await connection.receive_bytes()))["op"] == 11


async def test_without_the_intent_for_contents_messages_come_empty(discord: LoopbackDiscord) -> None:
    from discord import Intents

    intents = Intents(guilds=True, guild_messages=True, dm_messages=True)
    async with running(ScriptedBot(intents=intents), discord.api_url, discord.token) as bot:
        member = discord.people["member"]
        discord.write("hidden")
        discord.write(f"<@{discord.bot.id}> named")
        discord.write("private", member, discord.direct_messages(member.id))
        await discord.wait_until(lambda: len(bot.texts("message")) == 3)

    assert bot.texts("message") == ["", f"<@{discord.bot.id}> named", "private"]
