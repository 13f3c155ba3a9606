"""/settings and /imagine explain:True over real sockets, across restarts."""

import pytest

from bot.settings import Settings
from playground.state.messages import Message
from playground.state.people import Person
from tests.fakes import FakeExecutor
from tests.integration.asking import acked, answer, ids, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


async def opened(discord: LoopbackDiscord, **options: object) -> Message:
    """Opens a panel."""
    return await answer(discord, await discord.slash("settings", options))


async def choose(
    discord: LoopbackDiscord, panel: Message, field: str, value: str, person: Person | None = None
) -> None:
    """Picks a setting and its value, as one does in the panel."""
    await acked(discord, await discord.choose(panel, ids(panel)[0], [field], person))
    await acked(discord, await discord.choose(panel, ids(panel)[1], [f"={value}"], person))


async def painted(discord: LoopbackDiscord, executor: FakeExecutor, prompt: str = "a cat", **options: object) -> None:
    before = len(executor.requests)
    interaction = await discord.slash("imagine", {"prompt": prompt, **options})
    await discord.wait_until(lambda: len(executor.requests) > before and interaction.original is not None)


@pytest.mark.usefixtures("bot")
async def test_what_is_chosen_in_the_panel_is_painted_with_and_what_is_typed_wins(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    panel = await opened(discord)
    assert panel.ephemeral
    assert "Nothing is set yet." in panel.content

    await choose(discord, panel, "steps", "10")
    await choose(discord, panel, "aspect", "3:2")
    await choose(discord, panel, "model", "other")
    await painted(discord, executor)
    await painted(discord, executor, "a cat --steps 3", aspect="1:1")

    assert "Steps **10**" in panel.content
    first, second = executor.requests
    assert (first.steps, first.width, first.height, first.model) == (10, 1216, 832, "other")
    assert (second.prompt, second.steps, second.width, second.height) == ("a cat", 3, 1024, 1024)


async def test_the_panel_works_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        panel = await opened(discord)
        opener = await discord.press(panel, "Type model")
        await discord.wait_until(lambda: opener.modal is not None)

    async with running(discord, settings, FakeExecutor()):
        await acked(discord, await discord.submit(opener, {"value": "other"}))
        assert "Model **other**" in panel.content
        await choose(discord, panel, "sampler", "euler")
        assert "Sampler **euler**" in panel.content
        await acked(discord, await discord.press(panel, "Reset all"))
        assert "Nothing is set yet." in panel.content


@pytest.mark.usefixtures("bot")
async def test_long_lists_are_turned(discord: LoopbackDiscord) -> None:
    panel = await opened(discord)
    await acked(discord, await discord.choose(panel, ids(panel)[0], ["sampler"]))
    first = [option["value"] for option in panel.components[1]["components"][0]["options"]]

    await acked(discord, await discord.press(panel, "▶"))

    second = [option["value"] for option in panel.components[1]["components"][0]["options"]]
    assert (len(first), first[0], second[0]) == (25, "-", "-")
    assert not set(first[1:]) & set(second[1:])


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("field", "typed", "answer"),
    [
        ("steps", "many", "steps takes a whole number, such as `--steps 30`, not 'many'."),
        ("steps", "151", "steps must be between 1 and 150, not 151."),
        ("model", "tinny", "There is no model named 'tinny'. Did you mean tiny?"),
        ("aspect", "wide", "aspect must look like 3:2 or 16:9, not 'wide'."),
        ("width", "4096", "4096x1024 is too large here: the longest side may have 2048 pixels."),
        ("negative", "a cat <lora:fur", "prompt: this <lora: has no end; write <lora:name:0.8>."),
    ],
)
async def test_an_impossible_value_is_refused_and_nothing_changes(
    discord: LoopbackDiscord, field: str, typed: str, answer: str
) -> None:
    panel = await opened(discord)
    await acked(discord, await discord.choose(panel, ids(panel)[0], [field]))
    opener = await discord.press(panel, f"Type {'width' if field == 'width' else field}")
    await discord.wait_until(lambda: opener.modal is not None)

    sent = await discord.submit(opener, {"value": typed})

    text = await told(discord, sent)
    assert text.splitlines()[0].startswith(answer)
    assert "Nothing is set yet." in panel.content


