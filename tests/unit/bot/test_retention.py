"""What is removed by itself, and when."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import pytest

from bot.domain import TOKEN_LIFE, Owner, Scope, now
from bot.services.people.retention import Limits, Retention, Traces


class MemoryRepository:
    """Pictures by age, the oldest first; every file has 10 bytes."""

    def __init__(self, pictures: dict[str, int], starred: Collection[str] = ()) -> None:
        self.pictures = {name: now() - timedelta(days=days) for name, days in pictures.items()}
        self.starred = set(starred)
        self.noted: list[str] = []
        self.ownerless: list[str] = []
        self.departures: dict[int, datetime] = {}
        self.expired: list[datetime] = []
        self.erased: list[int] = []

    async def expire_tokens(self, before: datetime) -> None:
        self.expired.append(before)

    async def oldest(self, before: datetime, most: int, *, starred: bool) -> list[str]:
        kept = {name: at for name, at in self.pictures.items() if starred or name not in self.starred}
        return [name for name, at in sorted(kept.items(), key=lambda each: each[1]) if at < before][: min(most, 2)]

    async def removed(self, digests: Sequence[str]) -> None:
        self.noted += digests
        self.pictures = {name: at for name, at in self.pictures.items() if name not in digests}

    async def orphans(self, there: Collection[str], before: datetime) -> list[str]:
        return [name for name in there if name in self.ownerless]

    async def left(self, guild_id: int, channels: Collection[int] = ()) -> None:
        self.departures.setdefault(guild_id, now())

    async def present(self, guilds: Collection[int]) -> list[int]:
        return [7]

    async def left_before(self, time: datetime) -> list[int]:
        return [guild for guild, at in self.departures.items() if at < time]

    async def erase_server(self, guild_id: int) -> list[str]:
        self.erased.append(guild_id)
        del self.departures[guild_id]
        return ["of the server"]


class MemoryStore:
    """Files of 10 bytes each."""

    def __init__(self, *names: str) -> None:
        self.files = dict.fromkeys(names, 10)
        self.partial = True

    async def sizes(self) -> dict[str, int]:
        return dict(self.files)

    async def remove_untouched(self, digests: Collection[str], since: datetime) -> int:
        return sum(self.files.pop(digest, 0) for digest in digests)

    async def remove_partial(self, before: datetime) -> None:
        self.partial = False


class Wiped:
    """Remembers what else was asked to forget."""

    def __init__(self) -> None:
        self.owners: list[Owner] = []
        self.copies: list[datetime] = []
        self.wiped = 0

    async def remove_copies(self, before: datetime) -> list[str]:
        self.copies.append(before)
        return ["easel-before-0008.db"]

    async def wipe(self) -> None:
        self.wiped += 1

    def traces(self) -> Traces:
        return Traces(self.remove_copies, self.wipe, (self.owners.append,))


def retention(book: MemoryRepository, store: MemoryStore, limits: Limits, wiped: Wiped | None = None) -> Retention:
    return Retention(book, store, limits, (wiped or Wiped()).traces())


async def test_by_default_no_picture_is_removed() -> None:
    book, store = MemoryRepository({"old": 4000}), MemoryStore("old")

    await retention(book, store, Limits()).sweep()

    assert list(store.files) == ["old"]


async def test_old_pictures_that_nobody_starred_are_removed() -> None:
    ages = {"ancient": 100, "older": 50, "old": 31, "dear": 100, "new": 29}
    book, store = MemoryRepository(ages, starred=["dear"]), MemoryStore(*ages)

    await retention(book, store, Limits(days=30)).sweep()

    assert sorted(store.files) == ["dear", "new"]
    assert book.noted == ["ancient", "older", "old"]


async def test_pictures_keep_within_the_disk_the_oldest_go_first_and_starred_ones_last() -> None:
    ages = {"dear": 9, "c": 3, "b": 2, "a": 1}
    book, store = MemoryRepository(ages, starred=["dear"]), MemoryStore(*ages)

    await retention(book, store, Limits(disk=25)).sweep(daily=False)
    assert sorted(store.files) == ["a", "dear"]

    await retention(book, store, Limits(disk=5)).sweep(daily=False)
    assert store.files == {}


async def test_what_unfinished_jobs_take_beyond_the_limit_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore("needed")

    await retention(MemoryRepository({}), store, Limits(disk=5)).sweep(daily=False)

    assert list(store.files) == ["needed"]
    assert "more than EASEL_MAX_DISK allows" in caplog.text


async def test_files_of_nobody_and_halves_of_files_are_removed() -> None:
    book, store = MemoryRepository({"mine": 1}), MemoryStore("mine", "nobody's")
    book.ownerless = ["nobody's"]

    await retention(book, store, Limits()).sweep()

    assert (list(store.files), store.partial) == (["mine"], False)


async def test_every_sweep_expires_tokens_and_a_daily_one_deletes_the_databases_old_copies() -> None:
    book, wiped = MemoryRepository({}), Wiped()
    sweeper = retention(book, MemoryStore(), Limits(), wiped)

    await sweeper.sweep(daily=False)
    await sweeper.sweep()

    assert len(book.expired) == 2
    assert book.expired[0] <= now() - TOKEN_LIFE
    assert [round((now() - before) / timedelta(days=1)) for before in wiped.copies] == [14]


async def test_a_servers_data_is_erased_so_many_days_after_the_bot_was_removed() -> None:
    book, store, wiped = MemoryRepository({}), MemoryStore("of the server"), Wiped()
    sweeper = retention(book, store, Limits(server_days=30), wiped)

    await sweeper.left(5, [1, 2])
    await sweeper.sweep()
    assert book.erased == []
    book.departures[5] -= timedelta(days=31)
    await sweeper.sweep()

    assert (book.erased, store.files, wiped.wiped) == ([5], {}, 1)
    assert wiped.owners == [Owner(Scope.SERVER, 5)]


async def test_without_a_limit_a_servers_data_stays() -> None:
    book = MemoryRepository({})
    book.departures[5] = now() - timedelta(days=4000)

    await retention(book, MemoryStore(), Limits(server_days=0)).sweep()

    assert book.erased == []


async def test_servers_that_were_left_unnoticed_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    await retention(MemoryRepository({}), MemoryStore(), Limits(server_days=30)).joined([1, 2])

    assert (
        "no longer on 1 of the servers that something is kept of; what is kept of a server is erased 30 days later"
        in caplog.text
    )
