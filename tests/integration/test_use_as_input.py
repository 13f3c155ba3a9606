"""Use as input in a message's menu: a picture of any message begins another, over real sockets and across a restart."""

import hashlib
from typing import Any

import pytest

from bot.errors import NotKeptError
from bot.settings import Settings
from bot.ui.discord.form_fields import Sent
from bot.ui.results.input_form import PICTURE, picked
from playground.state.wire import UploadedFile
from tests.fakes import FakeExecutor, picture, png
from tests.integration.asking import job_of, result, told
from tests.integration.conftest import running
from tests.loopback import Fault, Interaction, LoopbackDiscord, Message


def upload(data: bytes, number: int = 0, name: str = "photo.png", kind: str = "image/png") -> UploadedFile:
    return UploadedFile(f"files[{number}]", name, kind, data)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def opened(discord: LoopbackDiscord, message: Message, user: str = "member") -> Interaction:
    """Chooses the entry; returns what opened the form."""
    chosen = await discord.menu("Use as input", message.id, discord.people[user], message.channel)
    await discord.wait_until(lambda: chosen.modal is not None)
    return chosen


def fields(opener: Interaction) -> dict[str, Any]:
    """Returns the fields of the form that was opened, by their ids."""
    assert opener.modal is not None
    inside = [label["component"] for label in opener.modal["components"]]
    return {field["custom_id"]: field for field in inside}


@pytest.mark.usefixtures("bot")
async def test_another_persons_picture_is_painted_from(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    photo = png(64, 48)
    message = discord.write("look", discord.people["stranger"], files=[upload(photo)])

    opener = await opened(discord, message)
    assert {name: field.get("value", "") for name, field in fields(opener).items()} == {"prompt": "", "strength": "0.6"}
    done = await result(discord, await discord.submit(opener, {"prompt": "a cat --seed 7 --ar 3:2", "strength": "0.3"}))

    (asked,) = executor.requests
    assert asked.init is not None
    assert (asked.prompt, asked.seed, asked.width) == ("a cat", 7, 1216)
    assert (asked.init.picture, asked.init.strength) == (digest(photo), 0.3)
    assert executor.inputs == [{digest(photo): photo}]
    assert f"<@{discord.people['member'].id}>" in done.content


async def test_one_of_several_is_picked_also_when_the_form_is_sent_in_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    photos = [png(64, 64, (each, 0, 0)) for each in (10, 20)]
    files = [upload(photos[0], name="a.png"), upload(b"notes", 1, "b.txt", "text/plain"), upload(photos[1], 2, "c.png")]
    async with running(discord, settings, executor):
        opener = await opened(discord, discord.write("", files=files))
    assert [option["label"] for option in fields(opener)["picture"]["options"]] == ["1. a.png", "2. c.png"]

    after = FakeExecutor()
    async with running(discord, settings, after):
        await result(discord, await discord.submit(opener, {"picture": ["1"], "prompt": "a cat"}))

    assert after.inputs == [{digest(photos[1]): photos[1]}]


@pytest.mark.usefixtures("bot")
async def test_of_a_grid_the_original_is_taken_and_becomes_the_parent(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    grid = await result(discord, await discord.slash("imagine", {"prompt": r"a \--cat", "seed": 7, "count": 4}))

    opener = await opened(discord, grid, "stranger")
    assert fields(opener)["prompt"]["value"] == r"a \--cat"
    assert [option["label"] for option in fields(opener)["picture"]["options"]] == [f"Picture {n}" for n in range(1, 5)]
    done = await result(discord, await discord.submit(opener, {"picture": ["2"], "prompt": "a dog"}))

    first, second = executor.requests
    original = picture(first.picture(2)).data
    assert second.init is not None
    assert (second.init.picture, second.init.strength) == (digest(original), 0.6)
    tree = await told(discord, await discord.slash("tree", {"id": job_of(done)}, discord.people["stranger"]))
    assert "made of #3: prompt a dog" in tree


@pytest.mark.usefixtures("bot")
async def test_a_picked_picture_stands_alone_and_works_in_direct_messages(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    direct = discord.direct_messages(discord.people["member"].id)
    grid = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "count": 2}, channel=direct))
    picked = await result(discord, await discord.press(grid, "U2"))

    opener = await opened(discord, picked)
    assert "picture" not in fields(opener)
    await result(discord, await discord.submit(opener, {"prompt": "a dog"}))

    first, second = executor.requests
    assert second.inputs == (digest(picture(first.picture(1)).data),)


