"""What people read while the bot is stopped and started again, over real sockets."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack

from bot.settings import Settings
from tests.fakes import FakeExecutor
from tests.integration.conftest import running
from tests.loopback import Interaction, LoopbackDiscord


def content(interaction: Interaction) -> str:
    return "" if interaction.original is None else interaction.original.content


def past(interaction: Interaction) -> list[str]:
    return [] if interaction.original is None else [edit.content for edit in interaction.original.history]


async def test_a_restart_is_told_in_the_same_message_and_the_job_goes_on_there(
    discord: LoopbackDiscord, settings: Settings
) -> None:
    settings = settings.model_copy(update={"slots": 1})
    executor = FakeExecutor()
    executor.hold()
    async with running(discord, settings, executor):
        sent = [await discord.slash("imagine", {"prompt": "cat 1"})]
        await discord.wait_until(lambda: "(0%)" in content(sent[0]))
        sent.append(await discord.slash("imagine", {"prompt": "cat 2"}))
        await discord.wait_until(lambda: "starting" in content(sent[1]))

    assert all("(restarting, your job is kept)" in content(each) for each in sent)
    assert all(each.original is not None and each.original.buttons() == [] for each in sent)

    async with running(discord, settings, FakeExecutor()):
        await discord.wait_until(lambda: all(each.pictures for each in sent))

    assert any("(resumed, starting)" in text for text in past(sent[0]))
    assert len(discord.general.messages) == 2
    assert all(len(each.followups) == 0 for each in sent)


async def test_who_asks_while_the_bot_stops_is_told_to_come_back_and_running_jobs_still_end(
    discord: LoopbackDiscord, settings: Settings
) -> None:
    executor = FakeExecutor()
    executor.hold()
    bot = AsyncExitStack()
    await bot.enter_async_context(running(discord, settings.model_copy(update={"grace_seconds": 10}), executor))
    before = await discord.slash("imagine", {"prompt": "in time"})
    await discord.wait_until(lambda: len(executor.requests) == 1)

    stopping = asyncio.create_task(bot.aclose())
    await asyncio.sleep(0)
    late = await discord.slash("imagine", {"prompt": "too late"})
    await discord.wait_until(lambda: bool(late.private_texts))
    executor.release()
    await stopping

    assert late.private_texts == ["I am being restarted. Please ask again in a minute; what was asked before is kept."]
    assert len(before.pictures) == 1


async def test_a_second_signal_ends_the_grace_of_running_jobs_and_closes_all_the_same(
    discord: LoopbackDiscord, settings: Settings
) -> None:
    executor = FakeExecutor()
    executor.hold()
    settings = settings.model_copy(update={"slots": 1, "grace_seconds": 600})
    async with running(discord, settings, executor):
        sent = await discord.slash("imagine", {"prompt": "a cat"})
        await discord.wait_until(lambda: len(executor.requests) == 1)
        waiting = await discord.slash("imagine", {"prompt": "another cat"})
        await discord.wait_until(lambda: "starting" in content(waiting))

        os.kill(os.getpid(), signal.SIGTERM)
        await discord.wait_until(lambda: "your job is kept" in content(waiting))
        os.kill(os.getpid(), signal.SIGINT)
        await discord.wait_until(lambda: "your job is kept" in content(sent))

    async with running(discord, settings.model_copy(update={"grace_seconds": 0}), FakeExecutor()):
        await discord.wait_until(lambda: bool(sent.pictures and waiting.pictures))
