"""What is removed by itself, and when: dead tokens, old pictures, files of nobody, servers that the bot has left."""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain import TOKEN_LIFE, Owner, Scope, now
from bot.errors import EaselError
from bot.services.repositories import RetentionRepository

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3600.0
SWEEPS_A_DAY = 24
CLOSING_SECONDS = 5.0
ORPHAN_AGE = timedelta(days=1)
COPY_AGE = timedelta(days=14)  # of the copies of the database that upgrades make
GIB = 2**30
_BATCH = 500  # files that are removed between two looks at how much is left


class FileStore(Protocol):
    """The picture store, as far as it is swept."""

    async def sizes(self) -> Mapping[str, int]:
        """Returns the bytes of every file by its SHA-256."""
        ...

    async def remove_untouched(self, digests: Collection[str], since: datetime) -> int:
        """Deletes those of some files that were not put in again since a time; returns their bytes."""
        ...

    async def remove_partial(self, before: datetime) -> None:
        """Deletes what was left of files whose writing was cut short before a time."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept, and for how long; 0 is without a limit.

    Attributes:
        days: Days after which pictures that nobody starred are removed.
        disk: Bytes that pictures may take in all.
        server_days: Days after which the data of a server is erased that the bot has left.
    """

    days: int = 0
    disk: int = 0
    server_days: int = 0


@dataclass(frozen=True, slots=True)
class Traces:
    """What else remembers what is erased.

    Attributes:
        copies: Deletes the database's copies from before a time; returns which.
        wipe: Takes what was deleted out of the database's log.
        memories: Told to forget what was read of an owner.
    """

    copies: Callable[[datetime], Awaitable[Sequence[object]]]
    wipe: Callable[[], Awaitable[None]]
    memories: Sequence[Callable[[Owner], None]] = ()


class Retention:
    """Sweeps at the start and every hour from then on; what takes longer is done at the start and once a day."""

    def __init__(self, repository: RetentionRepository, store: FileStore, limits: Limits, traces: Traces) -> None:
        self._repository = repository
        self._store = store
        self._limits = limits
        self._traces = traces
        self._ending = False

    async def keep(self) -> None:
        """Sweeps for ever. When it is cancelled, a sweep under way ends with its present step."""
        for hour in itertools.count():
            sweeping = asyncio.create_task(self._try_to_sweep(daily=hour % SWEEPS_A_DAY == 0))
            try:
                await asyncio.shield(sweeping)
            except asyncio.CancelledError:
                self._ending = True
                await asyncio.wait([sweeping], timeout=CLOSING_SECONDS)
                raise
            await asyncio.sleep(SWEEP_SECONDS)

    async def _try_to_sweep(self, *, daily: bool) -> None:
        try:
            await self.sweep(daily=daily)
        except (EaselError, OSError) as error:
            log.warning("a sweep was cut short, the next one completes it: %s", error)

    async def sweep(self, *, daily: bool = True) -> None:
        """Removes what is due.

        Raises:
            StorageError: The database does not answer.
        """
        seldom = (self._remove_old, self._erase_servers, self._remove_orphans, self._delete_copies)
        for step in (self._expire_tokens, *(seldom if daily else ()), self._make_room):
            if not self._ending:
                await step()

    async def joined(self, guilds: Collection[int]) -> None:
        """Notes which servers the bot is on, all of them; others that something is kept of were left unnoticed."""
        unnoticed = await self._repository.present(guilds)
        if unnoticed:
            log.warning(
                "the bot is no longer on %d of the servers that something is kept of; %s", len(unnoticed), self._due()
            )

    async def left(self, guild_id: int, channels: Collection[int]) -> None:
        """Notes that the bot was removed from a server."""
        await self._repository.left(guild_id, channels)
        log.warning("the bot was removed from a server; %s", self._due())

    def _due(self) -> str:
        days = self._limits.server_days
        return f"what is kept of a server is erased {days} days later" if days else "what is kept of a server stays"

    async def _expire_tokens(self) -> None:
        await self._repository.expire_tokens(now() - TOKEN_LIFE)

    async def _delete_copies(self) -> None:
        copies = await self._traces.copies(now() - COPY_AGE)
        if copies:
            log.info("%d copies of the database from before its upgrades were deleted", len(copies))

    async def _remove_old(self) -> None:
        if not self._limits.days:
            return
        before, count = now() - timedelta(days=self._limits.days), 0
        while not self._ending and (files := await self._repository.oldest(before, _BATCH, starred=False)):
            await self._remove(files)
            count += len(files)
        if count:
            log.info("%d pictures were removed after %d days", count, self._limits.days)

    async def _make_room(self) -> None:
        """Removes the oldest pictures until the rest keeps within the limit: those that nobody starred go first."""
        if not self._limits.disk:
            return
        over, count = sum((await self._store.sizes()).values()) - self._limits.disk, 0
        for starred in (False, True):
            while over > 0 and (files := await self._repository.oldest(now(), _BATCH, starred=starred)):
                sizes = await self._store.sizes()
                needed = _first(files, sizes, over)
                over -= await self._remove(needed)
                count += len(needed)
        if count:
            log.info("%d pictures were removed to keep within %.1f GiB", count, self._limits.disk / GIB)
        if over > 0:
            log.warning("unfinished jobs take %.1f GiB more than EASEL_MAX_DISK allows", over / GIB)

    async def _remove(self, files: Sequence[str]) -> int:
        """Notes first and deletes then: a file that is left over in between is an orphan, and goes as one."""
        since = now()
        await self._repository.removed(files)
        return await self._store.remove_untouched(files, since)

    async def _remove_orphans(self) -> None:
        before = now() - ORPHAN_AGE
        orphans = await self._repository.orphans(await self._store.sizes(), before)
        freed = await self._store.remove_untouched(orphans, before)
        await self._store.remove_partial(before)
        if freed:
            log.info("files of %.1f MiB that belonged to nobody were removed", freed / 2**20)

    async def _erase_servers(self) -> None:
        if not self._limits.server_days:
            return
        for guild_id in await self._repository.left_before(now() - timedelta(days=self._limits.server_days)):
            since = now()
            files = await self._repository.erase_server(guild_id)
            for forget in self._traces.memories:
                forget(Owner(Scope.SERVER, guild_id))
            await self._store.remove_untouched(files, since)
            await self._traces.wipe()
            log.info("a server's data was erased %d days after the bot had left it", self._limits.server_days)


def _first(files: Sequence[str], sizes: Mapping[str, int], wanted: int) -> list[str]:
    """Returns as many of the first files as it takes to free so many bytes."""
    chosen: list[str] = []
    for file in files:
        if wanted <= 0:
            break
        chosen.append(file)
        wanted -= sizes.get(file, 0)
    return chosen
