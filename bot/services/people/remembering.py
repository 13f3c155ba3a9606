"""Choices and presets kept in memory for a moment, so that most commands are answered without the database."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

from cachetools import TTLCache

from bot.domain import Owner, Preset, Values
from bot.services.repositories import ChoiceRepository, PresetRepository

SECONDS = 10.0  # for so long a change made by another process of the bot may go unnoticed
_MOST = 5000

T = TypeVar("T")
Read = Callable[[Sequence[Owner]], Awaitable[Mapping[Owner, T]]]
Clock = Callable[[], float]


class _Memory(Generic[T]):
    """What was read of each owner, and until when it may be believed."""

    def __init__(self, clock: Clock) -> None:
        self._known: TTLCache[Owner, T] = TTLCache(_MOST, SECONDS, timer=clock)
        self._changes = 0
        self._reading = asyncio.Lock()

    async def of(self, owners: Sequence[Owner], read: Read[T]) -> dict[Owner, T]:
        """Returns what is known and reads the rest; whoever asks the same meanwhile waits for that one reading."""
        known = self._fresh(owners)
        if len(known) == len(set(owners)):
            return known
        async with self._reading:
            known = self._fresh(owners)
            missing = [owner for owner in owners if owner not in known]
            return known | await self._read(missing, read) if missing else known

    async def _read(self, owners: Sequence[Owner], read: Read[T]) -> dict[Owner, T]:
        """Reads; what was changed meanwhile is not remembered."""
        before = self._changes
        found = dict(await read(owners))
        if before == self._changes:
            self._known.update(found)
        return found

    def _fresh(self, owners: Sequence[Owner]) -> dict[Owner, T]:
        found = {owner: self._known.get(owner) for owner in owners}
        return {owner: value for owner, value in found.items() if value is not None}

    def drop(self, owner: Owner) -> None:
        """Forgets what was read of an owner."""
        self._changes += 1
        self._known.pop(owner, None)


class RememberedChoices:
    """A repository of choices with a cache; see ChoiceRepository."""

    def __init__(self, repository: ChoiceRepository, clock: Clock = time.monotonic) -> None:
        self._repository = repository
        self._memory: _Memory[Values] = _Memory(clock)

    async def of(self, owners: Sequence[Owner]) -> Mapping[Owner, Values]:
        """Finds what some owners chose; who chose nothing has no values."""
        return await self._memory.of(owners, self._read)

    async def keep(self, owner: Owner, values: Values) -> None:
        """Replaces what an owner chose."""
        await self._repository.keep(owner, values)
        self._memory.drop(owner)

    def drop(self, owner: Owner) -> None:
        """Forgets what was read of an owner."""
        self._memory.drop(owner)

    async def _read(self, owners: Sequence[Owner]) -> Mapping[Owner, Values]:
        found = await self._repository.of(owners)
        return {owner: found.get(owner, {}) for owner in owners}


class RememberedPresets:
    """A repository of presets with a cache; see PresetRepository."""

    def __init__(self, repository: PresetRepository, clock: Clock = time.monotonic) -> None:
        self._repository = repository
        self._memory: _Memory[list[Preset]] = _Memory(clock)

    async def of(self, owners: Sequence[Owner]) -> Sequence[Preset]:
        """Lists the presets of some owners, by name."""
        found = await self._memory.of(owners, self._read)
        return sorted((preset for presets in found.values() for preset in presets), key=lambda preset: preset.name)

    async def by_code(self, code: str) -> Preset | None:
        """Finds a shared preset."""
        return await self._repository.by_code(code)

    async def keep(self, preset: Preset, most: int) -> None:
        """Saves a preset."""
        await self._repository.keep(preset, most)
        self._memory.drop(preset.owner)

    async def delete(self, owner: Owner, name: str) -> bool:
        """Deletes a preset; False if there was none."""
        deleted = await self._repository.delete(owner, name)
        self._memory.drop(owner)
        return deleted

    async def rename(self, owner: Owner, name: str, new: str) -> bool:
        """Gives a preset another name; False if there is none."""
        renamed = await self._repository.rename(owner, name, new)
        self._memory.drop(owner)
        return renamed

    async def share(self, owner: Owner, name: str, code: str) -> str | None:
        """Gives a preset a code unless it has one."""
        shared = await self._repository.share(owner, name, code)
        self._memory.drop(owner)
        return shared

    def drop(self, owner: Owner) -> None:
        """Forgets what was read of an owner."""
        self._memory.drop(owner)

    async def _read(self, owners: Sequence[Owner]) -> Mapping[Owner, list[Preset]]:
        presets = await self._repository.of(owners)
        return {owner: [preset for preset in presets if preset.owner == owner] for owner in owners}
