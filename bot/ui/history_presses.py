"""What happens when somebody turns a page of their history, picks an entry, or presses what is under it."""

import re
from typing import Any, Protocol, Self, cast

import discord

from bot.domain import Search
from bot.errors import LimitError
from bot.services.books import DraftBook
from bot.services.forget import Forgetting
from bot.services.history import search_for
from bot.ui import history_words
from bot.ui.history_views import DEEDS, NO_DRAFT, TURNS, page_view
from bot.ui.private import answered, whisper
from bot.ui.showing import Bench, send_originals, show_job, star_job

_JOB = r"[0-9a-z]{10}"


class HasHistory(Protocol):
    """The client, as far as these components know it."""

    bench: Bench
    drafts: DraftBook
    forgetting: Forgetting


class ShowSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"easel:show"):
    """Shows the entry that was picked."""

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Makes the select that was used anew from its id."""
        return cls(cast(discord.ui.Select[Any], item))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Shows it in a message of its own."""
        await answered(interaction, show_job(interaction, _client(interaction).bench, self.item.values[0]))


class TurnButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"easel:history:(?P<turn>{'|'.join(TURNS)}):(?P<draft>{_JOB}):(?P<number>\d{{1,19}})",
):
    """Turns the page of a history."""

    def __init__(self, button: discord.ui.Button[Any], turn: str, draft: str, number: int) -> None:
        super().__init__(button)
        self._turn = turn
        self._draft = draft
        self._number = number

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the button that was pressed anew from its id."""
        return cls(cast(discord.ui.Button[Any], item), match["turn"], match["draft"], int(match["number"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Shows the page in place of the present one."""
        await answered(interaction, self._show_page(interaction))

    async def _show_page(self, interaction: discord.Interaction[Any]) -> None:
        client = _client(interaction)
        search = await self._search(client.drafts, interaction.user.id)
        turn = client.bench.history.newer if self._turn == "newer" else client.bench.history.older
        page = await turn(interaction.user.id, search, self._number)
        text = history_words.history_page(page, search)
        await interaction.response.edit_message(content=text, view=page_view(page, self._draft))

    async def _search(self, drafts: DraftBook, person: int) -> Search:
        if self._draft == NO_DRAFT:
            return Search()
        draft = await drafts.find(self._draft)
        if draft is None or draft.person != person:
            raise LimitError("This list is too old to be turned; use /history again.")
        typed = draft.content
        text, model, since, until = (typed.get(name) for name in ("text", "model", "since", "until"))
        return search_for(text, model, since, until, starred=bool(typed.get("starred")))


class ShownButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]],
    template=rf"easel:shown:(?P<deed>{'|'.join(DEEDS)}):(?P<job>{_JOB})",
):
    """What can be done with a job that is shown to one person."""

    def __init__(self, button: discord.ui.Button[Any], deed: str, job_id: str) -> None:
        super().__init__(button)
        self._deed = deed
        self._job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the button that was pressed anew from its id."""
        return cls(cast(discord.ui.Button[Any], item), match["deed"], match["job"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Sends the originals, or turns the star."""
        bench = _client(interaction).bench
        if self._deed == "zip":
            await answered(interaction, send_originals(interaction, bench, self._job_id))
        else:
            await answered(interaction, star_job(interaction, bench, self._job_id, starred=self._deed == "star"))


class ForgetButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"easel:forget:(?P<person>\d{1,20})"):
    """Forgets a person, once they have said so a second time."""

    def __init__(self, button: discord.ui.Button[Any], person: int) -> None:
        super().__init__(button)
        self._person = person

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the button that was pressed anew from its id."""
        return cls(cast(discord.ui.Button[Any], item), int(match["person"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Erases everything and says so."""
        await answered(interaction, self._forget(interaction))

    async def _forget(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.user.id != self._person:
            raise LimitError("Only the person themselves can have this erased.")
        await interaction.response.defer(ephemeral=True, thinking=True)
        files = await _client(interaction).forgetting.forget(self._person)
        pictures = "1 picture file" if files == 1 else f"{files:,} picture files"
        await whisper(interaction, f"Done: I have erased {pictures} and all that I kept of you.")


def _client(interaction: discord.Interaction[Any]) -> HasHistory:
    return cast(HasHistory, interaction.client)
