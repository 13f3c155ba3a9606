"""Reactions on results, over real sockets."""

import pytest
from discord import Permissions

from bot.settings import Settings
from generation import GenerationError
from playground.state.people import EVERYBODY
from tests.fakes import FakeExecutor
from tests.integration.conftest import running
from tests.integration.reactions.conftest import bots, busy, painted, until_it_waits, until_kept
from tests.loopback import Fault, LoopbackDiscord

CAP = "You have 2 jobs waiting, which is as many as one person may have. Wait for one of them to start, or cancel one."


@pytest.mark.parametrize("emoji", ["🎲", "🔄", "🔁"])
@pytest.mark.usefixtures("_bot")
async def test_a_die_paints_the_same_again_for_whoever_reacts(
    discord: LoopbackDiscord, executor: FakeExecutor, emoji: str
) -> None:
    message = await painted(discord, count=2)

    discord.react(message, emoji, discord.people["stranger"])
    await discord.wait_until(lambda: len(bots(discord)) == 2 and bool(bots(discord)[1].attachments))

    again = bots(discord)[1]
    first, second = executor.requests
    assert (second.prompt, second.count) == (first.prompt, first.count)
    assert second.seed != first.seed
    assert f"<@{discord.people['stranger'].id}>" in again.content
    assert again.reply_to == message.id
    assert "U2" in {button.get("label") for button in again.buttons()}


@pytest.mark.usefixtures("_bot")
async def test_the_result_of_a_reaction_can_be_reacted_to_and_pressed(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord)
    for number in (2, 3):
        discord.react(message, "🎲")
        await discord.wait_until(lambda: len(bots(discord)) == number and bool(bots(discord)[-1].attachments))  # noqa: B023
        message = bots(discord)[-1]

    press = await discord.press(message, "🔄")
    await discord.wait_until(lambda: bool(press.pictures))

    assert len({request.seed for request in executor.requests}) == 4


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.ANSWER_LOST], ids=["no message", "a message not noted"])
async def test_a_restart_while_a_re_roll_is_announced_leaves_one_message_with_its_job(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor, fault: Fault
) -> None:
    async with running(discord, settings, executor):
        message = await painted(discord)
        discord.faults.add("POST", "/messages$", fault, 10_000)
        discord.react(message, "🎲")
        await until_kept(settings, 1, "queued")
        if fault is Fault.ANSWER_LOST:
            await discord.wait_until(lambda: len(bots(discord)) == 2)
    discord.faults.clear()
    discord.clock.advance(600)  # so that the nonce helps no more

    again = FakeExecutor()
    async with running(discord, settings, again):
        await discord.wait_until(lambda: bool(bots(discord)[-1].attachments) and len(bots(discord)) == 2)

    assert (len(executor.requests), len(again.requests)) == (1, 1)
    assert bots(discord)[-1].reply_to == message.id


@pytest.mark.usefixtures("_bot")
async def test_a_re_roll_whose_message_was_deleted_meanwhile_is_posted_anew(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord)
    executor.hold()
    discord.react(message, "🎲")
    await discord.wait_until(lambda: len(executor.requests) == 2)
    discord.actions.delete(discord.people["owner"], discord.general, bots(discord)[-1].id)
    executor.release()

    await discord.wait_until(lambda: len(bots(discord)) == 2 and bool(bots(discord)[-1].attachments))


