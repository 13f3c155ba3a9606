"""An executor whose engine lives in a process of its own."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from bot.settings import Settings
from generation import (
    CancelToken,
    EngineFailureError,
    EngineLostError,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationRequest,
    GenerationResult,
    GenerationSettings,
    InvalidRequestError,
    ProcessExecutor,
    Progress,
    Stage,
    process,
)
from tests.fakes import FakeExecutor

ROOT = Path(__file__).parents[2]
COMMAND = (*process.COMMAND[:-1], "tests.process.worker")


@pytest.fixture
async def executor(tmp_path: Path) -> AsyncIterator[ProcessExecutor]:
    """Paints flat colours in a process of its own."""
    paints = ProcessExecutor(GenerationSettings(data_dir=tmp_path), command=COMMAND)
    yield paints
    await paints.close()


def request(prompt: str = "a red apple", **changes: object) -> GenerationRequest:
    """Makes a small request."""
    values: dict[str, object] = {"prompt": prompt, "model": "tiny", "width": 64, "height": 64, "steps": 3, "seed": 5}
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def pid_of(result: GenerationResult) -> int:
    """Says which process painted."""
    return next(int(note) for note in result.notes if note.isdecimal())


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


async def test_input_pictures_and_settings_arrive_and_passwords_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a.secret.token")
    monkeypatch.setenv("DATABASE_URL", "postgresql://easel:password@here/easel")
    settings = Settings(data_dir=tmp_path, slots=7, discord_token=SecretStr("a.secret.token"), _env_file=None)
    executor = ProcessExecutor(settings, command=COMMAND)

    result = await executor.generate(request(), inputs={"0" * 64: b"a picture"})
    await executor.close()

    assert "slots=7" in result.notes[0]
    assert "token" not in result.notes[0]
    assert result.notes[1] == "1 inputs"
    assert result.notes[4:6] == ("nothing", "nothing")


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


async def test_what_a_killed_process_was_at_is_painted_by_the_next(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    first = pid_of(await executor.generate(request()))
    started = asyncio.Event()
    painting = [
        asyncio.create_task(executor.generate(request(seed=seed, steps=40), lambda _news: started.set()))
        for seed in range(3)
    ]
    await started.wait()

    os.kill(first, signal.SIGKILL)
    results = await asyncio.gather(*painting)

    assert [result.artifacts[0].request.seed for result in results] == [0, 1, 2]
    assert all(process.STARTED_AGAIN in result.notes for result in results)
    assert first not in {pid_of(result) for result in results}
    assert "the engine's process was killed, by the system if memory ran out" in caplog.text
    assert "3 jobs were under way" in caplog.text


async def test_a_process_that_died_idle_is_replaced_without_a_word_to_people(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    first = pid_of(await executor.generate(request()))
    os.kill(first, signal.SIGKILL)
    await until(lambda: "0 jobs were under way" in caplog.text)

    second = await executor.generate(request())

    assert pid_of(second) != first
    assert process.STARTED_AGAIN not in second.notes


async def test_a_request_that_ends_every_process_is_given_up_and_its_neighbours_are_painted(
    executor: ProcessExecutor,
) -> None:
    deadly, *others = await asyncio.gather(
        executor.generate(request("die")),
        *(executor.generate(request(seed=seed, steps=20)) for seed in range(3)),
        return_exceptions=True,
    )

    assert isinstance(deadly, EngineLostError)
    assert "3 times" in str(deadly)
    assert all(isinstance(result, GenerationResult) for result in others)


async def test_a_stumble_costs_nothing_but_time(executor: ProcessExecutor, caplog: pytest.LogCaptureFixture) -> None:
    result = await executor.generate(request("stumble"))

    assert process.STARTED_AGAIN in result.notes
    assert "ended by itself with code 3" in caplog.text


async def test_what_a_signal_without_a_name_ended_is_painted_again(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    started = asyncio.Event()
    first = pid_of(await executor.generate(request()))
    painting = asyncio.create_task(executor.generate(request(steps=40), lambda _news: started.set()))
    await started.wait()

    os.kill(first, signal.SIGRTMIN + 1)

    async with asyncio.timeout(60):
        assert pid_of(await painting) != first
    assert f"ended by itself with signal {signal.SIGRTMIN + 1}" in caplog.text


async def test_a_system_that_knows_no_sigkill_starts_it_again_too(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(signal, "SIGKILL")  # as on Windows

    async with asyncio.timeout(60):
        result = await executor.generate(request("stumble"))

    assert process.STARTED_AGAIN in result.notes


async def test_what_was_cancelled_meanwhile_is_not_painted_again(executor: ProcessExecutor) -> None:
    token, started = CancelToken(), asyncio.Event()
    first = pid_of(await executor.generate(request()))
    painting = asyncio.create_task(executor.generate(request(steps=150), lambda _news: started.set(), token))
    await started.wait()

    os.kill(first, signal.SIGSTOP)  # it hears of nothing any more
    token.cancel()
    os.kill(first, signal.SIGKILL)

    with pytest.raises(GenerationCancelledError):
        await painting


async def test_what_waits_to_be_painted_again_can_be_cancelled_at_once(executor: ProcessExecutor) -> None:
    news: dict[int, list[Progress]] = {0: [], 1: []}
    tokens = [CancelToken(), CancelToken()]
    first = pid_of(await executor.generate(request()))
    painting = [
        asyncio.create_task(executor.generate(request(seed=seed, steps=150), news[seed].append, tokens[seed]))
        for seed in range(2)
    ]
    await until(lambda: all(said and said[-1].done for said in news.values()))

    os.kill(first, signal.SIGKILL)
    await until(lambda: any(said[-1].stage is Stage.PAINTING and again(said) for said in news.values()))
    waits = next(number for number, said in news.items() if said[-1].stage is Stage.LOADING)
    tokens[waits].cancel()

    with pytest.raises(GenerationCancelledError):
        await painting[waits]
    assert not painting[1 - waits].done()
    tokens[1 - waits].cancel()
    with pytest.raises(GenerationCancelledError):
        await painting[1 - waits]
    await executor.generate(request())


async def test_what_is_cancelled_by_its_task_in_its_turn_leaves_the_turn_to_others(executor: ProcessExecutor) -> None:
    news: list[list[Progress]] = [[], [], []]
    first = pid_of(await executor.generate(request()))
    painting = [
        asyncio.create_task(executor.generate(request(seed=seed, steps=150), news[seed].append)) for seed in range(3)
    ]
    await until(lambda: all(said and said[-1].done for said in news))

    os.kill(first, signal.SIGKILL)
    await until(lambda: any(again(said) and said[-1].stage is Stage.PAINTING for said in news))
    for task in painting[:2]:
        task.cancel()

    results = await asyncio.gather(*painting, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError] * 2 + [GenerationResult]


async def test_closing_ends_what_is_under_way_and_the_process(executor: ProcessExecutor) -> None:
    pid = pid_of(await executor.generate(request()))
    started = asyncio.Event()
    painting = asyncio.create_task(executor.generate(request(steps=150), lambda _news: started.set()))
    await started.wait()

    await executor.close()

    with pytest.raises(ExecutorClosedError):
        await painting
    with pytest.raises(ExecutorClosedError):
        await executor.generate(request())
    assert not psutil.pid_exists(pid)


async def test_an_engine_that_does_not_close_is_killed(
    executor: ProcessExecutor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(process, "CLOSING_SECONDS", 0.2)
    pid = pid_of(await executor.generate(request()))
    hanging = asyncio.create_task(executor.generate(request("hang")))
    await asyncio.sleep(0.1)

    await executor.close()

    assert not psutil.pid_exists(pid)
    assert "it is killed" in caplog.text
    with pytest.raises(ExecutorClosedError):
        await hanging


async def test_signals_that_are_meant_for_the_bot_do_not_end_the_engine(executor: ProcessExecutor) -> None:
    pid = pid_of(await executor.generate(request()))

    os.kill(pid, signal.SIGINT)
    os.kill(pid, signal.SIGTERM)

    assert pid_of(await executor.generate(request())) == pid


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


async def test_an_engine_that_cannot_be_understood_is_replaced(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    first = pid_of(await executor.generate(request()))

    result = await executor.generate(request("babble"))

    assert pid_of(result) != first
    assert "the engine could not be listened to any more" in caplog.text
    assert "memory ran out" not in caplog.text


async def test_news_of_what_has_failed_comes_too_late_and_harms_nobody(executor: ProcessExecutor) -> None:
    news: list[Progress] = []

    with pytest.raises(EngineFailureError, match="too early"):
        await executor.generate(request("late"), news.append)
    await executor.generate(request(steps=20))

    assert news == []


def test_an_engine_whose_bot_is_gone_ends_at_once(tmp_path: Path) -> None:
    bot = (
        "import asyncio, os, sys, pathlib\n"
        "from generation import ProcessExecutor, GenerationSettings\n"
        "from tests.process.test_process import COMMAND, request, pid_of\n"
        "async def main():\n"
        "    executor = ProcessExecutor(GenerationSettings(data_dir=pathlib.Path('.')), command=COMMAND)\n"
        "    print(pid_of(await executor.generate(request())), flush=True)\n"
        "    hanging = asyncio.create_task(executor.generate(request('hang')))\n"
        "    await asyncio.sleep(0.1)\n"
        "    os._exit(9)\n"
        "asyncio.run(main())\n"
    )

    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", bot], capture_output=True, text=True, cwd=ROOT, check=False, timeout=60
    )

    assert done.returncode == 9, done.stderr
    asyncio.run(gone(int(done.stdout)))


def again(news: list[Progress]) -> bool:
    """Whether something began anew."""
    return any(later.done < earlier.done for earlier, later in pairwise(news))


async def until(condition: Callable[[], bool]) -> None:
    """Waits until something is so."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    """Waits until a process has ended."""
    async with asyncio.timeout(20):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
