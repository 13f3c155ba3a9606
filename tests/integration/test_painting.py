"""From a typed command to painted pixels: the whole bot with the real engine and a tiny SDXL."""

import io
import threading
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
from PIL import Image

from bot.settings import Settings
from generation import Catalog, ProcessExecutor, Refiner, metadata
from generation.executors import process
from generation.sdxl.model.checkpoint import load
from generation.sdxl.model.model import Model
from generation.worker import local
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.integration.conftest import running
from tests.loopback import Interaction, LoopbackDiscord

SMALL = {"width": 64, "height": 64, "steps": 2, "seed": 5}


@pytest.fixture
def settings(discord: LoopbackDiscord, settings: Settings) -> Settings:
    tiny.save_single_file(settings.models_path / "tiny.safetensors")
    tiny.save_single_file(settings.models_path / "expert.safetensors", tiny.refiner_parts(), tiny.REFINER_CONFIG)
    return settings.model_copy(update={"device": "cpu"})


@pytest.fixture
async def bot(discord: LoopbackDiscord, settings: Settings) -> AsyncIterator[None]:
    """The bot, online, with the real engine in its process."""
    async with running(discord, settings, ProcessExecutor(settings)):
        yield


async def finished(discord: LoopbackDiscord, interaction: Interaction) -> None:
    await discord.wait_until(lambda: bool(interaction.pictures or interaction.private_texts), 60)


@pytest.mark.usefixtures("bot")
async def test_a_command_becomes_a_picture_with_its_recipe_inside(discord: LoopbackDiscord) -> None:
    interaction = await discord.slash("imagine", {"prompt": "a red apple", **SMALL})

    await finished(discord, interaction)

    (data,) = interaction.pictures
    image = Image.open(io.BytesIO(data))
    painted = metadata.from_json(image.info["easel"])
    assert (image.size, painted.prompt, painted.seed, painted.model) == ((64, 64), "a red apple", 5, "tiny")
    assert "Seed: 5" in image.info["parameters"]


@pytest.mark.usefixtures("bot")
async def test_commands_are_acknowledged_while_another_job_is_being_painted(discord: LoopbackDiscord) -> None:
    long = await discord.slash("imagine", {"prompt": "long", "width": 256, "height": 256, "steps": 60, "count": 2})
    await discord.wait_until(lambda: long.original is not None and "%)" in long.original.content, 60)

    short = [await discord.slash("imagine", {"prompt": f"short {number}", **SMALL}) for number in range(5)]
    await discord.wait_until(lambda: all(each.acked is not None for each in short))
    for each in short:
        await finished(discord, each)

    assert max(each.ack_seconds for each in (long, *short)) < 3
    assert long.original is not None
    assert "%)" in long.original.content
    await discord.press(long.original, "Cancel Job")
    await discord.wait_until(lambda: "(cancelled)" in str(long.original and long.original.content), 30)


@pytest.mark.ci
@pytest.mark.usefixtures("bot")
async def test_a_refiner_named_in_the_prompt_goes_on_with_the_picture(discord: LoopbackDiscord) -> None:
    typed = {"width": 64, "height": 64, "steps": 6, "seed": 5}
    plain = await discord.slash("imagine", {"prompt": "a red apple", **typed})
    await finished(discord, plain)
    refined = await discord.slash("imagine", {"prompt": "a red apple --refiner expert --refiner_at 3", **typed})
    await finished(discord, refined)
    alone = await discord.slash("imagine", {"prompt": "a red apple", "model": "expert", **typed})
    await finished(discord, alone)

    painted = metadata.from_json(Image.open(io.BytesIO(refined.pictures[0])).info["easel"])
    assert (painted.prompt, painted.refiner) == ("a red apple", Refiner(model="expert", at=3))
    assert refined.pictures[0] != plain.pictures[0]
    assert "expert is an SDXL refiner: it only goes on with what a base checkpoint began" in alone.private_texts[0]


@pytest.mark.ci
@pytest.mark.usefixtures("bot")
async def test_an_engine_that_is_killed_costs_people_nothing_but_time(discord: LoopbackDiscord) -> None:
    jobs = [
        await discord.slash("imagine", {"prompt": f"number {number}", "width": 128, "height": 128, "steps": 150})
        for number in range(3)
    ]
    await discord.wait_until(lambda: all(job.original and "%)" in job.original.content for job in jobs), 60)

    (engine,) = [child for child in psutil.Process().children() if "generation.worker" in child.cmdline()]
    engine.kill()
    again = process.STARTED_AGAIN
    await discord.wait_until(lambda: all(job.original and again in job.original.content for job in jobs), 60)

    assert [len(job.pictures) for job in jobs] == [1, 1, 1]
    (new,) = [child for child in psutil.Process().children() if "generation.worker" in child.cmdline()]
    assert new.pid != engine.pid


async def test_commands_are_answered_before_the_model_is_loaded(
    discord: LoopbackDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_load = threading.Event()

    def load_when_allowed(*parts: Any) -> Model:
        may_load.wait(60)
        return load(*parts)

    monkeypatch.setattr(local, "load", load_when_allowed)
    async with running(discord, settings, LocalExecutor(settings, Catalog(settings.models_path, settings.model))):
        interaction = await discord.slash("imagine", {"prompt": "a cat", **SMALL})
        await discord.wait_until(lambda: "(loading tiny)" in str(interaction.original and interaction.original.content))

        assert interaction.ack_seconds < 3
        may_load.set()
        await finished(discord, interaction)
        assert interaction.pictures
