"""What the log never holds, whatever its level: tokens, prompts, people's ids, database values."""

import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bot.logs import OURS, log_to_stderr
from bot.persistence.database import Database, upgrade
from bot.settings import Settings
from generation import EngineFailureError
from tests.fakes import FakeExecutor
from tests.integration.asking import result, told
from tests.integration.conftest import running
from tests.loopback import Fault, LoopbackDiscord

PROMPT, PRESET = "a zanzibar leopard", "quetzal"


class RealLog:
    """The log as `easel run` sets it up, without pytest's handlers."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._root = logging.getLogger()
        self._before = self._root.handlers[:]
        self._levels = {name: logging.getLogger(name).level for name in (None, *OURS)}

    def start(self, level: str) -> None:
        self._before = self._root.handlers[:]
        self._root.handlers.clear()
        log_to_stderr(level)

    def text(self) -> str:
        return self._capsys.readouterr().err

    def end(self) -> None:
        self._root.handlers[:] = self._before
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)


@pytest.fixture
def real_log(capsys: pytest.CaptureFixture[str]) -> Iterator[RealLog]:
    log = RealLog(capsys)
    yield log
    log.end()


async def test_the_log_at_debug_holds_no_token_no_prompt_and_no_persons_id(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor, real_log: RealLog
) -> None:
    executor.failures["a failing zanzibar"] = EngineFailureError("The device gave up.")
    real_log.start("DEBUG")

    async with running(discord, settings, executor):
        painted = await discord.slash("imagine", {"prompt": PROMPT})
        picture = await result(discord, painted)
        failed = await discord.slash("imagine", {"prompt": "a failing zanzibar"})
        await told(discord, failed)
        saved = await discord.slash("preset save", {"name": PRESET, "template": "a {prompt}"})
        await told(discord, saved)
        varied = await discord.press(picture, "🔄")
        await result(discord, varied)
        discord.faults.add("PATCH", "/webhooks/.*/messages/", Fault.SERVER_ERROR)
        again = await discord.slash("imagine", {"prompt": PROMPT})
        await result(discord, again)
    written = real_log.text()

    assert "accepted" in written
    assert "DEBUG" not in {line.split()[2] for line in written.splitlines() if " discord" in line}
    secrets = [discord.token, *(each.token for each in (painted, failed, saved, varied, again))]
    people = [str(person.id) for person in discord.people.values()]
    assert [secret for secret in (*secrets, *people, "zanzibar", PRESET, "INSERT INTO") if secret in written] == []


def test_easel_itself_says_more_at_debug(real_log: RealLog) -> None:
    real_log.start("DEBUG")

    logging.getLogger("bot.ui").debug("ours")
    logging.getLogger("generation.sdxl").debug("the engine's")
    logging.getLogger("aiosqlite").debug("theirs")

    written = real_log.text()
    assert ("ours" in written, "the engine's" in written, "theirs" in written) == (True, True, False)


def test_libraries_are_no_louder_than_easel(real_log: RealLog) -> None:
    real_log.start("ERROR")

    logging.getLogger("discord").warning("theirs")

    assert real_log.text() == ""


def test_a_token_in_an_address_is_left_out_of_messages_and_tracebacks(real_log: RealLog) -> None:
    real_log.start("INFO")
    cause = ConnectionError("500, url='https://discord.com/api/v10/webhooks/12/aW50ZXJhY3Rpb24.x-Y_z/messages/34'")

    logging.getLogger("bot").error("a call failed at /interactions/12/secret-token/callback", exc_info=cause)

    written = real_log.text()
    assert "/webhooks/12/***/messages/34" in written
    assert "/interactions/12/***/callback" in written
    assert "secret-token" not in written


async def test_a_failed_statement_does_not_tell_its_values(tmp_path: object) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/easel.db"
    await upgrade(url)
    database = Database(url)

    with pytest.raises(OperationalError, match="no such table") as failed:
        async with database._sessions() as session:
            await session.execute(text("SELECT * FROM gone WHERE name = :value"), {"value": "zanzibar"})

    await database.close()
    assert "zanzibar" not in str(failed.value)
