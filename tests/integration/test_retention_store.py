"""What may go and what has gone, on a real SQLite."""

import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from bot.domain import EXPIRED, Job, Owner, Picture, Preset, Scope, Search, Waiting, now
from bot.persistence.choices import SqlChoices, SqlPresets
from bot.persistence.database import Database, upgrade
from bot.persistence.history import SqlHistory
from bot.persistence.inputs import SqlInputs
from bot.persistence.jobs import SqlJobs
from bot.persistence.retention import SqlRetention
from bot.persistence.tables import InputRow, JobRow
from generation import Init
from tests.unit.bot.jobs import job

ME, YOU = 1, 2
AGES_AGO, YESTERDAY, TOMORROW = now() - timedelta(days=400), now() - timedelta(days=1), now() + timedelta(days=1)


WORDS: dict[str, str] = {}


def sha(word: str) -> str:
    """Returns the SHA-256 that stands for a word."""
    digest = hashlib.sha256(word.encode()).hexdigest()
    WORDS[digest] = word
    return digest


def in_words(digests: Iterable[str]) -> list[str]:
    return [WORDS[digest] for digest in digests]


def sizes(**files: int) -> dict[str, int]:
    return {sha(word): size for word, size in files.items()}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'easel.db'}"
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def ledger(database: Database) -> SqlJobs:
    return SqlJobs(database, "me")


@pytest.fixture
def retention(database: Database) -> SqlRetention:
    return SqlRetention(database)


async def painted(ledger: SqlJobs, digest: str, at: datetime | None = None, person: int = ME, guild: int = 20) -> Job:
    wanted = job(person)
    wanted = replace(wanted, created_at=at or now(), origin=replace(wanted.origin, guild_id=guild))
    await ledger.add(wanted)
    picture = Picture(digest=sha(digest), media_type="image/png", size=3, seed=7)
    await ledger.rendered(replace(wanted, pictures=(picture,)), 1.0)
    await ledger.posted(wanted.id, 99)
    return wanted


def beginning(digest: str, person: int = ME, at: datetime | None = None) -> Job:
    begun = job(person, init=Init(picture=sha(digest), strength=0.5))
    return replace(begun, created_at=at or now())


async def token(database: Database, wanted: Job) -> str:
    async with database.reading() as session:
        return str(await session.scalar(select(JobRow.token).where(JobRow.id == wanted.id)))


async def aged(database: Database, digest: str, at: datetime) -> None:
    async with database.writing() as session:
        await session.execute(update(InputRow).where(InputRow.digest == sha(digest)).values(taken_at=at))


async def test_a_job_that_has_ended_keeps_no_token(database: Database, ledger: SqlJobs) -> None:
    posted, failed, cancelled, waiting = (job() for _ in range(4))
    await ledger.add(posted, failed, cancelled, waiting)

    await ledger.rendered(posted, 1.0)
    await ledger.posted(posted.id, 99)
    await ledger.failed(failed.id, "why")
    await ledger.cancelled(cancelled.id)

    assert [await token(database, each) for each in (posted, failed, cancelled, waiting)] == ["", "", "", "secret"]


async def test_dead_tokens_of_jobs_that_still_wait_are_cleared(
    database: Database, ledger: SqlJobs, retention: SqlRetention
) -> None:
    late, early, reaction = job(asked=timedelta(minutes=16)), job(), job(asked=timedelta(minutes=16))
    await ledger.add(late, early, replace(reaction, origin=replace(reaction.origin, token="")))

    await retention.expire_tokens(now() - timedelta(minutes=15))

    assert [await token(database, each) for each in (late, early, reaction)] == [EXPIRED, "secret", ""]
    found = await ledger.find(late.id)
    assert found is not None
    assert not found.origin.answerable(now())


async def test_the_oldest_pictures_come_first_and_starred_ones_only_when_asked_for(
    database: Database, ledger: SqlJobs, retention: SqlRetention
) -> None:
    dear = await painted(ledger, "dear", AGES_AGO)
    await painted(ledger, "old", AGES_AGO + timedelta(days=1))
    await painted(ledger, "shared", AGES_AGO)
    await painted(ledger, "shared")
    await painted(ledger, "new")
    await SqlHistory(database).star(ME, dear, starred=True)

    assert in_words(await retention.oldest(YESTERDAY, 10, starred=False)) == ["old"]
    assert in_words(await retention.oldest(YESTERDAY, 10, starred=True)) == ["dear", "old"]
    assert in_words(await retention.oldest(TOMORROW, 2, starred=True)) == ["dear", "old"]


async def test_what_an_unfinished_job_needs_or_has_painted_stays(
    database: Database, ledger: SqlJobs, retention: SqlRetention
) -> None:
    inputs = SqlInputs(database)
    await painted(ledger, "needed", AGES_AGO)
    await inputs.note(ME, sizes(brought=10, idle=10))
    unposted = job()
    await ledger.add(beginning("needed"), beginning("brought"), unposted)
    picture = Picture(digest=sha("unposted"), media_type="image/png", size=3, seed=7)
    await ledger.rendered(replace(unposted, pictures=(picture,)), 1.0)

    assert in_words(await retention.oldest(TOMORROW, 10, starred=True)) == ["idle"]


