"""How many requests for originals one person may have under way."""

import asyncio

import pytest

from bot.persistence.pictures import FilePictureStore
from tests.integration.asking import acked, result, told
from tests.loopback import LoopbackDiscord

REFUSED = "The pictures you asked for before are still on their way; try again when they are here."


@pytest.mark.usefixtures("bot")
async def test_a_third_request_for_originals_is_refused_privately_until_one_is_served(
    discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await result(discord, await discord.slash("imagine", {"prompt": "a cat"}))
    gate, get = asyncio.Event(), FilePictureStore.get

    async def held(store: FilePictureStore, digest: str) -> bytes:
        await gate.wait()
        return await get(store, digest)

    monkeypatch.setattr(FilePictureStore, "get", held)
    waiting = [await acked(discord, await discord.press(message, "ℹ️")) for _ in range(2)]
    refused = await told(discord, await discord.press(message, "ℹ️"))
    other = await acked(discord, await discord.press(message, "ℹ️", discord.people["stranger"]))
    gate.set()

    assert refused == REFUSED
    for each in (*waiting, other):
        assert "Recipe" in await told(discord, each)
    assert "Recipe" in await told(discord, await discord.press(message, "ℹ️"))


@pytest.mark.usefixtures("bot")
async def test_a_letter_counts_too(discord: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await result(discord, await discord.slash("imagine", {"prompt": "a cat"}))
    gate, get = asyncio.Event(), FilePictureStore.get

    async def held(store: FilePictureStore, digest: str) -> bytes:
        await gate.wait()
        return await get(store, digest)

    monkeypatch.setattr(FilePictureStore, "get", held)
    waiting = [await acked(discord, await discord.press(message, "ℹ️")) for _ in range(2)]
    discord.react(message, "✉️")
    await discord.wait_until(lambda: bool(discord.letters("member")))
    gate.set()

    assert discord.letters("member")[0].content == REFUSED
    for each in waiting:
        assert "Recipe" in await told(discord, each)
