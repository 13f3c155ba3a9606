"""/history, /find, /show, /tree, /diff and /forget: what was painted for a person."""

from typing import Any

from discord import app_commands
from discord.ext import commands

from bot.domain import Draft, Search
from bot.services.models import ModelRegistry
from bot.services.people.history import History, search_for
from bot.services.repositories import DraftRepository
from bot.services.requests.flags import changes
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.responses import NO_MENTIONS, send_ephemeral
from bot.ui.discord.typed_option import JobIdOption, TypedOption
from bot.ui.history import text as history_words
from bot.ui.history.showing import show_family, show_job
from bot.ui.history.views import NO_DRAFT, forget_view, page_view
from bot.ui.jobs.autocomplete import matching
from generation import InvalidRequestError
from generation.typed_text import TypedText

_FORGET = (
    "This erases what I keep of you: your jobs and their pictures, the pictures you brought, your history, settings "
    "and presets. It cannot be undone. What was posted in Discord stays there, but its buttons will no longer know it. "
    "Backups of my database are up to whoever runs me."
)


SearchOption = app_commands.Transform[TypedText, TypedOption(1, 200)]
NameOption = app_commands.Transform[TypedText, TypedOption(1, 100)]
DayOption = app_commands.Transform[TypedText, TypedOption(1, 20)]


class HistoryCog(commands.Cog):
    """Commands about one's own pictures; every answer is private.

    Args:
        history: The jobs of people.
        drafts: Keeps a filter until the page is turned.
        models: Offered as a filter.
    """

    def __init__(self, history: History, drafts: DraftRepository, models: ModelRegistry) -> None:
        self._history = history
        self._drafts = drafts
        self._models = models

    @app_commands.command(name="history", description="See what was painted for you")
    @app_commands.describe(
        text="Words that the prompt has",
        model="What painted it",
        since="The first day, such as 2026-01-31",
        until="The last day",
        starred="Only what you have starred",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def history(
        self,
        interaction: Interaction,
        text: SearchOption | None = None,
        model: NameOption | None = None,
        since: DayOption | None = None,
        until: DayOption | None = None,
        starred: bool = False,
    ) -> None:
        """Shows the newest page."""
        typed = {"text": text, "model": model, "since": since, "until": until, "starred": starred}
        await self._first_page(interaction, search_for(text, model, since, until, starred=starred), typed)

    @app_commands.command(name="find", description="Find pictures by words of your prompts")
    @app_commands.describe(words="Words that the prompt has, in any order")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def find(self, interaction: Interaction, words: SearchOption) -> None:
        """Shows the newest page of what was found."""
        await self._first_page(interaction, search_for(words, None, None, None, starred=False), {"text": words})

    @app_commands.command(name="show", description="See a picture again, with its whole recipe")
    @app_commands.describe(job_id="The id, as /history and the pictures' file names have it")
    @app_commands.rename(job_id="id")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def show(self, interaction: Interaction, job_id: JobIdOption) -> None:
        """Shows a job's pictures."""
        await show_job(interaction, job_id)

    @app_commands.command(name="tree", description="See what a picture was made of, and what was made of it")
    @app_commands.describe(job_id="The picture's id")
    @app_commands.rename(job_id="id")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def tree(self, interaction: Interaction, job_id: JobIdOption) -> None:
        """Shows a job's family."""
        await show_family(interaction, job_id)

    @app_commands.command(name="diff", description="See what differs between two pictures")
    @app_commands.describe(first="The id of one", second="The id of the other")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def diff(
        self,
        interaction: Interaction,
        first: JobIdOption,
        second: JobIdOption,
    ) -> None:
        """Compares two recipes."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        viewer = await actor_of(interaction)
        one, other = await self._history.show(first, viewer), await self._history.show(second, viewer)
        changed = changes(one.request, other.request)
        await send_ephemeral(interaction, history_words.differences(one, other, changed))

    @app_commands.command(name="forget", description="Erase what I keep of you")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def forget(self, interaction: Interaction) -> None:
        """Asks first."""
        await interaction.response.send_message(
            _FORGET, view=forget_view(interaction.user.id), ephemeral=True, allowed_mentions=NO_MENTIONS
        )

    async def _first_page(self, interaction: Interaction, search: Search, typed: dict[str, Any]) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        person = interaction.user.id
        page = await self._history.first(person, search)
        draft = NO_DRAFT if search == Search() else await self._drafts.keep(Draft(person, typed))
        view = page_view(page, draft)
        text = history_words.history_page(page, search)
        if view is None:
            await send_ephemeral(interaction, text)
        else:
            await interaction.followup.send(text, view=view, ephemeral=True, allowed_mentions=NO_MENTIONS)

    @history.autocomplete("model")
    async def _offer_models(self, _interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        return matching(TypedText(current), [model.name for model in self._models.usable])

    @show.autocomplete("job_id")
    @tree.autocomplete("job_id")
    @diff.autocomplete("first")
    @diff.autocomplete("second")
    async def _offer_jobs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        try:
            wanted = search_for(TypedText(current), None, None, None, starred=False)
        except InvalidRequestError:  # nothing but marks so far
            return []
        page = await self._history.first(interaction.user.id, wanted)
        return [history_words.job_choice(entry) for entry in page.entries]
