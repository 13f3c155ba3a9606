"""Components of /history: paging, choosing an entry, and the buttons under it."""

from bot.domain import Search
from bot.errors import LimitError
from bot.services.people.history import search_for
from bot.services.repositories import DraftRepository
from bot.ui.discord.context import Interaction
from bot.ui.discord.persistent import PersistentButton, PersistentSelect
from bot.ui.discord.responses import send_ephemeral
from bot.ui.history import text as history_words
from bot.ui.history.showing import send_originals, show_job, star_job
from bot.ui.history.views import DEEDS, NO_DRAFT, TURNS, page_view

_JOB = r"[0-9a-z]{10}"


class ShowSelect(PersistentSelect, template=r"easel:show"):
    """Shows the entry that was picked."""

    async def act(self, interaction: Interaction) -> None:
        """Shows it in a message of its own."""
        await show_job(interaction, self.item.values[0])


class TurnButton(
    PersistentButton,
    template=rf"easel:history:(?P<turn>{'|'.join(TURNS)}):(?P<draft>{_JOB}):(?P<number>\d{{1,19}})",
):
    """Turns the page of a history."""

    async def act(self, interaction: Interaction) -> None:
        """Shows the page in place of the present one."""
        services = interaction.client.services
        search = await self._search(services.drafts, interaction.user.id)
        turn = services.history.newer if self.match["turn"] == "newer" else services.history.older
        page = await turn(interaction.user.id, search, int(self.match["number"]))
        text = history_words.history_page(page, search)
        await interaction.response.edit_message(content=text, view=page_view(page, self.match["draft"]))

    async def _search(self, drafts: DraftRepository, person: int) -> Search:
        if self.match["draft"] == NO_DRAFT:
            return Search()
        draft = await drafts.find(self.match["draft"])
        if draft is None or draft.person != person:
            raise LimitError("This list is too old to be turned; use /history again.")
        typed = draft.content
        text, model, since, until = (typed.get(name) for name in ("text", "model", "since", "until"))
        return search_for(text, model, since, until, starred=bool(typed.get("starred")))


class ShownButton(
    PersistentButton,
    template=rf"easel:shown:(?P<deed>{'|'.join(DEEDS)}):(?P<job>{_JOB})",
):
    """What can be done with a job that is shown to one person."""

    async def act(self, interaction: Interaction) -> None:
        """Sends the originals, or turns the star."""
        deed, job_id = self.match["deed"], self.match["job"]
        if deed == "zip":
            await send_originals(interaction, job_id)
        else:
            await star_job(interaction, job_id, starred=deed == "star")


class ForgetButton(PersistentButton, template=r"easel:forget:(?P<person>\d{1,20})"):
    """Forgets a person, once they have said so a second time."""

    async def act(self, interaction: Interaction) -> None:
        """Erases everything and says so."""
        person = int(self.match["person"])
        if interaction.user.id != person:
            raise LimitError("Only the person themselves can have this erased.")
        await interaction.response.defer(ephemeral=True, thinking=True)
        files = await interaction.client.services.forgetting.forget(person)
        pictures = "1 picture file" if files == 1 else f"{files:,} picture files"
        await send_ephemeral(interaction, f"Done: I have erased {pictures} and all that I kept of you.")
