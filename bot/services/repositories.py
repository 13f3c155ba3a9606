"""What the services need of the database beside the jobs, as Protocols; every method may raise StorageError."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain import Draft, Entry, Job, Owner, Preset, Search, Values, Waiting


class ChoiceRepository(Protocol):
    """What people, channels and servers have chosen to hold where nothing is typed."""

    async def of(self, owners: Sequence[Owner]) -> Mapping[Owner, Values]:
        """Finds what some owners chose; who chose nothing is missing."""
        ...

    async def keep(self, owner: Owner, values: Values) -> None:
        """Replaces what an owner chose."""
        ...


class PresetRepository(Protocol):
    """Presets by owner and name."""

    async def of(self, owners: Sequence[Owner]) -> Sequence[Preset]:
        """Lists the presets of some owners, by name."""
        ...

    async def by_code(self, code: str) -> Preset | None:
        """Finds a shared preset."""
        ...

    async def keep(self, preset: Preset, most: int) -> None:
        """Saves a preset in place of one of its name; LimitError if the owner has as many as they may."""
        ...

    async def delete(self, owner: Owner, name: str) -> bool:
        """Deletes a preset; False if there was none."""
        ...

    async def rename(self, owner: Owner, name: str, new: str) -> bool:
        """Gives a preset another name; False if there is none; LimitError if the new name is taken."""
        ...

    async def share(self, owner: Owner, name: str, code: str) -> str | None:
        """Gives a preset a code unless it has one; returns its code, None if there is no such preset."""
        ...


class HistoryRepository(Protocol):
    """What was painted for whom."""

    async def older(self, person: int, search: Search, before: int | None, most: int) -> Sequence[Entry]:
        """Lists a person's entries, the newest first, from before one on."""
        ...

    async def newer(self, person: int, search: Search, after: int, most: int) -> Sequence[Entry]:
        """Lists what came right after an entry, the newest first."""
        ...

    async def is_starred(self, person: int, job_id: str) -> bool:
        """Whether a person has starred a job."""
        ...

    async def star(self, person: int, job: Job, *, starred: bool) -> None:
        """Stars a job for a person, or takes their stars away from it."""
        ...

    async def family(self, job_id: str, most: int) -> Sequence[Job]:
        """Lists a job, the jobs it was made of, and all that was made of these, the oldest first."""
        ...

    async def erase(self, person: int) -> Sequence[str]:
        """Erases all that is known of a person; returns the files that nobody else has; LimitError while they wait."""
        ...


class DraftRepository(Protocol):
    """What buttons need when they are pressed."""

    async def keep(self, draft: Draft) -> str:
        """Keeps a draft; returns its id."""
        ...

    async def find(self, draft_id: str) -> Draft | None:
        """Finds a draft."""
        ...

    async def take(self, draft_id: str) -> bool:
        """Removes a draft that may be used once; False if that was done before."""
        ...


class InputRepository(Protocol):
    """Who brought which pictures."""

    async def note(self, person: int, sizes: Mapping[str, int]) -> None:
        """Notes files that a person brings, by their SHA-256, with their bytes."""
        ...

    async def waiting(self, person: int) -> Waiting:
        """Says what a person has brought for jobs that are not finished yet."""
        ...


class RetentionRepository(Protocol):
    """What may go, and what has gone."""

    async def expire_tokens(self, before: datetime) -> None:
        """Clears the interaction tokens of jobs that were asked for before a time."""
        ...

    async def oldest(self, before: datetime, most: int, *, starred: bool) -> Sequence[str]:
        """Lists the files of pictures painted or brought before a time that no unfinished job needs, oldest first."""
        ...

    async def removed(self, digests: Sequence[str]) -> None:
        """Notes that files are removed."""
        ...

    async def orphans(self, there: Collection[str], before: datetime) -> Sequence[str]:
        """Finds those of the store's files that have belonged to nobody since before a time."""
        ...

    async def left(self, guild_id: int, channels: Collection[int] = ()) -> None:
        """Notes that the bot is no longer on a server."""
        ...

    async def present(self, guilds: Collection[int]) -> Sequence[int]:
        """Notes which servers the bot is on; returns those that were left unnoticed."""
        ...

    async def left_before(self, time: datetime) -> Sequence[int]:
        """Lists the servers that were left before a time."""
        ...

    async def erase_server(self, guild_id: int) -> Sequence[str]:
        """Erases what is kept of a server; returns the files that no other job has."""
        ...
