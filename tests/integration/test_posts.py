"""Posts, stars and derivations on a real SQLite."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import Action, Copy, Derivation, Job, Origin, Post
from bot.errors import PictureLostError
from bot.persistence.database import Database, upgrade
from bot.persistence.jobs import SqlJobs
from bot.persistence.pictures import FilePictureStore
from bot.persistence.posts import SqlPosts, SqlStars
from tests.unit.bot.jobs import job


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'easel.db'}"
    await upgrade(url)
    database = Database(url)
    yield database
    await database.close()


async def kept(database: Database, message_id: int = 40, derived: Derivation | None = None) -> Job:
    wanted = job()
    origin = replace(wanted.origin, message_id=message_id)
    wanted = replace(wanted, origin=origin, derived=derived)
    await SqlJobs(database, "me").add(wanted)
    return wanted


async def test_a_derived_job_knows_its_parent_after_a_restart(database: Database) -> None:
    derived = Derivation(parent_job="0123456789", parent_index=2, action=Action.VARY_STRONG, reaction="40:🎲")

    child = await kept(database, derived=derived)

    assert await SqlJobs(database, "me").find(child.id) == child


async def test_jobs_that_reactions_asked_for_share_no_command(database: Database) -> None:
    origins: list[Origin] = []
    for _ in range(2):
        wanted = job()
        wanted = replace(wanted, origin=replace(wanted.origin, interaction_id=None, token=""))
        await SqlJobs(database, "me").add(wanted)
        found = await SqlJobs(database, "me").find(wanted.id)
        assert found is not None
        origins.append(found.origin)

    assert [origin.interaction_id for origin in origins] == [None, None]


async def test_a_jobs_own_message_shows_all_of_it_and_posts_show_one(database: Database) -> None:
    wanted, posts = await kept(database), SqlPosts(database)
    await posts.keep(50, wanted.id, 3, 77)
    await posts.keep(50, wanted.id, 3, 77)

    assert await posts.find(40) == Post(job=wanted, number=None, person=1)
    assert await posts.find(50) == Post(job=wanted, number=3, person=77)
    assert await posts.find(60) is None


async def test_a_reactions_job_is_found_while_it_is_unfinished(database: Database) -> None:
    derived = Derivation(parent_job="0123456789", parent_index=None, action=Action.REROLL, reaction="40:🎲")
    wanted, posts = await kept(database, derived=derived), SqlPosts(database)

    assert await posts.asked_by("40:🎲", 1) == wanted
    assert await posts.asked_by("40:🎲", 2) is None
    assert await posts.asked_by("40:🔄", 1) is None
    await SqlJobs(database, "me").posted(wanted.id, 41)
    assert await posts.asked_by("40:🎲", 1) is None


async def test_stars_are_counted_by_people(database: Database) -> None:
    stars, post = SqlStars(database), Post(job=await kept(database), number=None, person=1)

    assert [await stars.add(40, post, person) for person in (1, 2, 2, 3)] == [1, 2, 2, 3]
    assert await stars.take(40, 2) == 2
    assert await stars.take(40, 99) == 2
    await stars.copied(40, post.job.id, Copy(7, 8))
    assert await stars.copy_of(40) == Copy(7, 8)
    await stars.forget(40)
    assert await stars.copy_of(40) is None
    assert await stars.add(40, post, 1) == 1


async def test_a_picture_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(PictureLostError, match="I no longer keep this picture"):
        await FilePictureStore(tmp_path).get("ab" * 32)
