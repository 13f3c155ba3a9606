"""`{red, blue} cat`: one command, several jobs, over real sockets."""

import pytest

from bot.settings import Settings
from playground.state.messages import Channel, Message
from tests.fakes import FakeExecutor
from tests.integration.asking import acked, answer, result, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord

MANY = "a {red, blue, green} {cat, dog}"


def shown(discord: LoopbackDiscord, channel: Channel | None = None) -> list[Message]:
    """Lists the public messages with pictures."""
    return [each for each in public(channel or discord.general) if each.attachments]


def public(channel: Channel) -> list[Message]:
    return [each for each in channel.messages.values() if not each.deleted and not each.ephemeral]


def thread_of(discord: LoopbackDiscord, head: Message) -> Channel:
    """Returns the thread under a message."""
    return discord.world.channels[head.id]


async def asked(discord: LoopbackDiscord, channel: Channel | None = None) -> Message:
    """Has many jobs asked for; returns the question."""
    return await answer(discord, await discord.slash("imagine", {"prompt": MANY, "seed": 7}, channel=channel))


@pytest.mark.usefixtures("bot")
async def test_a_few_choices_are_painted_at_once_each_in_its_own_message(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a {red, blue} cat --seed {7, 8}"})

    await result(discord, interaction)
    await discord.wait_until(lambda: len(shown(discord)) == 4)

    assert sorted((asked.prompt, asked.seed) for asked in executor.requests) == [
        ("a blue cat", 7), ("a blue cat", 8), ("a red cat", 7), ("a red cat", 8)
    ]  # fmt: skip
    assert all(f"<@{discord.people['member'].id}>" in each.content for each in shown(discord))


async def test_many_choices_are_asked_for_twice_also_across_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        question = await answer(discord, await discord.slash("imagine", {"prompt": MANY, "seed": 7, "steps": 2}))
        assert question.ephemeral
        assert question.content.startswith("Your prompt makes 6 jobs:\n- a red cat\n- a red dog")
        assert executor.requests == []

    again = FakeExecutor()
    async with running(discord, settings, again):
        pressed = await discord.press(question, "Paint all 6")
        head = await answer(discord, pressed)
        await discord.wait_until(lambda: head.id in discord.world.channels)
        await discord.wait_until(lambda: len(shown(discord, thread_of(discord, head))) == 6)
        twice = await told(discord, await discord.press(question, "Paint all 6"))

    assert {asked.steps for asked in again.requests} == {2}
    assert len({asked.prompt for asked in again.requests}) == 6
    assert twice == "This was answered already; use the command again for more."


@pytest.mark.usefixtures("bot")
async def test_many_choices_can_be_dropped(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    question = await answer(discord, await discord.slash("imagine", {"prompt": MANY}))

    await acked(discord, await discord.press(question, "Paint none"))

    assert question.content == "Nothing was painted."
    assert executor.requests == []


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("prompt", "refused"),
    [
        ("a {red, blue cat", r"prompt: this { has no end; write \{ for a bracket to be painted."),
        ("{a, b}" * 8, "prompt: its {...} make 256 prompts; at most 100 are possible. Leave some choices out."),
        (
            "{a --stepz, b}" * 4,  # nothing of it is read before there is room for it
            "These are 16 jobs, but one person may have 10 waiting and you have 0. Ask for fewer at a time.",
        ),
        ("a {red --stepz 3, blue}", "There is no flag `--stepz`. Did you mean `--steps`"),
    ],
)
async def test_choices_that_cannot_be_painted_are_refused_at_once(
    discord: LoopbackDiscord, executor: FakeExecutor, prompt: str, refused: str
) -> None:
    text = await told(discord, await discord.slash("imagine", {"prompt": prompt}))

    assert text.startswith(refused)
    assert executor.requests == []


@pytest.mark.usefixtures("bot")
async def test_a_share_that_is_too_small_for_all_takes_none(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    executor.hold()
    for _ in range(settings.slots + settings.max_waiting - 3):
        await answer(discord, await discord.slash("imagine", {"prompt": "waiting"}))

    text = await told(discord, await discord.slash("imagine", {"prompt": "{a, b, c, d}"}))
    last = [await discord.slash("imagine", {"prompt": "one more"}) for _ in range(3)]

    assert text.startswith("These are 4 jobs, but one person may have 10 waiting and you have 7.")
    executor.release()
    for each in last:
        await result(discord, each)


@pytest.mark.usefixtures("bot")
async def test_escaped_brackets_are_painted(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    await result(discord, await discord.slash("imagine", {"prompt": r"a \{red, blue\} cat"}))

    assert executor.requests[0].prompt == "a {red, blue} cat"