@pytest.mark.usefixtures("bot")
async def test_a_message_without_a_picture_is_refused(discord: LoopbackDiscord) -> None:
    link = discord.write("https://cdn.example/cat.png", files=[upload(b"notes", 0, "b.txt", "text/plain")])

    refused = await told(discord, await discord.menu("Use as input", link.id))

    assert refused == "No picture is attached to this message; use it on one that shows a picture as a file."


@pytest.mark.usefixtures("bot")
async def test_a_picture_still_being_painted_is_refused(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    interaction = await discord.slash("imagine", {"prompt": "a cat"})
    await discord.wait_until(lambda: bool(executor.requests) and interaction.original is not None)
    assert interaction.original is not None

    refused = await told(discord, await discord.menu("Use as input", interaction.original.id))

    assert refused == "This is not painted yet; try again when it is."
    executor.release()
    await result(discord, interaction)


@pytest.mark.parametrize(
    ("data", "values", "answer"),
    [
        (png(64, 64), {"strength": "half"}, "strength takes a number from 0 to 1, such as 0.6, not 'half'."),
        (png(64, 64), {"strength": "0.5", "prompt": "a --strength 0.7"}, "strength is given twice: 0.5 and 0.7."),
        (png(64, 64)[:-30], {}, "image is damaged or was not uploaded completely; save it anew and try again."),
        (
            png(64, 64),
            {"prompt": "{a, b, c, d, e}"},
            "With a picture attached a prompt can make 4 jobs at once, not 5.",
        ),
    ],
)
@pytest.mark.usefixtures("bot")
async def test_what_cannot_be_painted_is_told_alone(
    discord: LoopbackDiscord, executor: FakeExecutor, data: bytes, values: dict[str, str], answer: str
) -> None:
    message = discord.write("", files=[upload(data)])

    sent = await discord.submit(await opened(discord, message), {"prompt": "a cat", **values})

    assert (await told(discord, sent)).startswith(answer)
    assert [each for each in discord.general.messages.values() if not each.deleted and not each.ephemeral] == [message]
    assert executor.requests == []


@pytest.mark.usefixtures("bot")
async def test_a_file_that_discord_no_longer_has_is_told(discord: LoopbackDiscord) -> None:
    message = discord.write("", files=[upload(png(64, 64))])
    opener = await opened(discord, message)
    discord.actions.delete(discord.people["member"], discord.general, message.id)

    text = await told(discord, await discord.submit(opener, {"prompt": "a cat"}))

    assert text == "Discord no longer has the image; attach it again."


@pytest.mark.usefixtures("bot")
async def test_a_choice_of_prompts_paints_one_each(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = discord.write("", files=[upload(png(64, 64))])

    await result(discord, await discord.submit(await opened(discord, message), {"prompt": "a {cat, dog}"}))
    await discord.wait_until(lambda: len(executor.requests) == 2)

    assert {(asked.prompt, asked.inputs) for asked in executor.requests} == {
        (prompt, (digest(png(64, 64)),)) for prompt in ("a cat", "a dog")
    }


@pytest.mark.usefixtures("bot")
async def test_the_form_survives_a_dropped_answer(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    message = discord.write("", files=[upload(png(64, 64))])
    opener = await opened(discord, message)
    discord.faults.add("POST", "/callback$", Fault.DROPPED)

    await result(discord, await discord.submit(opener, {"prompt": "a cat"}))

    assert len(executor.requests) == 1


@pytest.mark.parametrize("place", ["7", "-1", "x", "9" * 5000])
def test_a_forged_choice_of_picture_is_refused(place: str) -> None:
    with pytest.raises(NotKeptError, match="no such picture"):
        picked(Sent({}, {PICTURE: place}), {"files": [{}, {}]})
