"""The ledger and the picture store on a real SQLite and a real disk."""

import asyncio
import errno
import hashlib
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.domain import JobState, Picture, Speed, Usage, Worker, now
from bot.errors import JobTakenError, PictureLostError, StorageError
from bot.persistence import workers
from bot.persistence.database import Database, upgrade
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.speeds import SqlSpeeds
from bot.persistence.tables import WorkerRow
from bot.persistence.workers import SqlWorkers, this_process
from tests.unit.bot.jobs import job

PICTURE = Picture(digest="ab" * 32, media_type="image/png", size=3, seed=7)


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


async def test_what_was_learned_of_a_size_replaces_what_was_known(database: Database) -> None:
    book = SqlSpeeds(database)
    await book.keep([Speed("tiny", 64, 1.0, 1), Speed("tiny", 128, 2.0, 1)])

    await book.keep([Speed("tiny", 64, 1.5, 2)])
    await book.keep([])

    assert sorted(await book.known(), key=lambda speed: speed.pixels) == [
        Speed("tiny", 64, 1.5, 2), Speed("tiny", 128, 2.0, 1)
    ]  # fmt: skip


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_a_job_is_found_as_it_was_kept(ledger: SqlJobs) -> None:
    kept = job(prompt="a café 🎨", negative_prompt="fog", seed=2**53 - 2)

    await ledger.add(kept)

    assert await ledger.find(kept.id) == kept
    assert await ledger.find("nothing") is None


async def test_closing_waits_for_what_is_under_way(database: Database) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def reading() -> None:
        async with database.reading() as session:
            await session.scalar(select(WorkerRow.id).limit(1))
            begun.set()
            await asyncio.sleep(0.05)
        ended.set()

    task = asyncio.create_task(reading())
    await begun.wait()
    await database.close()

    assert ended.is_set()
    await task


async def test_what_comes_after_closing_is_refused_and_opens_no_connection(database: Database) -> None:
    await database.close()

    with pytest.raises(StorageError, match="being restarted"):
        async with database.reading():
            pytest.fail("a session was opened")
    with pytest.raises(StorageError, match="being restarted"):
        async with database.writing():
            pytest.fail("a session was opened")


async def test_jobs_are_kept_all_or_none(ledger: SqlJobs) -> None:
    first, second = job(), job(2)
    await ledger.add(first, second)
    third = job()

    with pytest.raises(JobTakenError):
        await ledger.add(third, replace(job(), origin=second.origin))

    assert [await ledger.find(each.id) for each in (first, second, third)] == [first, second, None]


async def test_a_job_is_announced_where_it_was_moved_to_and_taken_up_before_that_without_a_message(
    database: Database, ledger: SqlJobs
) -> None:
    wanted = job()
    wanted = replace(wanted, origin=replace(wanted.origin, message_id=0))
    await ledger.add(wanted)

    await ledger.moved([wanted.id], 77)
    (adopted,) = await SqlJobs(database, "next").adopt(["me"])
    await SqlJobs(database, "next").announced(wanted.id, 99)

    found = await ledger.find(wanted.id)
    assert (adopted.announced, adopted.origin.channel_id) == (False, 77)
    assert found is not None
    assert (found.announced, found.origin.message_id) == (True, 99)
    with pytest.raises(JobTakenError):
        await ledger.announced(wanted.id, 100)


async def test_a_rendered_job_comes_back_with_its_pictures_in_order(ledger: SqlJobs) -> None:
    kept = job(count=2)
    pictures = (PICTURE, replace(PICTURE, digest="cd" * 32, seed=8))
    await ledger.add(kept)
    await ledger.begin(kept.id)

    painted = replace(kept, state=JobState.RENDERED, pictures=pictures, seconds=1.5, notes=("Memory was short.",))
    await ledger.rendered(painted, 1.2)

    assert await ledger.find(kept.id) == painted
    assert await ledger.usage(kept.origin.user_id) == Usage(1, 2, 1.2)
    assert await ledger.usage(99) == Usage(0, 0, 0)


async def test_only_unfinished_jobs_are_taken_up_again_the_oldest_first(ledger: SqlJobs, database: Database) -> None:
    queued, running, rendered, posted, failed, cancelled = jobs = [job(person) for person in range(6)]
    for each in jobs:
        await ledger.add(each)
    await ledger.begin(running.id)
    await ledger.rendered(replace(rendered, pictures=(PICTURE,)), 1)
    await ledger.posted(posted.id, 99)
    await ledger.failed(failed.id, "no luck")
    await ledger.cancelled(cancelled.id)

    unfinished = await SqlJobs(database, "next").adopt(["me"])

    assert [each.id for each in unfinished] == [queued.id, running.id, rendered.id]
    assert [each.state for each in unfinished] == [JobState.QUEUED, JobState.RUNNING, JobState.RENDERED]


async def test_a_command_becomes_a_job_once(ledger: SqlJobs, database: Database) -> None:
    kept = job()
    await ledger.add(kept)

    with pytest.raises(JobTakenError):
        await SqlJobs(database, "another").add(replace(kept, id="other00000"))

    assert await ledger.find("other00000") is None


async def test_a_living_processes_jobs_are_left_alone(ledger: SqlJobs, database: Database) -> None:
    kept = job()
    await SqlWorkers(database, replace(this_process(), id="me")).register()
    await ledger.add(kept)

    assert await SqlJobs(database, "another").adopt(["somebody else"]) == []
    assert await ledger.mine(kept.id)


