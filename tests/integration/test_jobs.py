"""/queue, /cancel and /info over real sockets."""

import pytest

from bot.settings import Settings
from tests.fakes import FakeExecutor
from tests.loopback import Interaction, LoopbackDiscord

pytestmark = pytest.mark.usefixtures("bot")


async def busy(discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings) -> list[Interaction]:
    """Fills every slot with somebody's job, and lets three of the member's wait."""
    executor.hold()
    stranger = discord.people["stranger"]
    for _ in range(settings.slots):
        await discord.slash("imagine", {"prompt": "theirs"}, stranger)
    await discord.wait_until(lambda: len(executor.requests) == settings.slots)
    return [await waiting(discord, f"cat {number}") for number in range(3)]


async def waiting(discord: LoopbackDiscord, prompt: str) -> Interaction:
    """Orders a picture, and waits until it stands in line: commands sent at once may overtake each other."""
    interaction = await discord.slash("imagine", {"prompt": prompt})
    await discord.wait_until(lambda: "in front)" in content(interaction) or "(starting)" in content(interaction))
    return interaction


def content(interaction: Interaction) -> str:
    return interaction.original.content if interaction.original is not None else ""


async def told(discord: LoopbackDiscord, interaction: Interaction) -> str:
    await discord.wait_until(lambda: bool(interaction.private_texts and interaction.private_texts[-1]))
    return interaction.private_texts[-1]


async def test_the_queue_is_shown_to_one_person_alone(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    await busy(discord, executor, settings)

    text = await told(discord, await discord.slash("queue", {}))

    assert [line[:8] for line in text.splitlines()[:3]] == ["1. cat 0", "2. cat 1", "3. cat 2"]
    assert "4 jobs being painted, 3 waiting" in text
    assert "theirs" not in text
    executor.release()


async def test_a_range_of_ones_own_jobs_is_cancelled(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    mine = await busy(discord, executor, settings)

    text = await told(discord, await discord.slash("cancel", {"which": "2-3"}))

    assert text == "Cancelled: cat 1\nCancelled: cat 2"
    await discord.wait_until(lambda: all("(cancelled)" in content(each) for each in mine[1:]))
    executor.release()
    await discord.wait_until(lambda: bool(mine[0].pictures))


async def test_all_of_ones_own_jobs_are_cancelled_and_nobody_elses(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    mine = await busy(discord, executor, settings)

    await told(discord, await discord.slash("cancel", {"which": "all"}))

    await discord.wait_until(lambda: all("(cancelled)" in content(each) for each in mine))
    assert "theirs" not in await told(discord, await discord.slash("queue", {}))
    executor.release()


async def test_anothers_job_is_cancelled_by_a_moderator_only(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    await busy(discord, executor, settings)
    listed = await told(discord, await discord.slash("queue", {}))
    wanted = listed.splitlines()[0].split("`")[1]

    refused = await told(discord, await discord.slash("cancel", {"which": wanted}, discord.people["stranger"]))
    done = await told(discord, await discord.slash("cancel", {"which": wanted}, discord.people["moderator"]))

    assert refused == "Only the person who asked for this, or a moderator, can cancel it."
    assert done == "Cancelled: cat 0"
    executor.release()


async def test_what_cannot_be_cancelled_is_answered_privately(discord: LoopbackDiscord) -> None:
    assert await told(discord, await discord.slash("cancel", {"which": "all"})) == (
        "You have no job waiting or being painted."
    )
    assert "over already" in await told(discord, await discord.slash("cancel", {"which": "0000000000"}))


async def test_autocomplete_offers_ones_own_jobs(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    await busy(discord, executor, settings)

    offered = await discord.autocomplete("cancel", "which", "")

    assert offered[0] == "all"
    assert len(offered) == 4
    executor.release()


async def test_info_sums_up_what_was_painted(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a cat", "count": 2})
    await discord.wait_until(lambda: bool(interaction.pictures))

    text = await told(discord, await discord.slash("info", {}))

    assert text.splitlines()[0] == "Painted for you: 1 job, 2 pictures, 2 seconds of the device."


async def test_a_persons_roles_decide_how_much_of_the_device_they_may_have(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    executor.hold()
    people = [discord.people["moderator"], discord.people["member"]]
    for person in people * 6:
        await discord.slash("imagine", {"prompt": person.name, "steps": 4}, person)
    await discord.wait_until(lambda: len(executor.requests) == settings.slots)

    executor.release()
    await discord.wait_until(lambda: len(executor.requests) == 12)

    first = [request.prompt for request in executor.requests[:8]]
    assert first.count("moderator") >= 5  # the first ones start as they come
