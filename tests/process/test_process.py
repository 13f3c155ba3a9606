"""What goes through the pipe between the bot and the engine's process, both ways."""

import asyncio
import logging
import os
import threading
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import Settings
from generation import (
    CancelToken,
    EngineFailureError,
    EngineVersionError,
    GenerationCancelledError,
    GenerationError,
    GenerationResult,
    GenerationSettings,
    InvalidRequestError,
    ProcessExecutor,
    Progress,
)
from generation.executors import messages, process
from tests.fakes import FakeExecutor
from tests.process.conftest import COMMAND, pid_of, request


async def test_it_paints_what_an_executor_in_this_process_paints(executor: ProcessExecutor) -> None:
    here = await FakeExecutor().generate(request(count=2))

    there = await executor.generate(request(count=2))

    assert there.artifacts == here.artifacts
    assert pid_of(there) != os.getpid()


async def test_many_at_once_are_told_apart(executor: ProcessExecutor) -> None:
    results = await asyncio.gather(*(executor.generate(request(seed=seed)) for seed in range(20)))

    assert [result.artifacts[0].request.seed for result in results] == list(range(20))
    assert len({pid_of(result) for result in results}) == 1


async def test_progress_arrives_in_order(executor: ProcessExecutor) -> None:
    news: list[Progress] = []

    await executor.generate(request(steps=5), news.append)

    assert [progress.done for progress in news] == list(range(5))


async def test_input_pictures_and_settings_arrive_and_secrets_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"DISCORD_TOKEN", "discord_token", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "EASEL_GALLERY"}
    for secret in secrets:
        monkeypatch.setenv(secret, "a.secret.token")
    settings = Settings(data_dir=tmp_path, slots=7, discord_token=SecretStr("a.secret.token"), _env_file=None)
    executor = ProcessExecutor(settings, command=COMMAND)

    result = await executor.generate(request(), inputs={"0" * 64: b"a picture"})
    await executor.close()

    assert "slots=7" in result.notes[0]
    assert "token" not in result.notes[0]
    assert result.notes[1] == "1 inputs"
    assert not secrets & {*result.notes[4].split()}
    assert "PATH" in result.notes[4].split()


async def test_the_c_library_is_told_to_leave_no_holes(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)

    result = await executor.generate(request())

    assert result.notes[3] == "glibc.malloc.tcache_count=1"


async def test_what_the_operator_tells_the_c_library_counts(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=3")

    result = await executor.generate(request())

    assert result.notes[3] == "glibc.malloc.tcache_count=3"


async def test_a_token_stops_it_from_any_thread(executor: ProcessExecutor) -> None:
    token, started = CancelToken(), asyncio.Event()
    painting = asyncio.create_task(executor.generate(request(steps=150), lambda _news: started.set(), token))
    await started.wait()

    threading.Thread(target=token.cancel).start()

    with pytest.raises(GenerationCancelledError):
        await painting


async def test_what_was_cancelled_before_is_not_painted(executor: ProcessExecutor) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(steps=150), cancel=token)


async def test_a_cancelled_task_ends_when_the_engine_has_let_go(executor: ProcessExecutor) -> None:
    started, token = asyncio.Event(), CancelToken()
    painting = asyncio.create_task(executor.generate(request(steps=150), lambda _news: started.set(), token))
    await started.wait()

    painting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await painting

    assert token.cancelled
    await executor.generate(request())


async def test_a_refusal_arrives_as_it_was_made(executor: ProcessExecutor) -> None:
    with pytest.raises(InvalidRequestError, match="too much of a good thing") as refused:
        await executor.generate(request("refuse"))

    assert refused.value.field == "steps"


async def test_a_fault_arrives_with_its_traceback_and_nothing_else_stops(executor: ProcessExecutor) -> None:
    broken, good = await asyncio.gather(
        executor.generate(request("break")), executor.generate(request()), return_exceptions=True
    )

    assert isinstance(broken, EngineFailureError)
    assert str(broken) == "ValueError: a kernel is broken"
    assert "in generate" in broken.__notes__[0]
    assert isinstance(good, GenerationResult)


async def test_an_error_that_only_the_engine_knows_arrives_as_the_nearest_that_the_bot_knows(
    executor: ProcessExecutor,
) -> None:
    with pytest.raises(GenerationError, match="a wire is loose") as told:
        await executor.generate(request("invent"))

    assert type(told.value) is GenerationError


async def test_an_engine_of_another_version_refuses_in_words(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = messages.PROTOCOL
    monkeypatch.setattr(process, "PROTOCOL", 99)
    newer = ProcessExecutor(GenerationSettings(), command=COMMAND)

    with pytest.raises(EngineVersionError, match=rf"speaks version {spoken} of our protocol, I speak 99\)"):
        await newer.generate(request())
    await newer.close()


async def test_what_a_library_prints_is_no_answer(executor: ProcessExecutor) -> None:
    assert (await executor.generate(request("print"))).artifacts


async def test_what_a_library_reads_is_no_order(executor: ProcessExecutor) -> None:
    async with asyncio.timeout(60):
        assert (await executor.generate(request("ask"))).artifacts


async def test_the_process_is_the_same_program_in_whatever_folder_it_is_started(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    assert Path.cwd() == tmp_path
    (tmp_path / "generation").mkdir()
    (tmp_path / "generation/__init__.py").write_text("raise ImportError('of somebody else')")

    assert (await executor.generate(request())).artifacts


async def test_log_records_come_through(executor: ProcessExecutor, caplog: pytest.LogCaptureFixture) -> None:
    await executor.generate(request("log"))

    assert ("some.library", logging.WARNING, "this is odd") in caplog.record_tuples
    assert "could not be listened to" not in caplog.text


async def test_what_cannot_be_logged_stops_nothing(executor: ProcessExecutor) -> None:
    assert (await executor.generate(request("log badly"))).artifacts


async def test_what_is_known_of_sharing_calls_comes_through(executor: ProcessExecutor) -> None:
    assert not executor.sharing("tiny").seconds

    await executor.generate(request("measure"))

    assert executor.sharing("tiny").seconds == {64: {1: 0.5}}


async def test_news_of_what_has_failed_comes_too_late_and_harms_nobody(executor: ProcessExecutor) -> None:
    news: list[Progress] = []

    with pytest.raises(EngineFailureError, match="too early"):
        await executor.generate(request("late"), news.append)
    await executor.generate(request(steps=20))

    assert news == []