async def test_what_a_process_left_that_ended_in_good_order_is_taken_up(ledger: SqlJobs, database: Database) -> None:
    workers = SqlWorkers(database, replace(this_process(), id="me"))
    await workers.register()
    kept = job()
    await ledger.add(kept)
    await workers.leave()

    assert await SqlJobs(database, "next").adopt([]) == [kept]
    assert await SqlJobs(database, "next").adopt([]) == []


async def test_who_lost_a_job_can_change_it_no_more(ledger: SqlJobs, database: Database) -> None:
    kept = job()
    await ledger.add(kept)
    heir = SqlJobs(database, "heir")
    await heir.adopt(["me"])

    for change in (
        ledger.begin(kept.id),
        ledger.rendered(kept, 1),
        ledger.posted(kept.id, 1),
        ledger.failed(kept.id, "no"),
        ledger.cancelled(kept.id),
    ):
        with pytest.raises(JobTakenError):
            await change
    await heir.begin(kept.id)

    assert not await ledger.mine(kept.id)


async def test_the_process_that_looks_after_a_job_hears_that_it_is_no_longer_wanted(
    ledger: SqlJobs, database: Database
) -> None:
    mine, painted, wanted = job(), job(), job()
    for each in (mine, painted, wanted):
        await ledger.add(each)
    await ledger.begin(mine.id)
    await ledger.rendered(painted, 1)
    another = SqlJobs(database, "another")

    for each in (mine, painted):
        await another.request_cancel(each.id)

    assert [each.id for each in await ledger.cancel_requested()] == [mine.id]
    assert await another.cancel_requested() == []


async def test_two_processes_never_adopt_the_same_job(ledger: SqlJobs, database: Database) -> None:
    jobs = [job(person) for person in range(30)]
    for each in jobs:
        await ledger.add(each)

    heirs = [f"heir {number}" for number in range(4)]
    for heir in heirs:
        await SqlWorkers(database, replace(this_process(), id=heir)).register()

    shares = await asyncio.gather(*(SqlJobs(database, heir).adopt(["me"]) for heir in heirs))

    assert sorted(each.id for share in shares for each in share) == sorted(each.id for each in jobs)


async def test_a_process_of_this_machine_is_dead_when_it_has_ended_and_not_before(database: Database) -> None:
    child = subprocess.Popen(["sleep", "60"])  # noqa: S607, ASYNC220 - any program will do
    theirs = Worker(
        id="child", host=this_process().host, pid=child.pid, started_at=psutil.Process(child.pid).create_time()
    )
    mine = SqlWorkers(database, this_process())
    await mine.register()
    await SqlWorkers(database, theirs).register()
    assert await mine.dead() == []

    child.kill()
    child.wait()

    assert await mine.dead() == ["child"]


async def test_a_number_that_was_given_to_another_process_is_no_sign_of_life(database: Database) -> None:
    me = this_process()
    mine = SqlWorkers(database, me)
    await SqlWorkers(database, replace(me, id="before", started_at=me.started_at - 1000)).register()

    assert await mine.dead() == ["before"]


async def test_a_process_elsewhere_is_dead_when_its_lease_has_run_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = SqlWorkers(database, this_process())
    await SqlWorkers(database, Worker(id="far", host="elsewhere", pid=1, started_at=0)).register()
    assert await mine.dead() == []

    monkeypatch.setattr(workers, "now", lambda: now() + timedelta(seconds=31))

    assert await mine.dead() == ["far"]


async def test_a_lease_is_renewed_even_after_it_was_taken_for_dead(database: Database) -> None:
    mine, other = SqlWorkers(database, this_process()), SqlWorkers(database, replace(this_process(), id="other"))
    await mine.register()
    await other.delete([(await _only_worker(database))])

    await mine.renew()

    assert await _only_worker(database)


async def test_a_locked_database_is_told_in_words(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def locked(*_: object) -> None:
        raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr(AsyncSession, "execute", locked)

    with pytest.raises(StorageError, match="does not answer"):
        await SqlJobs(database, "me").begin("0000000000")


async def _only_worker(database: Database) -> str:
    async with database.reading() as session:
        return (await session.scalars(select(WorkerRow.id))).one()


async def test_a_hundred_commands_at_once_are_all_kept(ledger: SqlJobs) -> None:
    jobs = [job(person % 7) for person in range(100)]

    await asyncio.gather(*(ledger.add(each) for each in jobs))

    assert all([await ledger.mine(each.id) for each in jobs])


async def test_sqlite_keeps_its_promises(database: Database, tmp_path: Path) -> None:
    await SqlJobs(database, "me").add(job())

    async with database.reading() as session:
        connection = await session.connection()
        for pragma, value in {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "synchronous": 2,
            "busy_timeout": 15_000,
        }.items():
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    with closing(sqlite3.connect(tmp_path / "easel.db")) as other:
        assert other.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


async def test_a_file_is_kept_under_its_content(tmp_path: Path) -> None:
    store = FilePictureStore(tmp_path)

    digest = await store.put(b"picture")

    assert digest == hashlib.sha256(b"picture").hexdigest()
    assert await store.get(digest) == b"picture"
    assert await store.put(b"picture") == digest
    assert files(tmp_path) == [digest]


async def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(PictureLostError, match="my disk is full"):
        await FilePictureStore(tmp_path).put(b"picture")

    assert files(tmp_path) == []
