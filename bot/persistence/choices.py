"""What people, channels and servers chose, and their presets, in the database."""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from bot.domain import Owner, Preset, Scope, Values
from bot.errors import LimitError
from bot.persistence.database import Database
from bot.persistence.tables import ChoicesRow, PresetRow


class SqlChoices:
    """Keeps defaults, one row per owner."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, owners: Sequence[Owner]) -> dict[Owner, Values]:
        """Finds what some owners chose; who chose nothing is missing."""
        wanted = or_(*(_owned_by(owner, ChoicesRow) for owner in owners))
        async with self._database.reading() as session:
            rows = await session.scalars(select(ChoicesRow).where(wanted))
            return {Owner(Scope(row.scope), row.owner_id): json.loads(row.content) for row in rows}

    async def keep(self, owner: Owner, values: Values) -> None:
        """Replaces what an owner chose; nothing leaves no row."""
        async with self._database.writing() as session:
            if not values:
                await session.execute(delete(ChoicesRow).where(_owned_by(owner, ChoicesRow)))
            else:
                await session.merge(ChoicesRow(scope=owner.scope, owner_id=owner.id, content=json.dumps(dict(values))))


class SqlPresets:
    """Keeps presets, by owner and name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, owners: Sequence[Owner]) -> list[Preset]:
        """Lists the presets of some owners, by name."""
        wanted = or_(*(_owned_by(owner, PresetRow) for owner in owners))
        async with self._database.reading() as session:
            rows = await session.scalars(select(PresetRow).where(wanted).order_by(PresetRow.name))
            return [_preset(row) for row in rows]

    async def by_code(self, code: str) -> Preset | None:
        """Finds a shared preset."""
        async with self._database.reading() as session:
            row = await session.scalar(select(PresetRow).where(PresetRow.code == code))
            return None if row is None else _preset(row)

    async def keep(self, preset: Preset, most: int) -> None:
        """Saves a preset, in place of one of the same owner and name.

        Raises:
            LimitError: The owner has as many as they may.
        """
        owner, content = preset.owner, json.dumps(dict(preset.values))
        async with self._database.writing() as session:
            changed = update(PresetRow).where(_named(owner, preset.name)).values(content=content)
            if (await session.execute(changed.returning(PresetRow.id))).first() is not None:
                return
            count = select(func.count()).select_from(PresetRow).where(_owned_by(owner, PresetRow))
            if (await session.scalar(count) or 0) >= most:
                raise LimitError(f"There are {most} presets already, which is as many as may be. Delete one first.")
            session.add(PresetRow(scope=owner.scope, owner_id=owner.id, name=preset.name, content=content))

    async def delete(self, owner: Owner, name: str) -> bool:
        """Deletes a preset; False if there was none."""
        async with self._database.writing() as session:
            gone = delete(PresetRow).where(_named(owner, name)).returning(PresetRow.id)
            return (await session.execute(gone)).first() is not None

    async def rename(self, owner: Owner, name: str, new: str) -> bool:
        """Gives a preset another name; False if there is none of the old one.

        Raises:
            LimitError: The new name is taken.
        """
        changed = update(PresetRow).where(_named(owner, name)).values(name=new).returning(PresetRow.id)
        try:
            async with self._database.writing() as session:
                return (await session.execute(changed)).first() is not None
        except IntegrityError as error:
            raise LimitError(f"There is a preset named {new} already.") from error

    async def share(self, owner: Owner, name: str, code: str) -> str | None:
        """Gives a preset a code unless it has one; returns its code, None if there is no such preset."""
        async with self._database.writing() as session:
            row = await session.scalar(select(PresetRow).where(_named(owner, name)))
            if row is None:
                return None
            row.code = row.code or code
            return row.code


def _owned_by(owner: Owner, table: type[ChoicesRow] | type[PresetRow]) -> ColumnElement[bool]:
    return and_(table.scope == owner.scope, table.owner_id == owner.id)


def _named(owner: Owner, name: str) -> ColumnElement[bool]:
    return and_(_owned_by(owner, PresetRow), PresetRow.name == name)


def _preset(row: PresetRow) -> Preset:
    owner = Owner(Scope(row.scope), row.owner_id)
    return Preset(name=row.name, owner=owner, values=json.loads(row.content), code=row.code)
