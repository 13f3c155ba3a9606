"""/history, /find, /show, /diff and /forget over real sockets, across restarts."""

import io
import zipfile

import pytest

from bot.settings import Settings
from playground.state.messages import Message
from playground.state.people import Person
from playground.state.wire import UploadedFile
from tests.fakes import FakeExecutor, png
from tests.integration.asking import acked, answer, job_of, result, telling, told
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord


async def paint(discord: LoopbackDiscord, prompt: str, person: Person | None = None, **options: object) -> str:
    """Paints; returns the job's id."""
    message = await result(discord, await discord.slash("imagine", {"prompt": prompt, **options}, person))
    return job_of(message)


async def listed(discord: LoopbackDiscord, command: str = "history", **options: object) -> Message:
    """Opens a history; returns its message, which pages are turned in."""
    return await telling(discord, await discord.slash(command, options))


def prompts(message: Message) -> list[str]:
    """Returns the first two words of each entry."""
    return [" ".join(line.split()[1:3]) for line in message.content.splitlines()[1:]]


async def test_a_history_is_turned_page_by_page_also_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        for number in range(10):
            await paint(discord, f"number {number}")
        await paint(discord, "a secret", discord.people["stranger"])
        page = await listed(discord)
        assert prompts(page) == [f"number {number}" for number in range(9, 1, -1)]

    async with running(discord, settings, FakeExecutor()):
        await acked(discord, await discord.press(page, "Older ▶"))
        assert prompts(page) == ["number 1", "number 0"]
        await acked(discord, await discord.press(page, "◀ Newer"))
        assert prompts(page) == [f"number {number}" for number in range(9, 1, -1)]


@pytest.mark.usefixtures("bot")
async def test_words_models_and_days_filter_a_history(discord: LoopbackDiscord) -> None:
    await paint(discord, "a red café")
    await paint(discord, "a blue cat", model="other")

    assert prompts(await listed(discord, "find", words="CAFE")) == ["a red"]
    assert prompts(await listed(discord, text="a", model="other")) == ["a blue"]
    assert prompts(await listed(discord, since="2020-01-01")) == ["a blue", "a red"]
    nothing = await listed(discord, until="2020-01-01")
    assert nothing.content.startswith("Nothing was found.")
    refused = await told(discord, await discord.slash("history", {"since": "yesterday"}))
    assert refused == "since takes a day such as 2026-01-31, not 'yesterday'."


async def test_a_filtered_page_is_turned_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    async with running(discord, settings, executor):
        for number in range(9):
            await paint(discord, f"cat {number}")
            await paint(discord, f"dog {number}")
        page = await listed(discord, text="cat")

    async with running(discord, settings, FakeExecutor()):
        await acked(discord, await discord.press(page, "Older ▶"))

    assert prompts(page) == ["cat 0"]


@pytest.mark.usefixtures("bot")
async def test_a_picture_is_shown_again_with_its_recipe_and_its_originals(
    discord: LoopbackDiscord, executor: FakeExecutor
) -> None:
    job = await paint(discord, "a cat", negative="dogs", seed=7, count=2)
    page = await listed(discord)

    shown = await telling(discord, await discord.choose(page, "easel:show", [job]))
    zipped = await telling(discord, await discord.press(shown, "Originals (ZIP)"))

    for part in ("Prompt: a cat", "Negative: dogs", "seeds 7 to 8", "/imagine prompt:a cat --no dogs --steps 4", job):
        assert part in shown.content
    assert len(shown.attachments) == 2
    with zipfile.ZipFile(io.BytesIO(zipped.attachments[0].data)) as opened:
        assert [opened.read(name) for name in opened.namelist()] == [file.data for file in shown.attachments]


