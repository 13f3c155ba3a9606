"""What becomes of jobs when the engine's process ends, by itself or because the bot does."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from generation import (
    CancelToken,
    EngineLostError,
    ExecutorClosedError,
    GenerationCancelledError,
    GenerationResult,
    ProcessExecutor,
    Progress,
    Stage,
)
from generation.executors import process
from tests.process.conftest import ROOT, again, gone, pid_of, request, until


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


async def test_a_request_that_a_process_is_killed_for_is_given_up_after_one_life(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(EngineLostError, match="most likely because memory ran out") as told:
        await executor.generate(request("burst"))

    assert "Try a smaller size" in str(told.value)
    assert caplog.text.count("the engine's process was killed") == 1


async def test_a_request_that_ends_every_process_is_given_up(executor: ProcessExecutor) -> None:
    with pytest.raises(EngineLostError, match="broke down 3 times"):
        await executor.generate(request("end"))


async def test_a_request_that_every_process_is_killed_for_is_given_up_and_its_neighbours_are_painted(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    deadly, *others = await asyncio.gather(
        executor.generate(request("die")),
        *(executor.generate(request(seed=seed, steps=20)) for seed in range(3)),
        return_exceptions=True,
    )

    assert isinstance(deadly, EngineLostError)
    assert caplog.text.count("the engine's process was killed") == 2
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


@pytest.mark.parametrize("prompt", ["babble", "boast", "skimp", "forge"])
async def test_an_engine_that_says_what_makes_no_sense_is_replaced(
    executor: ProcessExecutor, caplog: pytest.LogCaptureFixture, prompt: str
) -> None:
    first = pid_of(await executor.generate(request()))

    result = await executor.generate(request(prompt))

    assert pid_of(result) != first
    assert "the engine could not be listened to any more" in caplog.text
    assert "memory ran out" not in caplog.text


def test_an_engine_whose_bot_is_gone_ends_at_once(tmp_path: Path) -> None:
    bot = (
        "import asyncio, os, sys, pathlib\n"
        "from generation import ProcessExecutor, GenerationSettings\n"
        "from tests.process.conftest import COMMAND, request, pid_of\n"
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
