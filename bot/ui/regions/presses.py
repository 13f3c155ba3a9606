"""What happens in the panel behind Vary (Region)."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from cachetools import LRUCache

from bot.errors import LimitError
from bot.services.access import VisibleJob
from bot.services.actions.actions import check_user
from bot.services.images.overlay import overlay
from bot.services.images.regions import Choice, Segmentation, at_level, chosen, with_parts
from bot.services.keyed_lock import KeyedLock
from bot.services.ports import Upload
from bot.ui.discord.attachments import as_files
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.permissions import check_posting
from bot.ui.discord.persistent import PersistentButton, PersistentSelect
from bot.ui.discord.responses import defer_ephemeral, defer_update
from bot.ui.discord.retry import with_retry
from bot.ui.regions.panel import (
    DEEDS,
    OVERLAY_NAME,
    PICTURE,
    REGION,
    Region,
    panel_text,
    panel_view,
    region_form,
    region_in,
    region_of,
)

MOST_PANELS = 500
SETTLE_SECONDS = 1.0  # a form must be opened within Discord's three


class Panels:
    """The newest choices of open panels: who presses faster than Discord shows the answer presses on an old panel."""

    def __init__(self) -> None:
        self.locks = KeyedLock()
        self._newest: LRUCache[int, Choice] = LRUCache(MOST_PANELS)
        self._changes: defaultdict[int, set[asyncio.Future[None]]] = defaultdict(set)

    @contextmanager
    def changing(self, interaction: Interaction) -> Iterator[None]:
        """Holds up `settle` for this panel until a choice is remembered; enter it before anything is waited for."""
        panel, change = _panel_of(interaction), asyncio.get_running_loop().create_future()
        self._changes[panel].add(change)
        try:
            yield
        finally:
            change.set_result(None)
            self._changes[panel].discard(change)
            if not self._changes[panel]:
                del self._changes[panel]

    async def settle(self, interaction: Interaction) -> None:
        """Waits until the presses that came before this one are remembered.

        Raises:
            LimitError: That takes longer than a form may be waited for.
        """
        changes = self._changes.get(_panel_of(interaction))
        if changes and (await asyncio.wait(changes, timeout=SETTLE_SECONDS))[1]:
            raise LimitError("Your last choice is still being worked out. Press this again when the panel shows it.")

    def newest(self, interaction: Interaction, on_button: Choice) -> Choice:
        """Returns what is chosen in the panel that was used; after a restart that is what stands in its list."""
        return self._newest.get(_panel_of(interaction), on_button)

    def remember(self, interaction: Interaction, choice: Choice) -> None:
        """Keeps what is chosen now."""
        self._newest[_panel_of(interaction)] = choice


class PartSelect(PersistentSelect, template=rf"easel:part:{REGION}"):
    """Chooses parts."""

    async def act(self, interaction: Interaction) -> None:
        """Shows what is chosen now."""
        parts, region = [int(value) for value in self.item.values if value.isdecimal()], region_of(self.match)
        before = region.choice

        def changed(divided: Segmentation, newest: Choice) -> Choice:
            chosen_there = with_parts(divided, before, parts)
            return replace(newest, parts=at_level(divided, chosen_there, newest.level).parts)

        await _change(interaction, region, changed)


class PartsButton(PersistentButton, template=rf"easel:parts:(?P<deed>{'|'.join(DEEDS)}):{PICTURE}"):
    """Changes what is chosen, or goes on to painting it."""

    async def act(self, interaction: Interaction) -> None:
        """Does what the button says."""
        region, deed = region_in(interaction.message), self.match["deed"]
        if deed not in {"paint", "upload"}:
            await _change(interaction, region, partial(_changed, deed=deed))
            return
        panels = interaction.client.panels
        await panels.settle(interaction)
        job = await found(interaction, region)
        check_posting(interaction)
        newest = panels.newest(interaction, region.choice)
        how = "upload" if deed == "upload" else "parts"
        await interaction.response.send_modal(region_form(job, replace(region, choice=newest), how))


async def open_panel(interaction: Interaction, job: VisibleJob, number: int) -> None:
    """Answers a press of Vary (Region) with the panel, for the person alone."""
    await defer_ephemeral(interaction)
    divided = await _divided(interaction, job, number)
    await _show(interaction, Region(job.id, number, Choice()), divided, Choice())


async def found(interaction: Interaction, region: Region) -> VisibleJob:
    """Finds the job of a panel, for somebody who may act on it.

    Raises:
        NotKeptError: It is not known any more.
        LimitError: They may not.
    """
    actions, actor = interaction.client.services.actions, await actor_of(interaction)
    job = await actions.find(region.job_id, actor)
    check_user(job, actor, for_all=actions.rules.buttons_for_all)
    return job


async def _change(interaction: Interaction, region: Region, change: Callable[[Segmentation, Choice], Choice]) -> None:
    """Changes what is chosen in a panel, one press after the other, and then shows what is chosen by then."""
    panels, panel = interaction.client.panels, _panel_of(interaction)
    with panels.changing(interaction):
        job = await found(interaction, region)
        await defer_update(interaction)
        async with panels.locks.hold(panel):
            divided = await _divided(interaction, job, region.number)
            choice = change(divided, panels.newest(interaction, region.choice))
            panels.remember(interaction, choice)
    async with panels.locks.hold((panel, "shown")):
        await _show(interaction, region, divided, panels.newest(interaction, choice))


def _panel_of(interaction: Interaction) -> int:
    return 0 if interaction.message is None else interaction.message.id


async def _divided(interaction: Interaction, job: VisibleJob, number: int) -> Segmentation:
    services = interaction.client.services
    file = await services.actions.file(job, number)
    return await services.segmenter.divide(file.digest)


async def _show(interaction: Interaction, region: Region, divided: Segmentation, choice: Choice) -> None:
    data = await asyncio.to_thread(overlay, divided, choice)
    size = (divided.shown.width, divided.shown.height)
    anything = bool(await asyncio.to_thread(lambda: chosen(divided, choice, size).any()))
    view = panel_view(Region(region.job_id, region.number, choice), divided, anything=anything)
    await with_retry(
        lambda: interaction.edit_original_response(
            content=panel_text(choice), attachments=as_files([Upload(OVERLAY_NAME, data)]), view=view
        )
    )


def _changed(divided: Segmentation, choice: Choice, deed: str) -> Choice:
    if deed in {"grow", "shrink"}:
        return choice.grown_by(1 if deed == "grow" else -1)
    if deed == "invert":
        return replace(choice, invert=not choice.invert)
    step = 1 if deed == "finer" else -1
    return at_level(divided, choice, max(0, min(choice.level + step, len(divided.levels) - 1)))