@pytest.mark.usefixtures("bot")
async def test_the_copied_command_paints_the_same_again(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    job = await paint(discord, r"a \{cat\}, \--big", negative='"dogs"', seed=7, steps=3, extra="rescale=0.3")
    text = await told(discord, await discord.slash("show", {"id": job}))
    command = text.split("```")[1].strip()

    await paint(discord, command.removeprefix("/imagine prompt:"))

    assert executor.requests[1] == executor.requests[0]


@pytest.mark.usefixtures("bot")
async def test_a_star_is_given_and_taken_away(discord: LoopbackDiscord) -> None:
    job = await paint(discord, "a cat")
    await paint(discord, "a dog")
    shown = await telling(discord, await discord.slash("show", {"id": job}))

    await acked(discord, await discord.press(shown, "Star"))
    assert prompts(await listed(discord, starred=True)) == [f"`{job}` a"]
    await acked(discord, await discord.press(shown, "Take the star away"))

    assert (await listed(discord, starred=True)).content.startswith("Nothing was found.")


@pytest.mark.usefixtures("bot")
async def test_others_see_what_was_posted_on_their_server_and_nothing_else(discord: LoopbackDiscord) -> None:
    member, stranger = discord.people["member"], discord.people["stranger"]
    public = await paint(discord, "a cat")
    private = await discord.slash("imagine", {"prompt": "a dog"}, member, discord.direct_messages(member.id))
    secret = job_of(await result(discord, private))

    shown = await told(discord, await discord.slash("show", {"id": public}, stranger))
    refused = await told(discord, await discord.slash("show", {"id": secret}, stranger))
    mine = await told(discord, await discord.slash("show", {"id": secret}))

    assert "Prompt: a cat" in shown
    assert refused == f"There is no picture '{secret}' of yours, or in a channel that you can read."
    assert "Prompt: a dog" in mine


@pytest.mark.usefixtures("bot")
async def test_a_tree_shows_what_was_made_of_a_picture_and_what_changed(discord: LoopbackDiscord) -> None:
    first = await result(discord, await discord.slash("imagine", {"prompt": "a cat", "count": 2, "seed": 7}))
    varied = await result(discord, await discord.press(first, "V2"))
    again = await result(discord, await discord.menu("Re-roll", first.id))

    tree = await telling(discord, await discord.slash("tree", {"id": job_of(varied)}))

    lines = [line.strip() for line in tree.content.splitlines()[1:]]
    assert lines[0] == f"1. `{job_of(first)}` a cat"
    assert lines[1].startswith(f"2. `{job_of(varied)}` strong variation of #2: ")
    assert lines[1].endswith("**← this one**")
    assert lines[2].startswith(f"3. `{job_of(again)}` re-roll: seed ")
    assert tree.attachments[0].data.startswith(b"\x89PNG")


@pytest.mark.usefixtures("bot")
async def test_two_pictures_are_compared(discord: LoopbackDiscord) -> None:
    first = await paint(discord, "a cat", seed=7)
    second = await paint(discord, "a dog", seed=7, cfg=3.5)

    text = await told(discord, await discord.slash("diff", {"first": first, "second": second}))
    same = await told(discord, await discord.slash("diff", {"first": first, "second": first}))

    assert text.splitlines()[1:] == ["prompt **a cat** → **a dog**", "cfg **7** → **3.5**"]
    assert same.endswith("were painted with the same settings.")
    assert set(await discord.autocomplete("diff", "first", "")) == {first, second}


async def test_forgetting_erases_rows_and_files_once_it_was_confirmed_also_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    pictures = settings.data_dir / "pictures"
    async with running(discord, settings, executor):
        job = await paint(discord, "a zanzibar", seed=1)
        await paint(discord, "a cat", discord.people["stranger"], seed=2)
        question = await answer(discord, await discord.slash("forget"))
        assert len(list(pictures.glob("??/*"))) == 2

    async with running(discord, settings, FakeExecutor()):
        done = await told(discord, await discord.press(question, "Erase everything of mine"))
        gone = await told(discord, await discord.slash("show", {"id": job}))

    assert done == "Done: I have erased 1 picture file and all that I kept of you."
    assert gone == f"There is no picture '{job}' of yours, or in a channel that you can read."
    assert len(list(pictures.glob("??/*"))) == 1
    assert [file.name for file in settings.data_dir.glob("easel.db*") if b"zanzibar" in file.read_bytes()] == []


@pytest.mark.usefixtures("bot")
async def test_nothing_is_forgotten_while_a_job_waits(discord: LoopbackDiscord, executor: FakeExecutor) -> None:
    executor.hold()
    waiting = await discord.slash("imagine", {"prompt": "a cat"})
    await answer(discord, waiting)
    question = await answer(discord, await discord.slash("forget"))

    refused = await told(discord, await discord.press(question, "Erase everything of mine"))

    assert refused == "You have jobs that are not finished yet. Wait for them, or use /cancel all first."
    executor.release()
    await result(discord, waiting)


async def test_forgetting_erases_what_was_brought_unless_another_person_brought_it_too(
    discord: LoopbackDiscord, settings: Settings, executor: FakeExecutor
) -> None:
    pictures = settings.data_dir / "pictures"
    mine, shared = png(64, 64, (1, 2, 3)), png(64, 64, (4, 5, 6))
    async with running(discord, settings, executor):
        for photo, person in ((mine, "member"), (shared, "member"), (shared, "stranger")):
            files = [UploadedFile("files[0]", "photo.png", "image/png", photo)]
            begun = await discord.slash("imagine", {"prompt": "a", "image": 0}, discord.people[person], files=files)
            await discord.wait_until(lambda begun=begun: bool(begun.pictures))  # type: ignore[misc]
        question = await answer(discord, await discord.slash("forget", {}, discord.people["member"]))
        await told(discord, await discord.press(question, "Erase everything of mine", discord.people["member"]))

    kept = [file.read_bytes() for file in pictures.glob("??/*")]
    assert mine not in kept
    assert shared in kept
