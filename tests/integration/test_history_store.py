"""Histories, choices, presets and drafts on a real SQLite."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain import DeliveryPreferences, Draft, Job, JobState, Owner, Picture, Preset, Scope, Search, now
from bot.errors import LimitError
from bot.persistence.choices import SqlChoices, SqlPresets
from bot.persistence.database import Database, upgrade
from bot.persistence.drafts import SqlDrafts
from bot.persistence.history import SqlHistory
from bot.persistence.jobs import SqlJobs
from tests.unit.bot.jobs import job

ME, YOU = 1, 2
MINE, SERVER = Owner(Scope.PERSON, ME), Owner(Scope.SERVER, ME)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'easel.db'}"
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def history(database: Database) -> SqlHistory:
    return SqlHistory(database)


async def painted(database: Database, person: int, prompt: str, digest: str = "aa", model: str = "tiny") -> Job:
    ledger = SqlJobs(database, "me")
    wanted = job(person, prompt=prompt, model=model)
    await ledger.add(wanted)
    done = replace(wanted, pictures=(Picture(digest=digest, media_type="image/png", size=3, seed=7),))
    await ledger.rendered(done, 1.0)
    await ledger.posted(wanted.id, 99)
    return wanted


async def prompts(history: SqlHistory, person: int = ME, **search: object) -> list[str]:
    found = await history.older(person, Search(**search), None, 10)  # type: ignore[arg-type]
    return [entry.job.request.prompt for entry in found]


def files_with(word: bytes, folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if word in file.read_bytes()]


async def test_a_history_is_the_persons_own_the_newest_first(database: Database, history: SqlHistory) -> None:
    for prompt in ("a cat", "a dog", "an owl"):
        await painted(database, ME, prompt)
    await painted(database, YOU, "a secret")

    assert await prompts(history) == ["an owl", "a dog", "a cat"]


async def test_a_history_is_turned_forwards_and_back(database: Database, history: SqlHistory) -> None:
    for number in range(5):
        await painted(database, ME, f"number {number}")

    first = await history.older(ME, Search(), None, 2)
    second = await history.older(ME, Search(), first[-1].number, 2)
    back = await history.newer(ME, Search(), second[0].number, 2)

    assert [entry.job.request.prompt for entry in second] == ["number 2", "number 1"]
    assert back == first


async def test_words_are_found_in_ones_own_prompts_alone(database: Database, history: SqlHistory) -> None:
    await painted(database, ME, "A red café, at night")
    await painted(database, ME, "a blue café")
    await painted(database, YOU, "a red café")

    assert await prompts(history, words=("cafe", "red")) == ["A red café, at night"]
    assert await prompts(history, words=("CAFÉ",)) == ["a blue café", "A red café, at night"]
    assert await prompts(history, words=("caf",)) == ["a blue café", "A red café, at night"]
    assert await prompts(history, words=("2",)) == []
    assert await prompts(history, words=("OR", "red")) == []


async def test_a_history_is_filtered_by_model_time_and_star(database: Database, history: SqlHistory) -> None:
    cat = await painted(database, ME, "a cat")
    await painted(database, ME, "a dog", model="Other")

    await history.star(ME, cat, starred=True)
    assert await prompts(history, starred=True) == ["a cat"]
    assert await prompts(history, model="other") == ["a dog"]
    assert await prompts(history, since=now() - timedelta(minutes=1)) == ["a dog", "a cat"]
    assert await prompts(history, until=now() - timedelta(minutes=1)) == []
    await history.star(ME, cat, starred=False)
    assert await prompts(history, starred=True) == []


async def test_who_wants_no_history_has_none(database: Database, history: SqlHistory) -> None:
    ledger = SqlJobs(database, "me")
    wanted = replace(job(ME), wishes=DeliveryPreferences(remembered=False, spoiler=True))
    await ledger.add(wanted)
    await ledger.rendered(wanted, 1.0)

    assert await prompts(history) == []
    assert (await ledger.find(wanted.id) or wanted).wishes == wanted.wishes


async def test_a_person_has_so_many_drafts_and_others_keep_theirs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.persistence.drafts.MOST", 3)
    drafts = SqlDrafts(database)
    yours = await drafts.keep(Draft(YOU, {}))

    mine = [await drafts.keep(Draft(ME, {"number": number})) for number in range(5)]

    found = [await drafts.find(draft) is not None for draft in (yours, *mine)]
    assert found == [True, False, False, True, True, True]


async def test_what_is_erased_is_in_no_file_any_more(database: Database, history: SqlHistory, tmp_path: Path) -> None:
    await painted(database, ME, "a zanzibar leopard", "aa")
    await painted(database, ME, "another zanzibar", "bb")
    yours = await painted(database, YOU, "a cat", "bb")
    await SqlPresets(database).keep(Preset(name="zanzibar", owner=MINE, values={"steps": 3}), 20)
    await SqlChoices(database).keep(MINE, {"negative": "zanzibar"})
    await SqlDrafts(database).keep(Draft(ME, {"prompt": "zanzibar"}))

    alone = await history.erase(ME)
    await database.forget_deleted()

    assert alone == ["aa"]
    assert files_with(b"zanzibar", tmp_path) == []
    assert await prompts(history) == []
    assert await prompts(history, YOU) == ["a cat"]
    assert await SqlJobs(database, "me").find(yours.id) is not None
    assert await history.erase(ME) == []


async def test_nothing_is_erased_while_a_job_is_under_way(database: Database, history: SqlHistory) -> None:
    await painted(database, ME, "a cat")
    waiting = job(ME)
    await SqlJobs(database, "me").add(waiting)

    with pytest.raises(LimitError, match="jobs that are not finished yet"):
        await history.erase(ME)

    assert await prompts(history) == ["a cat"]
    assert waiting.state is JobState.QUEUED


async def test_choices_are_kept_by_owner(database: Database) -> None:
    choices = SqlChoices(database)
    await choices.keep(MINE, {"steps": 20, "negative": "dögs"})
    await choices.keep(SERVER, {"steps": 30})
    await choices.keep(MINE, {"steps": 21})
    await choices.keep(SERVER, {})

    assert await choices.of([MINE, SERVER, Owner(Scope.CHANNEL, 5)]) == {MINE: {"steps": 21}}


async def test_presets_are_kept_by_owner_and_name(database: Database) -> None:
    presets = SqlPresets(database)
    moody = Preset(name="moody", owner=MINE, values={"steps": 20})
    await presets.keep(moody, 2)
    await presets.keep(replace(moody, values={"steps": 21}), 2)
    await presets.keep(replace(moody, owner=SERVER), 2)
    await presets.keep(replace(moody, name="film"), 2)

    with pytest.raises(LimitError, match="There are 2 presets already"):
        await presets.keep(replace(moody, name="third"), 2)
    with pytest.raises(LimitError, match="a preset named film already"):
        await presets.rename(MINE, "moody", "film")
    assert await presets.rename(MINE, "moody", "dark")
    assert await presets.delete(MINE, "film")
    assert not await presets.delete(MINE, "film")
    assert [(p.name, p.values) for p in await presets.of([MINE])] == [("dark", {"steps": 21})]
    assert [p.name for p in await presets.of([MINE, SERVER])] == ["dark", "moody"]


async def test_a_shared_preset_keeps_its_code(database: Database) -> None:
    presets = SqlPresets(database)
    await presets.keep(Preset(name="moody", owner=MINE, values={"steps": 20}), 2)

    assert await presets.share(MINE, "moody", "code000001") == "code000001"
    assert await presets.share(MINE, "moody", "code000002") == "code000001"
    assert await presets.share(MINE, "nothing", "code000003") is None
    found = await presets.by_code("code000001")
    assert found is not None
    assert (found.name, found.values) == ("moody", {"steps": 20})
    assert await presets.by_code("code000002") is None


async def test_a_draft_is_taken_once(database: Database) -> None:
    drafts = SqlDrafts(database)
    name = await drafts.keep(Draft(ME, {"prompt": "a cat"}))

    assert await drafts.find(name) == Draft(ME, {"prompt": "a cat"})
    assert await drafts.take(name)
    assert not await drafts.take(name)
    assert await drafts.find(name) is None
