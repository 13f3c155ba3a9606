"""Bad days: nothing is lost, the person is told, the queue goes on. Over real sockets, locks and disks."""

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.persistence import database as storage
from bot.services import retry as storage_retry
from bot.settings import Settings
from bot.ui.discord import retry
from tests.fakes import FakeExecutor
from tests.integration.conftest import running
from tests.loopback import Fault, Interaction, LoopbackDiscord

EDIT, POST = ("PATCH", "/webhooks/.*/messages/"), ("POST", r"/channels/\d+/messages$")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the pauses between two tries at Discord, not their number."""
    monkeypatch.setattr(retry, "PAUSES", (0.05,) * len(retry.PAUSES))


def results(discord: LoopbackDiscord) -> list[str]:
    """Lists the files of all results in the channel."""
    living = [message for message in discord.general.messages.values() if not message.deleted]
    return [file.filename for message in living for file in message.attachments]


async def held(discord: LoopbackDiscord, executor: FakeExecutor, prompt: str = "a cat") -> Interaction:
    """Orders a picture that is being painted until the executor is released."""
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": prompt})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    return interaction


async def goes_on(discord: LoopbackDiscord) -> None:
    """Asserts that the next order is served as if nothing had been."""
    following = await discord.slash("imagine", {"prompt": "the next one"}, discord.people["owner"], discord.nsfw)
    await discord.wait_until(lambda: bool(following.pictures))


@pytest.mark.usefixtures("bot")
async def test_a_job_outlives_the_loss_of_the_gateway(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await held(discord, executor)

    discord.gateway.drop()
    executor.release()

    await discord.wait_until(lambda: bool(interaction.pictures))
    await discord.wait_until(lambda: discord.gateway.resumes == 1)
    await goes_on(discord)


@pytest.mark.usefixtures("bot", "impatient")
@pytest.mark.parametrize(
    ("fault", "times"),
    [(Fault.RATE_LIMITED, 8), (Fault.SERVER_ERROR, 2), (Fault.BAD_GATEWAY, 2), (Fault.ANSWER_LOST, 3)],
)
@pytest.mark.parametrize("late", [False, True])
async def test_a_storm_of_refusals_is_sat_out_and_the_result_posted_once(
    discord: LoopbackDiscord, executor: FakeExecutor, fault: Fault, times: int, late: bool
) -> None:
    await held(discord, executor)
    if late:
        discord.clock.advance(16 * 60)
    discord.faults.add(*(POST if late else EDIT), fault, times)

    executor.release()

    await discord.wait_until(lambda: len(results(discord)) == 1, 40)
    await goes_on(discord)
    assert len(results(discord)) == 1


@pytest.mark.usefixtures("bot")
async def test_a_token_that_dies_early_costs_no_picture(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await held(discord, executor)
    discord.faults.add("PATCH", f"/{interaction.token}/messages/", Fault.EXPIRED_TOKEN, times=99)

    executor.release()

    def posted_alone() -> bool:
        living = [message for message in discord.general.messages.values() if not message.deleted]
        return len(living) == 1 == len(results(discord))

    await discord.wait_until(posted_alone)
    await goes_on(discord)


@pytest.mark.usefixtures("bot")
async def test_who_asked_in_a_channel_that_is_gone_gets_the_picture_in_a_direct_message(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    await held(discord, executor)
    discord.delete_channel(discord.general)

    executor.release()

    private = discord.direct_messages(discord.people["member"].id)
    await discord.wait_until(lambda: bool(private.messages))
    (letter,) = private.messages.values()
    assert letter.content.endswith("-# I cannot post this where you asked for it: The channel is gone.")
    assert [file.content_type for file in letter.attachments] == ["image/png"]
    await goes_on(discord)


@pytest.mark.usefixtures("bot")
async def test_whom_nothing_reaches_any_more_holds_up_nobody(
    discord: LoopbackDiscord, executor: FakeExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    await held(discord, executor)
    discord.delete_channel(discord.general)
    discord.people["member"].takes_messages = False

    executor.release()

    await discord.wait_until(lambda: "could not be told why it failed" in caplog.text)
    await goes_on(discord)


@asynccontextmanager
async def locked(path: Path, seconds: float) -> AsyncIterator[None]:
    """Lets another process hold the database's write lock for so long."""
    code = f"""
import sqlite3, time
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep({seconds})
connection.execute("COMMIT")
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"locked\n"
    yield
    await process.wait()


@pytest.fixture
def quick_to_complain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets SQLite wait for a lock a twentieth of the time it does in earnest, and us between our tries."""
    monkeypatch.setattr(storage, "BUSY_SECONDS", 0.5)
    monkeypatch.setattr(storage_retry, "WRITE_PAUSES", tuple(pause / 20 for pause in storage_retry.WRITE_PAUSES))


@pytest.mark.usefixtures("quick_to_complain", "bot")
async def test_a_locked_database_delays_jobs_and_is_told_to_those_who_ask_meanwhile(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    interaction = await held(discord, executor)

    async with locked(settings.data_dir / "easel.db", 2.0):
        executor.release()
        refused = await discord.slash("imagine", {"prompt": "meanwhile"}, discord.people["owner"])
        await discord.wait_until(lambda: bool(refused.private_texts))
        assert interaction.pictures == []

    assert refused.private_texts == ["The database does not answer; please try again in a moment."]
    await discord.wait_until(lambda: bool(interaction.pictures))
    await goes_on(discord)


@pytest.mark.ci
@pytest.mark.usefixtures("bot")
async def test_a_database_locked_for_ten_seconds_costs_nobody_a_picture(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    interaction = await held(discord, executor)

    async with locked(settings.data_dir / "easel.db", 10.5):
        executor.release()
        meanwhile = await discord.slash("imagine", {"prompt": "meanwhile"}, discord.people["owner"])
        await discord.wait_until(lambda: meanwhile.original is not None)
        assert interaction.pictures == []

    await discord.wait_until(lambda: bool(interaction.pictures) and bool(meanwhile.pictures), 20)
    await goes_on(discord)


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[Path]:
    """Mounts a file system of a megabyte over the picture store."""
    folder = settings.pictures_path
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "easel-test", str(folder)]
    if sys.platform != "linux" or os.getuid() != 0 or subprocess.run(command, check=False).returncode != 0:  # noqa: S603
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607


@pytest.fixture
def small_files() -> Iterator[None]:
    """Lets this process write no file larger than a megabyte, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("shortage", ["small_disk", "small_files"])
async def test_a_full_disk_is_told_in_words_and_the_queue_goes_on(
    discord: LoopbackDiscord, settings: Settings, request: pytest.FixtureRequest, shortage: str
) -> None:
    request.getfixturevalue(shortage)
    executor = FakeExecutor()
    executor.padding = 2 * 2**20

    async with running(discord, settings, executor):
        interaction = await discord.slash("imagine", {"prompt": "a cat"})
        await discord.wait_until(lambda: bool(interaction.private_texts))
        executor.padding = 0
        await goes_on(discord)

    assert interaction.private_texts == [
        "a cat: Your picture was painted, but my disk is full; please tell whoever runs me."
    ]
    assert len(list(settings.pictures_path.rglob("*.*"))) == 0