@pytest.mark.usefixtures("_bot")
async def test_a_re_roll_that_cannot_be_announced_fails_and_gives_its_place_back(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    message = await painted(discord)
    discord.faults.add("POST", f"/channels/{discord.general.id}/messages$", Fault.FORBIDDEN, settings.max_waiting)
    for number, emoji in enumerate(("🎲", "🔁"), 1):
        discord.react(message, emoji)
        await until_kept(settings, number, "failed")
    await discord.wait_until(lambda: bool(discord.letters("member")))

    discord.react(message, "🔄")
    await discord.wait_until(lambda: len(bots(discord)) == 2 and bool(bots(discord)[-1].attachments))

    assert discord.letters("member")[0].content.startswith("I may not post here")


@pytest.mark.usefixtures("_bot")
async def test_a_reaction_while_it_waits_shows_a_place_and_a_way_to_cancel(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord)
    async with busy(discord, executor):
        discord.react(message, "🎲")
        await until_it_waits(discord)
        waiting = bots(discord)[-1]
        assert [button["label"] for button in waiting.buttons()] == ["Cancel Job"]

        await discord.press(waiting, "Cancel Job")
        await discord.wait_until(lambda: "(cancelled)" in waiting.content)


@pytest.mark.usefixtures("_bot")
async def test_taking_the_reaction_back_withdraws_what_waits(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await painted(discord)
    async with busy(discord, executor):
        discord.react(message, "🎲")
        discord.react(message, "🎲", add=False)

        await discord.wait_until(lambda: "(cancelled)" in bots(discord)[-1].content)

    assert [request.prompt for request in executor.requests] == ["a cat", "long"]


async def test_a_restart_between_reacting_and_taking_it_back(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        message = await painted(discord)
        executor.hold()
        await discord.slash("imagine", {"prompt": "long"}, discord.people["owner"])
        await discord.wait_until(lambda: len(executor.requests) == 2)
        discord.react(message, "🎲")
        await until_it_waits(discord)
    after = FakeExecutor()
    after.hold()
    async with running(discord, settings, after):
        await discord.wait_until(lambda: len(after.requests) == 1)

        discord.react(message, "🎲", add=False)

        await discord.wait_until(lambda: "(cancelled)" in bots(discord)[-1].content)
        after.release()
        await discord.wait_until(lambda: "1.5 s" in bots(discord)[1].content)
    assert [request.prompt for request in after.requests] == ["long"]


@pytest.mark.usefixtures("_bot")
async def test_a_person_who_reacts_twenty_times_meets_their_cap_with_one_private_word(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    results = [await painted(discord) for _ in range(20)]
    stranger = discord.people["stranger"]
    async with busy(discord, executor):
        for message in results:
            discord.react(message, "🎲", stranger)

        await discord.wait_until(lambda: len(bots(discord)) == 23 and bool(discord.letters("stranger")))
        refused = await discord.slash("imagine", {"prompt": "one more"}, stranger)  # after all of them
        await discord.wait_until(lambda: refused.private_texts == [CAP])
        assert [letter.content for letter in discord.letters("stranger")] == [CAP]
        assert len(bots(discord)) == 23

    await discord.wait_until(lambda: all(each.attachments for each in bots(discord)))


@pytest.mark.usefixtures("_bot")
async def test_the_same_wish_twice_is_one_job(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = await painted(discord)
    executor.hold()
    discord.react(message, "🎲")
    await discord.wait_until(lambda: len(executor.requests) == 2)

    discord.react(message, "🎲", add=False)  # it is being painted: too late to withdraw
    discord.react(message, "🎲")
    asked = await discord.slash("queue", {})
    await discord.wait_until(lambda: bool(asked.private_texts))

    executor.release()
    await discord.wait_until(lambda: all(each.attachments for each in bots(discord)))
    assert len(executor.requests) == 2


@pytest.mark.usefixtures("_bot")
async def test_reactions_with_other_meanings_and_on_other_messages_do_nothing(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord)
    for emoji in ("♻️", "❤️", "👍"):
        discord.react(message, emoji)
    discord.react(discord.write("roll a die?"), "🎲")

    asked = await discord.slash("queue", {})
    await discord.wait_until(lambda: bool(asked.private_texts))

    assert len(executor.requests) == 1
    assert discord.letters("member") == []


@pytest.mark.usefixtures("_bot")
async def test_the_cross_cancels_a_job_that_is_being_painted(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: len(executor.requests) == 1)
    assert interaction.original is not None

    discord.react(interaction.original, "❌", discord.people["stranger"])
    await discord.wait_until(lambda: len(discord.letters("stranger")) == 1)
    discord.react(interaction.original, "❌")

    await discord.wait_until(lambda: "(cancelled)" in str(interaction.original and interaction.original.content))
    assert discord.letters("stranger")[0].content.startswith("Only the person who asked")


async def test_the_operator_may_leave_rerolls_to_owners_and_moderators(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"reactions": "owner"}), executor):
        message = await painted(discord)
        discord.react(message, "🎲", discord.people["stranger"])
        await discord.wait_until(lambda: bool(discord.letters("stranger")))

        for name in ("member", "moderator"):
            discord.react(message, "🎲", discord.people[name])
        await discord.wait_until(lambda: len(bots(discord)) == 3 and all(each.attachments for each in bots(discord)))

    assert discord.letters("stranger")[0].content.startswith("Here only the person who asked")
    assert len(executor.requests) == 3


async def test_results_get_a_die_so_that_people_find_it(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"show_reroll": True}), executor):
        message = await painted(discord)

        await discord.wait_until(lambda: message.reactions == {"🎲": [discord.bot]})
        discord.bot.permissions = Permissions(EVERYBODY.value) & ~Permissions(add_reactions=True)
        other = await painted(discord)
        asked = await discord.slash("info", {})
        await discord.wait_until(lambda: bool(asked.private_texts and asked.private_texts[0]))

    assert other.reactions == {}
    assert len(executor.requests) == 2


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.DROPPED, Fault.SERVER_ERROR])
@pytest.mark.usefixtures("_bot")
async def test_a_bad_moment_of_the_network_makes_no_second_message(discord: LoopbackDiscord, fault: Fault) -> None:
    message = await painted(discord)
    discord.faults.add("POST", "/messages$", fault)

    discord.react(message, "🎲")

    await discord.wait_until(lambda: len(bots(discord)) == 2 and bool(bots(discord)[1].attachments))
    assert len(bots(discord)) == 2


@pytest.mark.usefixtures("_bot")
async def test_a_reroll_that_fails_is_told_privately_and_leaves_nothing(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    message = await painted(discord)
    executor.failures["a cat"] = GenerationError("No luck.")

    discord.react(message, "🎲", discord.people["stranger"])

    await discord.wait_until(lambda: bool(discord.letters("stranger")))
    assert discord.letters("stranger")[0].content == "a cat: No luck."
    assert bots(discord) == [message]


@pytest.mark.usefixtures("_bot")
async def test_where_the_bot_may_not_write_the_person_is_told(discord: LoopbackDiscord) -> None:
    message = await painted(discord)
    discord.bot.permissions = Permissions(view_channel=True, read_message_history=True)

    discord.react(message, "🎲")

    await discord.wait_until(lambda: bool(discord.letters("member")))
    assert "I may not post here" in discord.letters("member")[0].content
