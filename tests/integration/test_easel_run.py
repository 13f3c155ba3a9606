"""`easel run` without a token, as a process of its own: the playground with the unmodified bot on it."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot import bootstrap
from bot.errors import SettingsError
from bot.settings import Settings
from playground import Playground
from tests.fakes import FakeExecutor, model_files

REAL_LOOKING = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"  # made up
COMMANDS = {
    "imagine", "queue", "cancel", "info", "settings", "preset", "history", "find", "show", "tree", "diff", "forget",
    "Recipe", "Re-roll", "Use as input",
}  # fmt: skip
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?key=[\w-]{20,}\n")


@contextmanager
def easel_run() -> Iterator["subprocess.Popen[str]"]:
    """Runs the command in the present folder; at the end it must close cleanly, having said nothing else."""
    environment = {**os.environ, "EASEL_PLAYGROUND_PORT": "0", "EASEL_DEFAULT_STEPS": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bot"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=environment, **pipes)  # noqa: S603 - our own command
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate(timeout=90)
        assert process.returncode == 0
        assert ADDRESS.sub("", rest) == ""
        assert "Traceback" not in log
    finally:
        process.kill()
        process.communicate()


def browser() -> aiohttp.ClientSession:
    """Returns what keeps cookies of 127.0.0.1, as a browser does."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with browser() as session:
        yield session


async def post(session: aiohttp.ClientSession, base: str, action: str, body: dict[str, Any]) -> Any:
    async with session.post(f"{base}/page/{action}", json=body) as response:
        assert response.status == 200
        return await response.json()


async def until(socket: aiohttp.ClientWebSocketResponse, kind: str) -> Any:
    while True:
        news = await socket.receive_json(timeout=60)
        if news["type"] == kind:
            return news


async def greeting(socket: aiohttp.ClientWebSocketResponse) -> Any:
    """Returns hello, with what came after it until the bot was there with its commands."""
    hello = await socket.receive_json(timeout=60)
    while not (hello["online"] and hello["commands"]):
        hello |= await socket.receive_json(timeout=60)
    return hello


async def opened(session: aiohttp.ClientSession, process: "subprocess.Popen[str]") -> str:
    """Opens the page by the address that the process prints next; returns the address without its key."""
    assert process.stdout is not None
    address = await asyncio.to_thread(process.stdout.readline)
    assert ADDRESS.fullmatch(address)
    async with session.get(address.strip()) as response:
        assert response.status == 200
    return address.split("/?key=")[0]


async def test_the_address_comes_alone_works_once_and_is_followed_by_the_next(session: aiohttp.ClientSession) -> None:
    model_files(Path("data/models"), "tiny")

    with easel_run() as process:
        assert process.stdout is not None
        address = await asyncio.to_thread(process.stdout.readline)
        assert ADDRESS.fullmatch(address)
        async with browser() as other:
            for each, url, status in (
                (session, address.split("?")[0], 403), (session, address.strip(), 200), (other, address.strip(), 403),
            ):  # fmt: skip
                async with each.get(url) as response:
                    assert response.status == status
            base = await opened(other, process)
        async with session.ws_connect(f"{base}/page/socket") as socket:
            assert {each["name"] for each in (await greeting(socket))["commands"]} == COMMANDS


@pytest.fixture
def tiny_model() -> None:
    from tests import tiny

    Path("data/models").mkdir(parents=True)
    tiny.save_single_file(Path("data/models/tiny.safetensors"))


@pytest.mark.ci
@pytest.mark.usefixtures("tiny_model")
async def test_imagine_posts_a_picture(session: aiohttp.ClientSession) -> None:
    with easel_run() as process:
        base = await opened(session, process)
        async with session.ws_connect(f"{base}/page/socket") as socket:
            hello = await greeting(socket)
            channel = hello["channels"][0]["id"]
            command = next(each["id"] for each in hello["commands"] if each["name"] == "imagine")
            body = {"channel": channel, "command": command, "options": {"prompt": "a cat"}}
            await post(session, base, "command", body)
            while True:
                message = (await until(socket, "message_update"))["message"]
                if message["attachments"]:
                    break
        async with session.get(base + message["attachments"][0]["url"]) as response:
            picture = await response.read()

    assert picture.startswith(b"\x89PNG")
    assert [path.name for path in Path("data").glob("**/*.db")] == ["easel.db"]  # noqa: ASYNC240
    assert Path("data/playground/easel.db").is_file()  # noqa: ASYNC240
    assert (message["attachments"][0]["width"], message["author"]["username"]) == (256, "Easel")


async def test_a_taken_port_gives_way_to_the_next() -> None:
    async with Playground() as first, Playground(int(first.world.url.rpartition(":")[2])) as second:
        ports = [int(each.world.url.rpartition(":")[2]) for each in (first, second)]

    assert ports[0] < ports[1] < ports[0] + 20


async def test_a_real_looking_token_is_refused_by_the_playground(caplog: pytest.LogCaptureFixture) -> None:
    async with Playground() as playground:
        settings = Settings(discord_token=SecretStr(REAL_LOOKING), discord_api_url=playground.api_url)
        with pytest.raises(SettingsError, match="DISCORD_TOKEN was refused"):
            await bootstrap.serve(settings, REAL_LOOKING, FakeExecutor())

    assert "a real-looking bot token came in and was refused" in caplog.text
    assert REAL_LOOKING not in caplog.text


def test_a_discord_of_ones_own_needs_a_token() -> None:
    with pytest.raises(SettingsError, match="Set both"):
        bootstrap.run(Settings(discord_api_url="http://discord.example/api/v10"))
