"""Forgetting a person: their rows, their files, and what is left of both in the database's log."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain import Owner, Scope
from bot.services.ports import PictureStore
from bot.services.repositories import HistoryRepository


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Erases all that is kept of a person; what was posted in Discord stays there.

    Attributes:
        repository: Where the rows are.
        pictures: Where the files are.
        wipe: Takes what was deleted out of the database's log.
        memories: Told to forget what was read of a person.
    """

    repository: HistoryRepository
    pictures: PictureStore
    wipe: Callable[[], Awaitable[None]]
    memories: Sequence[Callable[[Owner], None]] = ()

    async def forget(self, person: int) -> int:
        """Erases a person; returns how many picture files were deleted.

        Raises:
            LimitError: A job of theirs is not finished yet.
            StorageError: The database does not answer; what was not erased is erased by trying again.
        """
        files = await self.repository.erase(person)
        for forget in self.memories:
            forget(Owner(Scope.PERSON, person))
        await self.pictures.remove(files)
        await self.wipe()
        return len(files)
