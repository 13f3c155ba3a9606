"""The ledger and the picture store on a real SQLite and a real disk."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from bot.domain import JobState, Picture, Speed
from bot.persistence.database import Database, upgrade
from bot.persistence.ledger import SqlLedger
from bot.persistence.pictures import PictureFolder
from bot.persistence.speeds import SqlSpeedBook
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
def ledger(database: Database) -> SqlLedger:
    return SqlLedger(database)


async def test_what_was_learned_of_a_size_replaces_what_was_known(database: Database) -> None:
    book = SqlSpeedBook(database)
    await book.keep(Speed("tiny", 64, 1.0, 1))
    await book.keep(Speed("tiny", 128, 2.0, 1))

    await book.keep(Speed("tiny", 64, 1.5, 2))

    assert sorted(await book.known(), key=lambda speed: speed.pixels) == [
        Speed("tiny", 64, 1.5, 2), Speed("tiny", 128, 2.0, 1)
    ]  # fmt: skip


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def test_a_job_is_found_as_it_was_kept(ledger: SqlLedger) -> None:
    kept = job(prompt="a café 🎨", negative_prompt="fog", seed=2**53 - 2)

    await ledger.add(kept)

    assert await ledger.find(kept.id) == kept
    assert await ledger.find("nothing") is None


async def test_a_rendered_job_comes_back_with_its_pictures_in_order(ledger: SqlLedger) -> None:
    kept = job(count=2)
    pictures = (PICTURE, replace(PICTURE, digest="cd" * 32, seed=8))
    await ledger.add(kept)
    await ledger.begin(kept.id)

    await ledger.rendered(kept.id, pictures, 1.5, ("Memory was short.",))

    found = await ledger.find(kept.id)
    assert found == replace(kept, state=JobState.RENDERED, pictures=pictures, seconds=1.5, notes=("Memory was short.",))


async def test_only_unfinished_jobs_are_taken_up_again_the_oldest_first(ledger: SqlLedger) -> None:
    queued, running, rendered, posted, failed, cancelled = jobs = [job(person) for person in range(6)]
    for each in jobs:
        await ledger.add(each)
    await ledger.begin(running.id)
    await ledger.rendered(rendered.id, (PICTURE,), 1, ())
    await ledger.posted(posted.id, 99)
    await ledger.failed(failed.id, "no luck")
    await ledger.cancelled(cancelled.id)

    unfinished = await ledger.unfinished()

    assert [each.id for each in unfinished] == [queued.id, running.id, rendered.id]
    assert [each.state for each in unfinished] == [JobState.QUEUED, JobState.RUNNING, JobState.RENDERED]


async def test_a_job_is_never_kept_twice(ledger: SqlLedger) -> None:
    kept = job()
    await ledger.add(kept)

    with pytest.raises(IntegrityError):
        await ledger.add(kept)


async def test_a_hundred_commands_at_once_are_all_kept(ledger: SqlLedger) -> None:
    jobs = [job(person % 7) for person in range(100)]

    await asyncio.gather(*(ledger.add(each) for each in jobs))

    assert {each.id for each in await ledger.unfinished()} == {each.id for each in jobs}


async def test_sqlite_keeps_its_promises(database: Database, tmp_path: Path) -> None:
    await SqlLedger(database).add(job())

    async with database.reading() as session:
        connection = await session.connection()
        for pragma, value in {
            "journal_mode": "wal",
            "foreign_keys": 1,
            "synchronous": 2,
            "busy_timeout": 10000,
        }.items():
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar() == value
    with closing(sqlite3.connect(tmp_path / "easel.db")) as other:
        assert other.execute("SELECT count(*) FROM jobs").fetchone() == (1,)


async def test_a_file_is_kept_under_its_content(tmp_path: Path) -> None:
    store = PictureFolder(tmp_path)

    digest = await store.put(b"picture")

    assert digest == hashlib.sha256(b"picture").hexdigest()
    assert await store.get(digest) == b"picture"
    assert await store.put(b"picture") == digest
    assert files(tmp_path) == [digest]


async def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(OSError, match="No space left"):
        await PictureFolder(tmp_path).put(b"picture")

    assert files(tmp_path) == []
