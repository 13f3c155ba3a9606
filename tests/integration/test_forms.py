"""The form behind ✏️: five fields, sent in now or after a restart, over real sockets."""

import hashlib
from typing import Any

import pytest

from bot.settings import Settings
from playground.state.wire import UploadedFile
from tests.fakes import FakeExecutor, png
from tests.integration.asking import result, told
from tests.integration.conftest import running
from tests.loopback import Interaction, LoopbackDiscord, Message


async def painted(discord: LoopbackDiscord, *files: UploadedFile, **options: object) -> Message:
    return await result(discord, await discord.slash("imagine", {"prompt": "a cat", "seed": 7, **options}, files=files))


async def opened(discord: LoopbackDiscord, message: Message) -> Interaction:
    press = await discord.press(message, "✏️")
    await discord.wait_until(lambda: press.modal is not None)
    return press


def fields(press: Interaction) -> dict[str, Any]:
    """Returns the fields of the form that was opened, by their ids."""
    assert press.modal is not None
    inside = [label["component"] for label in press.modal["components"]]
    return {field["custom_id"]: field for field in inside}


def file(data: bytes, number: int = 0, name: str = "photo.png", kind: str = "image/png") -> UploadedFile:
    return UploadedFile(f"files[{number}]", name, kind, data)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_a_form_opened_before_a_restart_is_sent_in_after_it(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        press = await discord.press(await painted(discord, count=2), "✏️")
        await discord.wait_until(lambda: press.modal is not None)
    after = FakeExecutor()
    async with running(discord, settings, after):
        sent = await discord.submit(press, {"prompt": "a dog", "flags": "--steps 3 --seed 5 --ar 3:2"})
        changed = await result(discord, sent)

    asked = after.requests[0]
    assert (asked.prompt, asked.steps, asked.seed, asked.width) == ("a dog", 3, 5, 1216)
    assert changed.content.startswith("**a dog** - ")


@pytest.mark.usefixtures("bot")
async def test_what_a_form_says_wrong_is_told_alone(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    press = await discord.press(await painted(discord), "✏️")
    await discord.wait_until(lambda: press.modal is not None)

    for flags, answer in {
        "--steps many": "steps takes a whole number, such as `--steps 30`, not 'many'.",
        "--steps 900": "steps must be between 1 and 150, not 900.",
        "30 steps": "The settings hold words that are none: '30 steps'. Each is written as `--steps 30`.",
    }.items():
        assert await told(discord, await discord.submit(press, {"flags": flags})) == answer
    assert len(executor.requests) == 1


@pytest.mark.usefixtures("bot")
async def test_an_uploaded_picture_becomes_the_input(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    press = await opened(discord, await painted(discord))
    photo = png(64, 48)

    sent = await discord.submit(press, {"image": [0], "strength": "0.4", "flags": "--steps 3"}, [file(photo)])
    changed = await result(discord, sent)

    asked = executor.requests[1]
    assert asked.init is not None
    assert (asked.init.picture, asked.init.strength, asked.steps) == (digest(photo), 0.4, 3)
    assert executor.inputs[1] == {digest(photo): photo}
    assert "from an image, strength 0.4" in changed.content


async def test_a_form_left_as_it_was_keeps_image_mask_and_strength_also_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    photo, mask = png(1024, 1024), png(512, 512, (255, 255, 255))
    async with running(discord, settings, executor):
        files = [file(photo), file(mask, 1, "mask.png")]
        press = await opened(discord, await painted(discord, *files, image=0, mask=1, strength=0.8))
        assert fields(press)["strength"]["value"] == "0.8"

    after = FakeExecutor()
    async with running(discord, settings, after):
        await result(discord, await discord.submit(press, {"prompt": "a dog"}))

    before, again = executor.requests[0], after.requests[0]
    assert (again.prompt, again.init, again.mask) == ("a dog", before.init, before.mask)
    assert after.inputs == [{digest(photo): photo, digest(mask): mask}]


@pytest.mark.usefixtures("bot")
async def test_a_form_left_as_it_was_keeps_the_canvas_around_the_picture(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    press = await opened(discord, await painted(discord, file(png(1024, 1024)), image=0, outpaint="left 50%"))

    await result(discord, await discord.submit(press, {"prompt": "a dog"}))

    before, again = executor.requests
    assert before.outpaint is not None
    assert (again.outpaint, again.init, again.size) == (before.outpaint, before.init, before.size)


@pytest.mark.usefixtures("bot")
async def test_another_picture_comes_without_the_mask_and_the_canvas_of_the_earlier_one(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    photo, other = png(1024, 1024), png(1024, 1024, (9, 9, 9))
    masked = await opened(
        discord, await painted(discord, file(photo), file(png(64, 64), 1), image=0, mask=1, extra="grow=4")
    )
    zoomed = await opened(discord, await painted(discord, file(photo), image=0, outpaint="2x"))

    for press in (masked, zoomed):
        await result(discord, await discord.submit(press, {"image": [0]}, [file(other)]))

    for asked in executor.requests[2:]:
        assert asked.init is not None
        assert (asked.init.picture, asked.mask, asked.outpaint) == (digest(other), None, None)


@pytest.mark.parametrize(
    ("values", "upload", "answer"),
    [
        ({"strength": "much"}, None, "strength takes a number from 0 to 1, such as 0.6, not 'much'."),
        ({"strength": "0.5"}, None, "strength needs an image to begin from; give one, or leave strength out."),
        ({"image": [0], "strength": "5"}, png(64, 64), "strength must be between 0 and 1, not 5"),
        ({"image": [0]}, b"hello", "image is no picture that I can read: it must be PNG, JPEG, WebP, GIF or BMP."),
        ({"image": [0]}, png(64, 64)[:-30], "image is damaged or was not uploaded completely; save it anew"),
    ],
)
@pytest.mark.usefixtures("bot")
async def test_a_bad_picture_or_strength_is_told_alone_and_leaves_nothing_public(
    discord: LoopbackDiscord, executor: FakeExecutor, values: dict[str, Any], upload: bytes | None, answer: str
) -> None:
    press = await opened(discord, await painted(discord))

    sent = await discord.submit(press, values, [] if upload is None else [file(upload)])

    assert (await told(discord, sent)).startswith(answer)
    public = [each for each in discord.general.messages.values() if not each.deleted and not each.ephemeral]
    assert len(public) == 1
    assert len(executor.requests) == 1


@pytest.mark.parametrize("field", ["mask", "other"])
@pytest.mark.usefixtures("bot")
async def test_a_forged_form_does_not_paint_from_a_private_picture(
    discord: LoopbackDiscord, executor: FakeExecutor, field: str
) -> None:
    photo, stranger = png(64, 48), discord.people["stranger"]
    message = await painted(discord, file(photo), image=0, strength=0.9)
    saved = await discord.slash("preset save", {"name": "kept", "flags": "--strength 0"}, stranger)
    await told(discord, saved)
    form = await discord.press(message, "✏️", stranger)
    await discord.wait_until(lambda: form.modal is not None)
    fields(form)["image"]["custom_id"] = field

    sent = await discord.submit(form, {field: [0], "prompt": "a dog --kept", "strength": ""}, [file(png(8, 8))])

    await result(discord, sent)
    assert (executor.requests[1].init, executor.requests[1].mask) == (None, None)
    assert executor.inputs[1] == {}
