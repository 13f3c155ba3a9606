"""/preset over real sockets."""

import re

import pytest

from bot.settings import Settings
from playground.state.people import Person
from tests.fakes import FakeExecutor
from tests.integration.asking import job_of, result, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


async def say(discord: LoopbackDiscord, command: str, person: Person | None = None, **options: object) -> str:
    """Uses a command; returns its private answer."""
    return await told(discord, await discord.slash(f"preset {command}", options, person))


async def paint(discord: LoopbackDiscord, prompt: str, person: Person | None = None, **options: object) -> str:
    """Paints; returns what stands under the picture."""
    message = await result(discord, await discord.slash("imagine", {"prompt": prompt, **options}, person))
    return message.content


async def test_a_preset_is_saved_used_and_still_there_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        saved = await say(
            discord, "save", name="Film", flags="--steps 9 --cfg 3 --ar 3:2", template="{prompt}, on film"
        )
        assert "steps **9**" in saved

    again = FakeExecutor()
    async with running(discord, settings, again):
        await paint(discord, "a cat --film")
        await paint(discord, "a cat", preset="film", steps=2)
        await result(discord, await discord.slash("preset use", {"name": "film", "prompt": "a dog --seed 7"}))

    assert [asked.prompt for asked in again.requests] == ["a cat, on film", "a cat, on film", "a dog, on film"]
    assert [(asked.steps, asked.guidance_scale, asked.width) for asked in again.requests] == [
        (9, 3, 1216), (2, 3, 1216), (9, 3, 1216)
    ]  # fmt: skip
    assert again.requests[2].seed == 7


@pytest.mark.usefixtures("bot")
async def test_a_preset_is_made_of_a_picture(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    interaction = await discord.slash(
        "imagine", {"prompt": "a cat", "sampler": "euler", "seed": 7, "extra": "rescale=0.5"}
    )
    message = await result(discord, interaction)
    job = job_of(message)

    await say(discord, "save", name="mine", job=job, flags="--steps 3")
    await paint(discord, "a dog --mine", seed=8)

    asked = executor.requests[1]
    assert (asked.prompt, asked.sampler, asked.steps, asked.seed) == ("a dog", "euler", 3, 8)
    assert asked.guidance_rescale == 0.5


@pytest.mark.usefixtures("bot")
async def test_presets_are_listed_shown_renamed_and_deleted(discord: LoopbackDiscord) -> None:
    await say(discord, "save", name="one", flags="--steps 9")
    assert await say(discord, "default", name="one") == "`one` is your default preset now."
    assert "`one` (default) · steps 9" in await say(discord, "list")

    assert await say(discord, "rename", name="one", new="two") == "`one` is called `two` now."
    assert "`two` (default) · steps 9" in await say(discord, "list")
    assert "steps **9**" in await say(discord, "show", name="TWO")
    assert "built in; it can be used and copied" in await say(discord, "show", name="opendalle-fast")

    assert await say(discord, "delete", name="two") == "`two` is deleted."
    assert "none yet; /preset save makes one" in await say(discord, "list")
    assert await say(discord, "delete", name="two") == "You have no presets yet; /preset save makes one."


@pytest.mark.usefixtures("bot")
async def test_a_default_preset_holds_until_it_is_taken_back(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    await say(discord, "save", name="slow", flags="--steps 9")
    await say(discord, "default", name="slow")
    await paint(discord, "a cat")
    await say(discord, "delete", name="slow")
    await paint(discord, "a cat")

    assert [asked.steps for asked in executor.requests] == [9, 4]


@pytest.mark.usefixtures("bot")
async def test_a_preset_is_shared_by_a_code(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    stranger = discord.people["stranger"]
    await say(discord, "save", name="film", flags="--steps 9")
    shared = await say(discord, "share", name="film")
    code = re.search(r"code:(\w{10})", shared)
    assert code is not None

    refused = await say(discord, "import", stranger, code="0000000000")
    await say(discord, "import", stranger, code=code[1], name="theirs")
    await paint(discord, "a cat --theirs", stranger)

    assert refused == "There is no preset with this code; perhaps it was deleted. Ask for a new code."
    assert executor.requests[0].steps == 9


@pytest.mark.usefixtures("bot")
async def test_a_servers_presets_are_for_everybody_and_changed_by_those_who_manage_it(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    owner = discord.people["owner"]
    refused = await say(discord, "save", name="house", flags="--steps 9", server=True)
    await say(discord, "save", owner, name="house", flags="--steps 9", server=True)
    await say(discord, "save", owner, name="gift", flags="--steps 8")
    await say(discord, "share", owner, name="gift", how="server")

    await paint(discord, "a cat --house")
    await paint(discord, "a cat --gift")

    assert refused == "Only those who may manage the server can change its presets."
    assert [asked.steps for asked in executor.requests] == [9, 8]
    assert "`house` · steps 9" in await say(discord, "list")


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({"name": "two words", "flags": "--steps 9"}, "A preset's name is one word of at most 32 letters"),
        ({"name": "steps", "flags": "--steps 9"}, "--steps has a meaning already; choose another name."),
        ({"name": "it"}, "There is nothing to save: give a job's id, flags, or a template."),
        ({"name": "it", "flags": "--steps 999"}, "steps must be between 1 and 150, not 999."),
        ({"name": "it", "flags": "--stepz 9"}, "There is no flag `--stepz`. Did you mean `--steps`"),
        ({"name": "it", "flags": "nine steps"}, "flags takes flags alone, such as `--steps 30`, not 'nine steps'."),
        (
            {"name": "it", "job": "0000000000"},
            "There is no picture '0000000000' of yours, or in a channel that you can read.",
        ),
    ],
)
async def test_what_cannot_be_a_preset_is_refused_in_words(
    discord: LoopbackDiscord, options: dict[str, object], answer: str
) -> None:
    assert (await say(discord, "save", **options)).startswith(answer)  # type: ignore[arg-type]


async def test_there_is_a_limit_to_a_persons_presets(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings.model_copy(update={"max_presets": 2}), executor):
        await say(discord, "save", name="one", flags="--steps 9")
        await say(discord, "save", name="two", flags="--steps 9")

        refused = await say(discord, "save", name="three", flags="--steps 9")
        await say(discord, "save", name="two", flags="--steps 8")

    assert refused == "There are 2 presets already, which is as many as may be. Delete one first."


@pytest.mark.usefixtures("bot")
async def test_names_are_completed_with_ones_own_first(discord: LoopbackDiscord) -> None:
    await say(discord, "save", name="opera", flags="--steps 9")

    assert await discord.autocomplete("imagine", "preset", "op") == ["opera", "opendalle-fast", "opendalle-detail"]
    assert await discord.autocomplete("preset use", "name", "op") == ["opera", "opendalle-fast", "opendalle-detail"]
    assert await discord.autocomplete("preset delete", "name", "op") == ["opera"]
