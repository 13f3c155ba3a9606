"""Every migration goes up and down, keeps what was there, and ends where the tables say."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.domain import EXPIRED, Search, now
from bot.errors import SettingsError
from bot.persistence.database import Database, backup, downgrade, newest_revision, upgrade
from bot.persistence.history import SqlHistory
from bot.persistence.jobs import SqlJobs
from bot.persistence.posts import SqlPosts
from bot.persistence.tables import Table, is_ours
from generation import Init, Mask, metadata
from tests.unit.bot.jobs import job


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path / 'deep' / 'easel.db'}"


@pytest.fixture
async def engine(url: str) -> AsyncIterator[AsyncEngine]:
    await upgrade(url)
    engine = create_async_engine(url)
    yield engine
    await engine.dispose()


def drift(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"include_name": is_ours})
    differences: list[object] = compare_metadata(context, Table.metadata)
    return differences


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


async def test_the_migrations_end_in_the_tables_of_the_code(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        assert await connection.run_sync(drift) == []


async def test_up_down_and_up_again(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    await upgrade(url)
    assert {"users", "jobs", "images"} <= tables(path)

    await downgrade(url, "base")
    assert tables(path) <= {"alembic_version"}

    await upgrade(url)
    assert {"users", "jobs", "images"} <= tables(path)


async def test_a_database_of_the_first_release_keeps_its_jobs(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    wanted = job()
    await upgrade(url, "0001")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO users VALUES (1, '2026-01-01 00:00:00')")
        old.execute(
            "INSERT INTO jobs (id, user_id, channel_id, application_id, token, message_id, file_limit, state, request,"
            " asked_at, created_at, seconds, notes) VALUES (?, 1, 10, 30, 'secret', 40, 1000, 'queued', ?,"
            " '2026-01-01 00:00:00', '2026-01-01 00:00:00', 0, '')",
            (wanted.id, metadata.to_json(wanted.request)),
        )

    await upgrade(url)
    database = Database(url)
    taken = await SqlJobs(database, "me").adopt([])
    await database.close()
    await downgrade(url, "0001")

    assert [(each.request, each.weight) for each in taken] == [(wanted.request, 1.0)]
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("SELECT id, state FROM jobs").fetchall() == [(wanted.id, "queued")]


async def test_what_an_earlier_release_painted_is_in_the_history(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    wanted = [job(prompt=prompt) for prompt in ("a red café", "a blue cat", "never painted")]
    await upgrade(url, "0003")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO users VALUES (1, '2026-01-01 00:00:00')")
        for hour, each in enumerate(wanted):
            old.execute(
                "INSERT INTO jobs (id, user_id, channel_id, application_id, token, message_id, file_limit, state,"
                " request, asked_at, created_at, rendered_at, seconds, notes) VALUES (?, 1, 10, 30, 'secret', 40, 1000,"
                " 'posted', ?, '2026-01-01 00:00:00', ?, ?, 0, '')",
                (
                    each.id,
                    metadata.to_json(each.request),
                    f"2026-01-01 0{hour}:00:00",
                    "2026-01-01" if hour < 2 else None,
                ),
            )
        old.execute("INSERT INTO images VALUES (?, 0, 'aa', 'image/png', 3, 7)", (wanted[0].id,))

    await upgrade(url)
    database = Database(url)
    history = SqlHistory(database)
    everything = await history.older(1, Search(), None, 10)
    found = await history.older(1, Search(words=("cafe",)), None, 10)
    await database.close()
    await downgrade(url, "0003")

    assert [entry.job.request for entry in everything] == [wanted[1].request, wanted[0].request]
    assert [len(entry.job.pictures) for entry in everything] == [0, 1]
    assert [entry.job.id for entry in found] == [wanted[0].id]
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("SELECT count(*) FROM jobs").fetchone() == (3,)
        assert old.execute("SELECT count(*) FROM images").fetchone() == (1,)


async def test_jobs_of_the_third_schema_keep_their_pictures_both_ways(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    wanted = job()
    await upgrade(url, "0003")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO users VALUES (1, '2026-01-01 00:00:00')")
        old.execute(
            "INSERT INTO jobs (id, user_id, channel_id, application_id, token, message_id, file_limit, state, request,"
            " asked_at, created_at, seconds, notes) VALUES (?, 1, 10, 30, 'secret', 40, 1000, 'posted', ?,"
            " '2026-01-01 00:00:00', '2026-01-01 00:00:00', 0, '')",
            (wanted.id, metadata.to_json(wanted.request)),
        )
        old.execute("INSERT INTO images VALUES (?, 0, 'ab', 'image/png', 3, 7)", (wanted.id,))

    await upgrade(url)
    database = Database(url)
    post = await SqlPosts(database).find(40)
    await SqlPosts(database).keep(50, wanted.id, 1, 1)
    await database.close()
    await downgrade(url, "0003")

    assert post is not None
    assert (post.job.id, len(post.job.pictures), post.job.derived) == (wanted.id, 1, None)
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("SELECT job_id, seed FROM images").fetchall() == [(wanted.id, 7)]
        assert old.execute("SELECT message_id FROM jobs").fetchall() == [(40,)]


async def test_earlier_releases_tokens_are_cleared_and_who_brought_what_is_noted(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    photo, painted, mask = "a" * 64, "b" * 64, "c" * 64
    first = job(1, init=Init(picture=photo, strength=0.5))
    again = job(2, init=Init(picture=photo, strength=0.5), mask=Mask(picture=mask))
    larger = job(2, init=Init(picture=painted, strength=0.5))
    recent, dead, reaction = job(1), job(1), job(1)
    long_ago, just_now = "2026-01-01 00:00:00", f"{now():%Y-%m-%d %H:%M:%S}"
    rows = [
        (first, 1, "posted", long_ago, "secret", None),
        (again, 2, "posted", long_ago, "secret", first.id),
        (larger, 2, "failed", long_ago, "secret", first.id),
        (recent, 1, "queued", just_now, "secret", None),
        (dead, 1, "queued", long_ago, "secret", None),
        (reaction, 1, "queued", long_ago, "", None),
    ]
    await upgrade(url, "0007")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("INSERT INTO users VALUES (1, '2026-01-01 00:00:00'), (2, '2026-01-01 00:00:00')")
        for each, person, state, at, token, parent in rows:
            old.execute(
                "INSERT INTO jobs (id, user_id, channel_id, application_id, token, message_id, file_limit, state,"
                " request, asked_at, created_at, seconds, notes, parent_job, action) VALUES"
                " (?, ?, 10, 30, ?, 40, 1000, ?, ?, ?, ?, 0, '', ?, 'reroll')",
                (each.id, person, token, state, metadata.to_json(each.request), at, at, parent),
            )
        old.execute("INSERT INTO images VALUES (?, 0, ?, 'image/png', 3, 7)", (first.id, painted))

    await upgrade(url)

    with closing(sqlite3.connect(path)) as new:
        tokens = dict(new.execute("SELECT id, token FROM jobs").fetchall())
        brought = new.execute("SELECT user_id, digest FROM inputs ORDER BY user_id").fetchall()
    assert [tokens[each.id] for each in (first, again, larger)] == ["", "", ""]
    assert [tokens[each.id] for each in (recent, dead, reaction)] == ["secret", EXPIRED, ""]
    assert brought == [(1, photo), (2, mask)]
    await downgrade(url, "0007")
    with closing(sqlite3.connect(path)) as old:
        assert old.execute("SELECT digest FROM images").fetchall() == [(painted,)]


async def test_upgrading_again_changes_nothing(url: str) -> None:
    await upgrade(url)
    database = Database(url)
    kept = replace(job(), weight=2.5)
    await SqlJobs(database, "me").add(kept)

    await upgrade(url)

    assert await SqlJobs(database, "me").find(kept.id) == kept
    assert await database.revision() == newest_revision()
    await database.close()


async def test_a_backup_taken_while_the_bot_writes_holds_every_job(url: str, tmp_path: Path) -> None:
    await upgrade(url)
    database = Database(url)
    ledger = SqlJobs(database, "me")
    kept = [job(person) for person in range(20)]
    for each in kept[:10]:
        await ledger.add(each)

    await asyncio.gather(backup(url, tmp_path / "copy.db"), *(ledger.add(each) for each in kept[10:]))

    await database.close()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert {each.id for each in kept[:10]} <= {name for (name,) in connection.execute("SELECT id FROM jobs")}
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("no url at all", "DATABASE_URL cannot be used"),
        ("oracle+nothing://host/db", "DATABASE_URL cannot be used"),
        ("sqlite+aiosqlite:////proc/easel.db", "The database cannot be opened"),
    ],
)
async def test_a_database_that_cannot_be_used_is_named(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        await upgrade(url)


async def test_a_file_that_is_no_database_is_left_alone(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    path.parent.mkdir()
    path.write_text("my diary, not a database, and long enough to be taken for one" * 40)

    with pytest.raises(SettingsError, match="file is not a database"):
        await upgrade(url)

    assert path.read_text().startswith("my diary")


async def test_an_unknown_revision_is_named(url: str) -> None:
    with pytest.raises(SettingsError, match="'nope'"):
        await upgrade(url, "nope")


async def test_nothing_is_backed_up_where_there_is_nothing(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no database yet"):
        await backup(url, tmp_path / "copy.db")


async def test_speeds_of_neighbouring_areas_become_one_speed(url: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "easel.db"
    await upgrade(url, "0007")
    with closing(sqlite3.connect(path)) as old, old:
        rows = [
            ("tiny", 1024 * 1024, 2.0, 3),
            ("tiny", 1024 * 1016, 8.0, 1),
            ("tiny", 512 * 512, 1.0, 2),
            ("tiny", 0, 0.5, 6),
        ]
        old.executemany("INSERT INTO speeds VALUES (?, ?, ?, ?)", rows)

    await upgrade(url)

    with closing(sqlite3.connect(path)) as new:
        kept = new.execute("SELECT pixels, seconds_per_unit, jobs FROM speeds ORDER BY pixels").fetchall()
    assert [(pixels, jobs) for pixels, _, jobs in kept] == [(0, 6), (512 * 512, 2), (1024 * 1024, 4)]
    assert [seconds for _, seconds, _ in kept] == pytest.approx([0.5, 1.0, 2.0 * 4**0.25])
