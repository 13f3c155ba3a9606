"""What is kept in memory of choices and presets is never older than a change made here."""

import asyncio
from collections.abc import Sequence

from bot.domain import Owner, Preset, Scope, Values
from bot.services.people.remembering import SECONDS, RememberedChoices, RememberedPresets
from tests.unit.bot.books import MemoryChoices, MemoryPresets

ME, YOU = Owner(Scope.PERSON, 1), Owner(Scope.PERSON, 2)


class CountedChoices(MemoryChoices):
    """Remembers who was asked for; `meanwhile` happens while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sequence[Owner]] = []
        self.remembering: RememberedChoices | None = None

    async def of(self, owners: Sequence[Owner]) -> dict[Owner, Values]:
        self.asked.append(list(owners))
        found = await super().of(owners)
        if self.remembering is not None:
            changing, self.remembering = self.remembering, None
            await changing.keep(ME, {"steps": 2})
        return found


async def test_only_what_is_not_known_is_read() -> None:
    book = CountedChoices()
    choices = RememberedChoices(book, lambda: 0.0)
    await choices.of([ME])

    assert await choices.of([ME, YOU]) == {ME: {}, YOU: {}}
    assert book.asked == [[ME], [YOU]]


async def test_many_who_ask_at_once_wait_for_one_reading() -> None:
    book = CountedChoices()
    choices = RememberedChoices(book, lambda: 0.0)

    await asyncio.gather(*(choices.of([ME]) for _ in range(20)))

    assert book.asked == [[ME]]


async def test_a_change_is_seen_at_once_and_anothers_after_a_moment() -> None:
    book, now = CountedChoices(), [0.0]
    choices = RememberedChoices(book, lambda: now[0])
    await choices.of([ME])
    await choices.keep(ME, {"steps": 1})
    assert await choices.of([ME]) == {ME: {"steps": 1}}

    book.kept[ME] = {"steps": 9}
    assert await choices.of([ME]) == {ME: {"steps": 1}}
    now[0] = SECONDS + 1

    assert await choices.of([ME]) == {ME: {"steps": 9}}


async def test_what_was_changed_while_it_was_read_is_not_remembered() -> None:
    book = CountedChoices()
    choices = RememberedChoices(book, lambda: 0.0)
    book.remembering = choices
    await choices.of([ME])

    assert await choices.of([ME]) == {ME: {"steps": 2}}


async def test_presets_are_remembered_by_owner_and_listed_by_name() -> None:
    presets = RememberedPresets(MemoryPresets(), lambda: 0.0)
    for owner, name in ((ME, "b"), (YOU, "a"), (ME, "c")):
        await presets.keep(Preset(name=name, owner=owner, values={}), 5)
        await presets.of([ME, YOU])
    await presets.rename(ME, "c", "d")
    await presets.delete(YOU, "a")

    assert [preset.name for preset in await presets.of([ME, YOU])] == ["b", "d"]
    code = await presets.share(ME, "b", "code000000")
    assert [preset.code for preset in await presets.of([ME])] == [code, None]
