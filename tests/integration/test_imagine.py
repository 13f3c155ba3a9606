"""/imagine, from the typed command to the posted picture, over real sockets."""

from collections import Counter

import numpy as np
import pytest
from discord import Permissions
from safetensors.numpy import save_file

from bot.settings import Settings
from generation import GenerationError
from playground.state.interactions import DEFERRED_MESSAGE
from tests.fakes import FakeExecutor, picture
from tests.loopback import Fault, LoopbackDiscord

pytestmark = pytest.mark.usefixtures("bot")


@pytest.fixture(autouse=True)
def vae(settings: Settings) -> None:
    """A separate VAE in the models folder, before the bot looks there."""
    save_file({"decoder.conv_in.weight": np.zeros((1, 1))}, settings.models_path / "soft.safetensors")


async def test_a_picture_is_posted_with_its_recipe(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a red apple", "seed": 7})

    await discord.wait_until(lambda: bool(interaction.pictures))

    assert interaction.response_type == DEFERRED_MESSAGE
    assert interaction.original is not None
    assert interaction.original.content.startswith(f"**a red apple** - <@{discord.people['member'].id}>")
    for word in ("seed 7", "1024x1024", "4 steps", "cfg 7", "dpmpp_2m karras", "tiny", "1.5 s"):
        assert word in interaction.original.content
    assert "Cancel Job" not in {button.get("label") for button in interaction.original.buttons()}
    assert interaction.pictures == [picture(executor.requests[0]).data]


async def test_every_option_reaches_the_engine(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    typed = {
        "prompt": "a cat", "negative": "dog", "model": "other", "aspect": "3:2", "steps": 3, "cfg": 5.5,
        "sampler": "dpm_2", "scheduler": "normal", "seed": 2**53 - 2, "count": 2,
    }  # fmt: skip

    interaction = await discord.slash("imagine", typed)
    await discord.wait_until(lambda: bool(interaction.pictures))

    asked = executor.requests[0]
    assert (asked.prompt, asked.negative_prompt, asked.model) == ("a cat", "dog", "other")
    assert (asked.width, asked.height, asked.steps, asked.guidance_scale) == (1216, 832, 3, 5.5)
    assert (asked.sampler, asked.scheduler, asked.seed, asked.count) == ("dpm_2", "normal", 2**53 - 2, 2)
    assert len(interaction.pictures) == 1  # one grid


async def test_the_finer_options_reach_the_engine_and_the_recipe_under_the_picture(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    typed = {
        "prompt": "a cat", "preset": "opendalle-detail", "vae": "soft", "clip_skip": 1,
        "extra": "subseed=3 subseed_strength=0.2 noise=a1111",
    }  # fmt: skip

    interaction = await discord.slash("imagine", typed)
    await discord.wait_until(lambda: bool(interaction.pictures))

    asked = executor.requests[0]
    assert (asked.steps, asked.guidance_scale, asked.sampler) == (65, 7.5, "dpm_2")
    assert (asked.vae, asked.clip_skip, asked.subseed, asked.noise) == ("soft", 1, 3, "a1111")
    assert interaction.original is not None
    for word in ("vae soft", "clip_skip 1", "subseed 3", "subseed_strength 0.2", "noise a1111"):
        assert word in interaction.original.content.replace("\\", "")


async def test_it_works_in_direct_messages(discord: LoopbackDiscord) -> None:
    member = discord.people["member"]

    interaction = await discord.slash("imagine", {"prompt": "a cat"}, member, discord.direct_messages(member.id))

    await discord.wait_until(lambda: bool(interaction.pictures))


async def test_a_running_job_shows_its_percentage_and_a_way_to_cancel(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat", "steps": 4})
    message = interaction.original
    await discord.wait_until(lambda: interaction.original is not None and "(starting)" in interaction.original.content)
    await discord.wait_until(lambda: interaction.original is not None and "(0%)" in interaction.original.content)

    message = interaction.original
    assert message is not None
    assert [button["label"] for button in message.buttons()] == ["Cancel Job"]
    gaps = [late.at - early.at for early, late in zip(message.history[1:], message.history[2:], strict=False)]
    assert all(gap >= 2.9 for gap in gaps)


async def test_the_owner_cancels_a_running_job(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat", "steps": 50})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.buttons()))
    assert interaction.original is not None
    calls = executor.calls

    await discord.press(interaction.original, "Cancel Job")

    await discord.wait_until(lambda: "(cancelled)" in str(interaction.original and interaction.original.content))
    assert executor.calls <= calls + 1
    assert interaction.original.buttons() == []


async def test_a_stranger_cannot_cancel_and_is_told_alone(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.buttons()))
    assert interaction.original is not None

    press = await discord.press(interaction.original, "Cancel Job", discord.people["stranger"])
    await discord.wait_until(lambda: bool(press.private_texts))
    assert press.private_texts == ["Only the person who asked for this, or a moderator, can cancel it."]

    executor.release()
    await discord.wait_until(lambda: bool(interaction.pictures))


async def test_a_moderator_cancels_anybodys_job(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.buttons()))
    assert interaction.original is not None

    await discord.press(interaction.original, "Cancel Job", discord.people["moderator"])

    await discord.wait_until(lambda: "(cancelled)" in str(interaction.original and interaction.original.content))


async def test_a_failing_job_answers_privately_and_leaves_nothing_public(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.failures["a cat"] = GenerationError("The device's memory does not suffice for this.")

    interaction = await discord.slash("imagine", {"prompt": "a cat"})

    await discord.wait_until(lambda: bool(interaction.private_texts))
    assert interaction.private_texts == ["a cat: The device's memory does not suffice for this."]
    assert interaction.original is not None
    assert interaction.original.deleted


async def test_an_unforeseen_failure_tells_nothing_of_its_innards(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.failures["a cat"] = ZeroDivisionError("/home/operator/secret")

    interaction = await discord.slash("imagine", {"prompt": "a cat"})

    await discord.wait_until(lambda: bool(interaction.private_texts))
    assert "Something went wrong on my side" in interaction.private_texts[0]
    assert "secret" not in interaction.private_texts[0]


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (
            {"preset": "opendale-fast"},
            "There is no preset named 'opendale-fast'. Did you mean opendalle-fast or opendalle-detail?",
        ),
        ({"extra": "subsed=1"}, "There is no extra named 'subsed'. Did you mean subseed or subseed_strength?"),
        ({"sampler": "eular"}, "There is no sampler named 'eular'. Did you mean euler?"),
        ({"model": "nope"}, "There is no model named 'nope'. Did you mean other or starter or tiny?"),
        ({"width": 100}, "width must be a multiple of 8: 96 would work, 100 does not."),
        ({"width": 4096}, "4096x1024 is too large here: the longest side may have 2048 pixels."),
        ({"aspect": "wide"}, "aspect must look like 3:2 or 16:9, not 'wide'."),
    ],
)
async def test_an_impossible_order_is_refused_at_once_and_privately(
    discord: LoopbackDiscord, typed: dict[str, object], answer: str
) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a cat", **typed})

    await discord.wait_until(lambda: interaction.acked is not None)
    assert interaction.private_texts == [answer]


async def test_a_missing_permission_is_named(discord: LoopbackDiscord) -> None:
    discord.bot.permissions = Permissions(view_channel=True, send_messages=True)

    interaction = await discord.slash("imagine", {"prompt": "a cat"})

    await discord.wait_until(lambda: bool(interaction.private_texts))
    assert interaction.private_texts == ["I cannot post pictures here: I lack the permission Attach Files."]


async def test_autocomplete_offers_models_samplers_schedules_and_aspects(discord: LoopbackDiscord) -> None:
    assert await discord.autocomplete("imagine", "model", "T") == ["tiny", "other", "starter"]
    assert await discord.autocomplete("imagine", "sampler", "eul") == ["euler", "euler_ancestral"]
    assert await discord.autocomplete("imagine", "scheduler", "kar") == ["karras"]
    assert "3:2" in await discord.autocomplete("imagine", "aspect", "")
    assert await discord.autocomplete("imagine", "preset", "open") == ["opendalle-fast", "opendalle-detail"]
    assert await discord.autocomplete("imagine", "extra", "noise=a1111 cfg_e") == ["noise=a1111 cfg_end="]


@pytest.mark.ci
async def test_fifty_commands_from_ten_people_are_answered_in_fair_turns(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.hold()
    people = [discord.person(f"person-{number}") for number in range(10)]
    sent = [
        await discord.slash("imagine", {"prompt": f"{person.name} {turn}", "steps": 1}, person)
        for person in people
        for turn in range(5)
    ]
    await discord.wait_until(lambda: all(each.original is not None and each.original.content for each in sent), 60)
    assert max(interaction.ack_seconds for interaction in sent) < 3

    executor.release()
    await discord.wait_until(lambda: all(interaction.pictures for interaction in sent), 60)

    started = Counter[str]()
    for request in executor.requests[4:]:  # the first four went to whoever came first
        started[request.prompt.split()[0]] += 1
        still_waiting = [started[person.name] for person in people[1:] if started[person.name] < 5]
        assert max(still_waiting, default=0) - min(still_waiting, default=0) <= 2


async def test_a_person_beyond_their_share_is_refused_privately(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    executor.hold()
    for _ in range(settings.slots):
        await discord.slash("imagine", {"prompt": "painted"})
    await discord.wait_until(lambda: len(executor.requests) == settings.slots)
    waiting = [await discord.slash("imagine", {"prompt": "waiting"}) for _ in range(settings.max_waiting)]
    await discord.wait_until(lambda: all(each.original is not None and each.original.content for each in waiting))

    refused = await discord.slash("imagine", {"prompt": "one more"})

    await discord.wait_until(lambda: bool(refused.private_texts))
    assert refused.private_texts[0].startswith("You have 10 jobs waiting, which is as many as one person may have.")
    executor.release()


async def test_what_a_person_types_pings_and_formats_nothing(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("imagine", {"prompt": "**@everyone** ![x](http://x.y) " + "long " * 800})

    await discord.wait_until(lambda: bool(interaction.pictures))

    assert interaction.original is not None
    assert r"\*\*@" + "\u200beveryone" in interaction.original.content
    assert len(interaction.original.content) <= 2000
    assert "…" in interaction.original.content


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.DROPPED, Fault.SERVER_ERROR])
async def test_a_first_answer_that_gets_lost_is_given_again(discord: LoopbackDiscord, fault: Fault) -> None:
    discord.faults.add("POST", "/callback$", fault)

    interaction = await discord.slash("imagine", {"prompt": "a cat"})

    await discord.wait_until(lambda: bool(interaction.pictures))


@pytest.mark.parametrize(
    "fault", [Fault.ANSWER_LOST, Fault.DROPPED, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.RATE_LIMITED]
)
async def test_a_result_survives_a_bad_moment_of_the_network(
    discord: LoopbackDiscord, executor: FakeExecutor, fault: Fault
) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    discord.faults.add("PATCH", "/messages/", fault)

    executor.release()

    await discord.wait_until(lambda: bool(interaction.pictures))
    assert len([message for message in discord.general.messages.values() if not message.deleted]) == 1


async def test_files_refused_as_too_large_are_posted_smaller(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    discord.faults.add("PATCH", "/messages/", Fault.TOO_LARGE)

    executor.release()

    await discord.wait_until(lambda: bool(interaction.pictures))


async def test_after_fifteen_minutes_the_result_comes_as_a_message_of_its_own(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    discord.clock.advance(16 * 60)

    executor.release()

    def posted() -> bool:
        return [len(each.attachments) for each in discord.general.messages.values() if not each.deleted] == [1]

    await discord.wait_until(posted)


async def test_a_failure_after_fifteen_minutes_is_told_in_a_direct_message(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.hold()
    executor.failures["a cat"] = GenerationError("No luck.")
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    discord.clock.advance(16 * 60)

    executor.release()

    private = discord.direct_messages(discord.people["member"].id)
    await discord.wait_until(lambda: [each.content for each in private.messages.values()] == ["a cat: No luck."])
    assert all(message.deleted for message in discord.general.messages.values())


async def test_a_person_who_takes_no_direct_messages_gets_a_neutral_line(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.hold()
    discord.people["member"].takes_messages = False
    executor.failures["a cat"] = GenerationError("No luck.")
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    discord.clock.advance(16 * 60)

    executor.release()

    def neutral() -> bool:
        texts = [each.content for each in discord.general.messages.values() if not each.deleted]
        return texts == [f"<@{discord.people['member'].id}> A picture you asked for could not be painted."]

    await discord.wait_until(neutral)


async def test_a_dropped_gateway_is_resumed_and_no_command_is_lost(discord: LoopbackDiscord) -> None:
    discord.gateway.drop()

    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    discord.clock.advance(-5)  # the command waits for the reconnection, which Discord would not punish in a test

    await discord.wait_until(lambda: bool(interaction.pictures))
    assert discord.gateway.resumes == 1


@pytest.mark.parametrize("vae", ["/etc/secret.safetensors", "../outside.safetensors", "unknown"])
async def test_a_vae_is_named_and_never_a_path(discord: LoopbackDiscord, executor: FakeExecutor, vae: str) -> None:
    refused = await discord.slash("imagine", {"prompt": "a cat", "vae": vae})

    await discord.wait_until(lambda: bool(refused.private_texts))
    assert refused.private_texts[0].startswith(f"There is no vae named {vae!r}")
    assert not executor.requests