@pytest.mark.usefixtures("bot")
async def test_a_server_and_a_channel_have_settings_for_those_who_manage_them(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    refused = await discord.slash("settings", {"whose": "this server's"})
    text = await told(discord, refused)
    assert text == "Only those who may manage the server can change what holds for everybody."

    owner = discord.people["owner"]
    for whose, field, value in (("this server's", "steps", "10"), ("this channel's", "cfg", "3")):
        panel = await answer(discord, await discord.slash("settings", {"whose": whose}, owner))
        assert "Spoilers" not in panel.content
        await choose(discord, panel, field, value, owner)

    await painted(discord, executor)
    elsewhere = await discord.slash("imagine", {"prompt": "a cat"}, channel=discord.nsfw)
    await discord.wait_until(lambda: bool(elsewhere.pictures))

    assert [(asked.steps, asked.guidance_scale) for asked in executor.requests] == [(10, 3), (10, 7)]


@pytest.mark.usefixtures("bot")
async def test_in_direct_messages_there_are_only_ones_own_settings(discord: LoopbackDiscord) -> None:
    member = discord.people["member"]

    refused = await discord.slash("settings", {"whose": "this server's"}, member, discord.direct_messages(member.id))

    text = await told(discord, refused)
    assert text == "In direct messages there are only your own settings."


@pytest.mark.usefixtures("bot")
async def test_an_explanation_says_where_every_value_comes_from_and_paints_nothing(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    await choose(discord, await opened(discord), "steps", "10")

    typed = {"prompt": "a red apple --cfg 3", "seed": 7, "explain": True, "preset": "opendalle-fast"}
    interaction = await discord.slash("imagine", typed)

    text = await told(discord, interaction)
    for line in (
        "**a red apple**", "cfg **3** · typed", "seed **7** · typed", "steps **35** · preset opendalle-fast",
        "sampler **dpm\\_2** · preset opendalle-fast", "count **1** · the bot's default", "size **1024x1024**",
        "-# CLIP-L: 3 tokens, 1 row of 75", "-# bigG: 3 tokens, 1 row of 75", "seconds of the device",
        "It would be accepted now; nothing was queued.",
    ):  # fmt: skip
        assert line in text
    assert executor.requests == []


@pytest.mark.usefixtures("bot")
async def test_a_job_that_costs_too_much_is_refused_and_explained_with_what_to_lower(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    executor.device_seconds = 300.0
    painted = await answer(discord, await discord.slash("imagine", {"prompt": "a cat", "steps": 30}))
    await discord.wait_until(lambda: any("easel:reroll" in each["custom_id"] for each in painted.buttons()))
    too_much = {"prompt": "a cat", "steps": 30, "count": 5}

    refused = await discord.slash("imagine", too_much)
    explained = await discord.slash("imagine", {**too_much, "explain": True})

    said = "This would take the device about 25 minutes; the limit for one job is 15 minutes. "
    assert said in await told(discord, refused)
    text = await told(discord, explained)
    assert "-# about 1,500.0 seconds of the device" in text
    assert f"**It would be refused now:** {said}Any one of these fits: count 3, steps 17." in text
    assert len(executor.requests) == 1


@pytest.mark.usefixtures("bot")
async def test_an_explanation_names_the_limit_that_would_refuse(
    discord: LoopbackDiscord, executor: FakeExecutor, settings: Settings
) -> None:
    executor.hold()
    for _ in range(settings.slots + settings.max_waiting):
        await answer(discord, await discord.slash("imagine", {"prompt": "waiting"}))

    asked = await discord.slash("imagine", {"prompt": "one more", "explain": True})

    text = await told(discord, asked)
    assert "**It would be refused now:** You have 10 jobs waiting" in text
    executor.release()
