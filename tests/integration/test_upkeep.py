"""Damage is found and named; an upgrade leaves a copy behind."""

import asyncio
import logging
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import JobState, Picture
from bot.errors import StorageError
from bot.persistence.database import Database, downgrade, newest_revision, upgrade
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.upkeep import check, upgrade_safely
from bot.settings import Settings
from tests.fakes import FakeExecutor
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord
from tests.unit.bot.jobs import job


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'easel.db'}"


@pytest.fixture
def store(tmp_path: Path) -> FilePictureStore:
    return FilePictureStore(tmp_path / "pictures")


@pytest.fixture
async def digests(url: str, store: FilePictureStore) -> list[str]:
    """Three pictures of one job, kept as they should be."""
    await upgrade(url)
    kept = [await store.put(content) for content in (b"one", b"two", b"three")]
    pictures = tuple(Picture(digest=digest, media_type="image/png", size=3, seed=7) for digest in kept)
    painted = replace(job(count=3), state=JobState.RENDERED, pictures=pictures)
    database = Database(url)
    ledger = SqlJobs(database, "me")
    await ledger.add(painted)
    await ledger.rendered(painted, 1.0)
    await database.close()
    return kept


@pytest.mark.usefixtures("digests")
async def test_what_is_whole_is_left_in_peace(url: str, store: FilePictureStore) -> None:
    assert await check(url, store) == []


async def test_missing_damaged_and_foreign_pictures_are_named(
    url: str, store: FilePictureStore, digests: list[str], tmp_path: Path
) -> None:
    missing, damaged, _ = digests
    (tmp_path / "pictures" / missing[:2] / missing).unlink()
    (tmp_path / "pictures" / damaged[:2] / damaged).write_bytes(b"rotten")
    foreign = await store.put(b"foreign")

    problems = await check(url, store)

    assert problems == [
        f"Pictures missing from the store: 1 ({missing}).",
        f"Damaged pictures in the store: 1 ({damaged}).",
        f"Files in the store that belong to no job: 1 ({foreign}).",
    ]


@pytest.mark.usefixtures("digests")
async def test_a_damaged_file_is_noticed(url: str, store: FilePictureStore, tmp_path: Path) -> None:
    path = tmp_path / "easel.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_jobs_user_id'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size + 8 : page * size] = bytes(size - 8)
    path.write_bytes(content)

    problems = await check(url, store)

    assert problems
    assert problems[0].startswith("The database's file is damaged:")


async def test_an_older_database_is_copied_before_it_is_upgraded(url: str, digests: list[str], tmp_path: Path) -> None:
    await downgrade(url, "0001")

    copy = await upgrade_safely(url)

    assert copy == tmp_path / f"easel-before-{newest_revision()}.db"
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert len(old.execute("SELECT digest FROM images").fetchall()) == len(digests)
    assert await upgrade_safely(url) is None


async def test_a_new_database_is_made_without_a_copy(url: str, store: FilePictureStore, tmp_path: Path) -> None:
    assert await upgrade_safely(url) is None
    assert await check(url, store) == []


async def test_an_old_schema_is_told_with_its_cure(url: str, store: FilePictureStore) -> None:
    await upgrade(url, "0001")

    assert await check(url, store) == [
        f"The schema is at 0001, this Easel works with {newest_revision()}: run `easel db upgrade`."
    ]


async def test_the_quick_look_reads_no_picture_but_misses_none(
    url: str, store: FilePictureStore, digests: list[str], tmp_path: Path
) -> None:
    missing, damaged, _ = digests
    (tmp_path / "pictures" / missing[:2] / missing).unlink()
    (tmp_path / "pictures" / damaged[:2] / damaged).write_bytes(b"rotten")
    foreign = await store.put(b"foreign")

    assert await check(url, store, thorough=False) == [
        f"Pictures missing from the store: 1 ({missing}).",
        f"Files in the store that belong to no job: 1 ({foreign}).",
    ]


async def test_every_start_says_in_the_log_what_is_wrong(
    discord: LoopbackDiscord, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = await FilePictureStore(settings.pictures_path).put(b"foreign")
    caplog.set_level(logging.INFO)

    async with running(discord, settings, FakeExecutor()):
        await discord.wait_until(lambda: "looked at in" in caplog.text)

    assert f"Files in the store that belong to no job: 1 ({foreign})." in caplog.text


async def test_a_large_store_delays_nobody(
    discord: LoopbackDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = asyncio.Event()

    async def survey(_store: FilePictureStore, *, thorough: bool = True) -> tuple[set[str], set[str]]:
        await endless.wait()
        return set(), set()

    monkeypatch.setattr(FilePictureStore, "survey", survey)

    async with asyncio.timeout(20), running(discord, settings, FakeExecutor()):
        interaction = await discord.slash("imagine", {"prompt": "a cat"})
        await discord.wait_until(lambda: bool(interaction.pictures))


@pytest.mark.usefixtures("digests")
async def test_a_database_that_lost_a_table_is_told_as_damage(
    url: str, store: FilePictureStore, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "easel.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'images'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray((tmp_path / "easel.db").read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    (tmp_path / "easel.db").write_bytes(content)

    with pytest.raises(StorageError, match="My database is damaged"):
        await check(url, store)
