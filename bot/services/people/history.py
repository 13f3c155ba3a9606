"""A person's history: turned page by page, searched, shown, compared, packed, forgotten."""

import asyncio
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from PIL import Image

from bot.domain import Entry, Job, Search
from bot.errors import LimitError, PictureLostError
from bot.services.access import AGE_RESTRICTED, Access, Actor, VisibleJob
from bot.services.images.originals import originals
from bot.services.people.family import Member, arranged, small
from bot.services.ports import JobRepository, PictureStore, Posts, Upload
from bot.services.repositories import HistoryRepository
from generation import InvalidRequestError
from generation.request.validation import check_text, quoted
from generation.typed_text import TypedText

PAGE = 8
READERS = 2  # originals at a time; a large one takes some hundred megabytes while it is shrunk
FAMILY = 24  # jobs that a tree shows
MAX_SEARCH_CHARACTERS = 200
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries of a history, the newest first.

    Attributes:
        entries: What to show.
        newer: The number after which newer ones are found; None where there are none.
        older: The number before which older ones are found; None where there are none.
    """

    entries: Sequence[Entry]
    newer: int | None
    older: int | None


class History:
    """Answers from indexed queries; a person sees their own, and what was posted where they can read it."""

    def __init__(
        self, repository: HistoryRepository, ledger: JobRepository, posts: Posts, pictures: PictureStore
    ) -> None:
        self._repository = repository
        self._ledger = ledger
        self._posts = posts
        self._pictures = pictures
        self._access = Access(ledger, posts)
        self._readers = asyncio.Semaphore(READERS)

    async def first(self, person: int, search: Search) -> Page:
        """Returns the newest entries."""
        entries = await self._repository.older(person, search, None, PAGE + 1)
        return Page(entries[:PAGE], None, _last(entries))

    async def older(self, person: int, search: Search, before: int) -> Page:
        """Returns the entries that come before one."""
        entries = await self._repository.older(person, search, before, PAGE + 1)
        shown = entries[:PAGE]
        return Page(shown, shown[0].number if shown else before - 1, _last(entries))

    async def newer(self, person: int, search: Search, after: int) -> Page:
        """Returns the entries that came right after one."""
        entries = await self._repository.newer(person, search, after, PAGE + 1)
        shown = entries[-PAGE:]
        return Page(shown, shown[0].number if len(entries) > PAGE else None, shown[-1].number if shown else after + 1)

    async def show(self, job_id: TypedText | str, viewer: Actor) -> VisibleJob:
        """Finds a job that a person may see; another person's only while its message is there to be seen.

        Raises:
            LimitError: There is none of that id for them.
        """
        job = await self._ledger.find(job_id.strip().lower())
        visible = None if job is None else await self._access.visible(job, viewer)
        if visible is not None and await self._is_posted(visible, viewer):
            return visible
        if job is not None and job.origin.user_id == viewer.person:
            raise LimitError(AGE_RESTRICTED)
        raise LimitError(f"There is no picture {quoted(job_id.strip())} of yours, or in a channel that you can read.")

    async def family(self, job: VisibleJob, viewer: Actor) -> list[Member]:
        """Lists a job's family as a tree, as far as a person may see it."""
        found = [await self._access.visible(each, viewer) for each in await self._repository.family(job.id, FAMILY)]
        return arranged([each for each in found if each is not None and (each.pictures or _is_own(each, viewer))])

    async def thumbnail(self, job: VisibleJob) -> Image.Image | None:
        """Reads what stands for a job, small; None where there is nothing (any more)."""
        if not job.pictures:
            return None
        async with self._readers:
            try:
                return await asyncio.to_thread(small, await self._pictures.get(job.pictures[0].digest))
            except PictureLostError:
                return None

    async def originals(self, job: VisibleJob) -> list[Upload]:
        """Reads a job's pictures as they were painted."""
        return await originals(job, self._pictures)

    async def _is_posted(self, job: VisibleJob, viewer: Actor) -> bool:
        """Whether another person's job can still be seen where it was posted; one whose message is gone is withdrawn.

        Discord tells of deleted messages only while the bot is online, so this looks.
        """
        if _is_own(job, viewer):
            return True
        if not job.pictures:
            return False
        if await viewer.channels.has_message(job.origin.channel_id, job.origin.message_id):
            return True
        await self._posts.deleted(job.origin.message_id)
        return False

    async def is_starred(self, person: int, job: Job) -> bool:
        """Whether a person has starred a job."""
        return await self._repository.is_starred(person, job.id)

    async def star(self, person: int, job: Job, *, starred: bool) -> None:
        """Stars a job, or takes the star away."""
        await self._repository.star(person, job, starred=starred)


def search_for(
    text: TypedText | None, model: TypedText | None, since: TypedText | None, until: TypedText | None, *, starred: bool
) -> Search:
    """Makes a search of what a person typed.

    Raises:
        InvalidRequestError: A text is too long, a date is none, or there is no word in the text.
    """
    for field, typed in (("text", text), ("model", model), ("since", since), ("until", until)):
        check_text(field, typed or "", MAX_SEARCH_CHARACTERS)
    words = tuple(_WORD.findall(text or ""))
    if text and not words:
        raise InvalidRequestError("text", f"There is no word in {quoted(text)}; give at least one letter or digit.")
    last = _day("until", until)
    return Search(
        words=words,
        model=model,
        since=_day("since", since),
        until=None if last is None else last + timedelta(days=1),
        starred=starred,
    )


def pack(files: Sequence[Upload], name: str, limit: int) -> list[Upload]:
    """Packs files into as few ZIP archives as a limit for each allows; pictures are not compressed again.

    Args:
        files: What to pack, in order.
        name: The archives' name without its ending.
        limit: Bytes that an archive may have.
    """
    parts: list[list[Upload]] = [[]]
    room = limit
    for file in files:
        needed = len(file.data) + 2 * len(file.name.encode()) + 256  # headers, generously
        if parts[-1] and needed > room:
            parts.append([])
            room = limit
        parts[-1].append(file)
        room -= needed
    if len(parts) == 1:
        return [Upload(f"{name}.zip", _zipped(parts[0]))]
    return [Upload(f"{name}-{number}.zip", _zipped(part)) for number, part in enumerate(parts, 1)]


def _is_own(job: Job, viewer: Actor) -> bool:
    return job.origin.user_id == viewer.person


def _zipped(files: Sequence[Upload]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.writestr(file.name, file.data)
    return data.getvalue()


def _last(entries: Sequence[Entry]) -> int | None:
    return entries[PAGE - 1].number if len(entries) > PAGE else None


def _day(field: str, text: TypedText | None) -> datetime | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequestError(field, f"{field} takes a day such as 2026-01-31, not {quoted(text)}.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
