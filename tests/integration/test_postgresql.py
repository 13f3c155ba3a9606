"""The same on PostgreSQL, where there is one."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from bot.domain import EXPIRED, Action, Copy, Derivation, JobState, Picture, Post, Waiting, now
from bot.errors import JobTakenError, SettingsError
from bot.persistence.database import Database, backup, downgrade, newest_revision, upgrade
from bot.persistence.inputs import SqlInputs
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.posts import SqlPosts, SqlStars
from bot.persistence.retention import SqlRetention
from bot.persistence.tables import Table
from bot.persistence.upkeep import check, upgrade_safely
from bot.persistence.workers import SqlWorkers, this_process
from bot.settings import Settings
from generation import Init
from tests import postgresql
from tests.fakes import FakeExecutor
from tests.integration.conftest import running
from tests.loopback import LoopbackDiscord
from tests.unit.bot.jobs import job

pytest.importorskip("asyncpg", reason="asyncpg is not installed: pip install '.[postgresql]'")
if postgresql.find("initdb") is None:
    pytest.skip("PostgreSQL is not installed on this machine", allow_module_level=True)


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    folder = Path(tempfile.mkdtemp(prefix="easel-postgresql-"))
    folder.chmod(0o755)
    with postgresql.serving(folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def url(server: postgresql.Server) -> str:
    return server.new_database()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


def drift(connection: Connection) -> list[object]:
    """Compares the schema with the code's, which cannot say what the index of words is made of."""
    differences: list[Any] = compare_metadata(MigrationContext.configure(connection), Table.metadata)
    return [each for each in differences if getattr(each[1], "name", "") != "ix_history_search"]


async def test_the_schema_goes_up_down_and_up_again_and_is_that_of_the_code(url: str) -> None:
    await upgrade_safely(url)
    await downgrade(url, "base")
    await upgrade(url)

    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(drift) == []
    await engine.dispose()


async def test_a_job_comes_back_as_it_was_kept(database: Database) -> None:
    ledger = SqlJobs(database, "me")
    wanted = replace(job(count=2), weight=2.5)
    pictures = tuple(Picture(digest=letter * 64, media_type="image/png", size=3, seed=2**50) for letter in "ab")
    await ledger.add(wanted)
    await ledger.begin(wanted.id)

    await ledger.rendered(replace(wanted, pictures=pictures, seconds=1.5, notes=("a note",)), 1.25)

    found = await ledger.find(wanted.id)
    assert found == replace(wanted, state=JobState.RENDERED, pictures=pictures, seconds=1.5, notes=("a note",))
    assert (await ledger.usage(wanted.origin.user_id)).device_seconds == pytest.approx(1.25)


async def test_a_command_becomes_a_job_once(database: Database) -> None:
    wanted = job()
    await SqlJobs(database, "me").add(wanted)

    with pytest.raises(JobTakenError):
        await SqlJobs(database, "another").add(replace(wanted, id="0123456789"))


async def test_a_hundred_commands_at_once_are_all_kept_and_adopted_once(database: Database) -> None:
    jobs = [job(person % 7) for person in range(100)]
    await asyncio.gather(*(SqlJobs(database, "gone").add(each) for each in jobs))

    names = ("one", "two", "three")
    for name in names:
        await SqlWorkers(database, replace(this_process(), id=name)).register()

    taken = await asyncio.gather(*(SqlJobs(database, name).adopt(["gone"]) for name in names))

    assert sorted(each.id for some in taken for each in some) == sorted(each.id for each in jobs)


async def test_what_is_no_longer_wanted_is_heard_of_where_it_is_looked_after(database: Database) -> None:
    wanted = job()
    me, another = SqlJobs(database, "me"), SqlJobs(database, "another")
    await me.add(wanted)

    await another.request_cancel(wanted.id)

    assert await me.cancel_requested() == [wanted]
    assert await another.cancel_requested() == []


async def test_what_people_do_with_results_is_kept(database: Database) -> None:
    derived = Derivation(parent_job="0123456789", parent_index=2, action=Action.REROLL, reaction="40:🎲")
    wanted = replace(job(), derived=derived)
    await SqlJobs(database, "me").add(wanted)
    posts, stars = SqlPosts(database), SqlStars(database)
    await posts.keep(50, wanted.id, 3, 77)

    post = await posts.find(50)

    assert post == Post(job=wanted, number=3, person=77)
    assert await posts.asked_by("40:🎲", wanted.origin.user_id) == wanted
    assert [await stars.add(50, post, person) for person in (1, 1, 2)] == [1, 1, 2]
    await stars.copied(50, wanted.id, Copy(7, 8))
    assert await stars.copy_of(50) == Copy(7, 8)


async def test_what_may_go_is_found_and_noted(database: Database) -> None:
    ledger, retention, inputs = SqlJobs(database, "me"), SqlRetention(database), SqlInputs(database)
    photo, late = "b" * 64, now() + timedelta(days=1)
    painted = job()
    await ledger.add(painted)
    picture = Picture(digest="a" * 64, media_type="image/png", size=3, seed=7)
    await ledger.rendered(replace(painted, pictures=(picture,)), 1.0)
    await ledger.posted(painted.id, 99)
    waiting = job(init=Init(picture=photo, strength=0.5))
    await ledger.add(waiting)
    await inputs.note(1, {photo: 10})
    await inputs.note(1, {photo: 20})

    await retention.expire_tokens(late)
    assert await inputs.waiting(1) == Waiting(1, 20)
    assert await retention.oldest(late, 10, starred=False) == ["a" * 64]
    assert await retention.orphans({"a" * 64, photo, "c" * 64}, late) == ["c" * 64]
    await retention.removed(["a" * 64])
    assert await retention.present([]) == [20]
    assert await retention.erase_server(20) == ["a" * 64]
    found = await ledger.find(waiting.id)
    assert found is not None
    assert found.origin.token == EXPIRED
    assert await ledger.find(painted.id) is None


async def test_a_living_process_keeps_what_it_has(database: Database) -> None:
    me = SqlWorkers(database, this_process())
    await me.register()
    await me.renew()

    assert await SqlWorkers(database, replace(this_process(), id="other")).dead() == []
    await me.leave()


async def test_damage_is_looked_for_and_copies_are_left_to_its_own_tools(url: str, tmp_path: Path) -> None:
    await upgrade(url, "0001")
    store = FilePictureStore(tmp_path / "pictures")
    old = await check(url, store)
    await upgrade(url)

    assert old == [f"The schema is at 0001, this Easel works with {newest_revision()}: run `easel db upgrade`."]
    assert await check(url, store) == []
    with pytest.raises(SettingsError, match="pg_dump"):
        await backup(url, tmp_path / "copy")


async def test_the_whole_bot_paints_with_it_and_goes_on_after_a_restart(
    discord: LoopbackDiscord, settings: Settings, url: str
) -> None:
    settings = settings.model_copy(update={"database_url": url})
    executor = FakeExecutor()
    executor.hold()
    async with running(discord, settings, executor):
        interaction = await discord.slash("imagine", {"prompt": "a cat"})
        await discord.wait_until(lambda: len(executor.requests) == 1)

    async with running(discord, settings, FakeExecutor()):
        await discord.wait_until(lambda: bool(interaction.pictures))

    assert len(discord.general.messages) == 1