async def test_a_removed_picture_leaves_its_job_in_the_history(
    database: Database, ledger: SqlJobs, retention: SqlRetention
) -> None:
    wanted = await painted(ledger, "old", AGES_AGO)

    await retention.removed([sha("old")])

    found = await ledger.find(wanted.id)
    assert found is not None
    assert found.pictures[0].removed_at is not None
    assert len(await SqlHistory(database).older(ME, Search(), None, 10)) == 1
    assert in_words(await retention.oldest(TOMORROW, 10, starred=True)) == []


async def test_orphans_are_files_that_no_job_has_or_only_ones_that_came_to_nothing(
    database: Database, ledger: SqlJobs, retention: SqlRetention
) -> None:
    inputs = SqlInputs(database)
    await painted(ledger, "painted")
    await painted(ledger, "removed")
    await retention.removed([sha("removed")])
    used, failed, failing = beginning("used"), beginning("idle", at=AGES_AGO), beginning("recently")
    await ledger.add(used, failed, failing)
    await ledger.cancelled(failed.id)
    await ledger.failed(failing.id, "why")
    await inputs.note(ME, sizes(refused=10, idle=10, recent=10))
    for digest in ("refused", "idle"):
        await aged(database, digest, AGES_AGO)

    there = {"painted", "removed", "used", "idle", "recently", "refused", "recent", "foreign"}
    found = in_words(await retention.orphans(set(map(sha, there)), YESTERDAY))

    assert sorted(found) == ["foreign", "idle", "refused", "removed"]
    async with database.reading() as session:
        assert in_words(await session.scalars(select(InputRow.digest))) == ["recent"]


async def test_what_a_person_has_waiting_is_counted_by_unfinished_jobs(database: Database, ledger: SqlJobs) -> None:
    inputs = SqlInputs(database)
    done, mine, yours = beginning("done"), beginning("mine"), beginning("yours", YOU)
    await ledger.add(done, mine, yours, beginning("painted"))
    await ledger.failed(done.id, "why")
    await inputs.note(ME, sizes(done=1, mine=20))
    await inputs.note(ME, sizes(mine=25))
    await inputs.note(YOU, sizes(yours=300))

    assert await inputs.waiting(ME) == Waiting(1, 25)
    assert await inputs.waiting(3) == Waiting(0, 0)


async def test_what_one_brought_is_erased_whoever_uses_it_but_not_what_others_brought_too(
    database: Database, ledger: SqlJobs
) -> None:
    inputs = SqlInputs(database)
    await painted(ledger, "theirs", person=YOU)
    using = beginning("photo", YOU)
    await ledger.add(using)
    await inputs.note(ME, sizes(photo=1, both=1, refused=1))
    await inputs.note(YOU, sizes(both=1))

    assert sorted(in_words(await SqlHistory(database).erase(ME))) == ["photo", "refused"]

    assert len(await SqlHistory(database).older(YOU, Search(), None, 10)) == 1
    assert await ledger.find(using.id) is not None


async def test_a_server_that_was_left_is_noted_once_and_forgotten_when_the_bot_is_back(
    ledger: SqlJobs, retention: SqlRetention
) -> None:
    await painted(ledger, "here", guild=20)
    await painted(ledger, "there", guild=21)

    assert await retention.present([20]) == [21]
    assert await retention.present([20]) == []
    await retention.left(22, [5])
    assert await retention.left_before(TOMORROW) == [21, 22]
    assert await retention.left_before(YESTERDAY) == []
    assert await retention.present([20, 21, 22]) == []
    assert await retention.left_before(TOMORROW) == []


async def test_erasing_a_server_leaves_other_servers_and_direct_messages(
    database: Database, ledger: SqlJobs, retention: SqlRetention
) -> None:
    choices, presets, history = SqlChoices(database), SqlPresets(database), SqlHistory(database)
    gone, kept = [Owner(Scope.SERVER, 20), Owner(Scope.CHANNEL, 10), Owner(Scope.CHANNEL, 5)], Owner(Scope.PERSON, ME)
    await painted(ledger, "there", guild=20)
    await painted(ledger, "both", guild=20)
    await painted(ledger, "both", guild=21)
    for owner in (*gone, kept):
        await choices.keep(owner, {"steps": 20})
    await presets.keep(Preset(name="moody", owner=gone[0], values={"steps": 20}), 2)
    await retention.left(20, [5])

    assert in_words(await retention.erase_server(20)) == ["there"]

    assert await choices.of([*gone, kept]) == {kept: {"steps": 20}}
    assert await presets.of(gone) == []
    assert [entry.job.origin.guild_id for entry in await history.older(ME, Search(), None, 10)] == [21]
    assert await retention.left_before(TOMORROW) == []
