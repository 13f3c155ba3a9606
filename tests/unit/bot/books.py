"""Fakes of what the services keep beside the jobs."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain import Owner, Preset, Values
from bot.errors import LimitError


class MemoryChoices:
    """Keeps choices."""

    def __init__(self) -> None:
        self.kept: dict[Owner, Values] = {}

    async def of(self, owners: Sequence[Owner]) -> dict[Owner, Values]:
        return {owner: self.kept[owner] for owner in owners if owner in self.kept}

    async def keep(self, owner: Owner, values: Values) -> None:
        self.kept[owner] = values


class MemoryPresets:
    """Keeps presets."""

    def __init__(self) -> None:
        self.kept: dict[tuple[Owner, str], Preset] = {}

    async def of(self, owners: Sequence[Owner]) -> list[Preset]:
        return [
            preset for (owner, _), preset in sorted(self.kept.items(), key=lambda each: each[0][1]) if owner in owners
        ]

    async def by_code(self, code: str) -> Preset | None:
        return next((preset for preset in self.kept.values() if preset.code == code), None)

    async def keep(self, preset: Preset, most: int) -> None:
        key = preset.owner, preset.name
        if key not in self.kept and len(await self.of([preset.owner])) >= most:
            raise LimitError(f"There are {most} presets already.")
        self.kept[key] = preset

    async def delete(self, owner: Owner, name: str) -> bool:
        return self.kept.pop((owner, name), None) is not None

    async def rename(self, owner: Owner, name: str, new: str) -> bool:
        preset = self.kept.pop((owner, name), None)
        if preset is not None:
            self.kept[owner, new] = replace(preset, name=new)
        return preset is not None

    async def share(self, owner: Owner, name: str, code: str) -> str | None:
        if (owner, name) not in self.kept:
            return None
        preset = self.kept[owner, name]
        self.kept[owner, name] = replace(preset, code=preset.code or code)
        return self.kept[owner, name].code
