"""What the menu of a message offers: Recipe, Re-roll, Use as input."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import Draft
from bot.errors import NotKeptError
from bot.services.access import VisibleJob
from bot.services.actions.actions import PictureActions, check_user
from bot.services.repositories import DraftRepository
from bot.ui.discord.attachments import as_files
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.permissions import check_posting
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.history.views import job_view
from bot.ui.jobs.submitting import submit
from bot.ui.results.input_form import attached_to, input_form, painted_here
from bot.ui.results.recipe_card import recipe_card

_NONE = "This message shows no picture that I know of; right-click one that I painted."


class MenusCog(commands.Cog):
    """Three entries in the menu of every message.

    Args:
        actions: What people do with pictures.
        drafts: Where it is kept what a form is about.
    """

    def __init__(self, actions: PictureActions, drafts: DraftRepository) -> None:
        self._actions = actions
        self._drafts = drafts

    def menus(self) -> list[app_commands.ContextMenu]:
        """Returns the entries; unlike slash commands they are added to the tree by hand."""
        made = {"Recipe": self.recipe, "Re-roll": self.reroll, "Use as input": self.use_as_input}
        entries = [app_commands.ContextMenu(name=name, callback=callback) for name, callback in made.items()]
        for entry in entries:
            entry.allowed_contexts = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=False)
            entry.allowed_installs = app_commands.AppInstallationType(guild=True, user=False)
        return entries

    async def recipe(self, interaction: Interaction, message: discord.Message) -> None:
        """Tells a person alone how the picture was made."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        job, number = await self._shown_by(interaction, message)
        text, attached = recipe_card(job, number, interaction.client.command_name)
        mine = job.origin.user_id == interaction.user.id
        starred = await interaction.client.services.history.is_starred(interaction.user.id, job)
        await interaction.followup.send(
            text,
            files=as_files(attached),
            view=job_view(job.id, mine=mine, starred=starred),
            ephemeral=True,
            allowed_mentions=NO_MENTIONS,
        )

    async def reroll(self, interaction: Interaction, message: discord.Message) -> None:
        """Paints the same again with new seeds, for whoever asks."""
        job, number = await self._shown_by(interaction, message)
        actor = await actor_of(interaction, message)
        check_user(job, actor, for_all=self._actions.rules.buttons_for_all)
        check_posting(interaction)
        accepted = await self._actions.reroll(job, number, actor)
        await submit(interaction, self._actions.generation, accepted.request, accepted.derived)

    async def use_as_input(self, interaction: Interaction, message: discord.Message) -> None:
        """Opens the form that paints from one of the message's pictures, whoever posted them."""
        check_posting(interaction)
        actor = await actor_of(interaction, message)
        shown = await self._actions.shown_by(message.id, actor)
        if shown is None:
            job, content = None, attached_to(message)
        else:
            job, number = shown
            check_user(job, actor, for_all=self._actions.rules.buttons_for_all)
            content = painted_here(job, number)
        draft = await self._drafts.keep(Draft(actor.person, content))
        await interaction.response.send_modal(input_form(draft, content, job))

    async def _shown_by(self, interaction: Interaction, message: discord.Message) -> tuple[VisibleJob, int | None]:
        """Finds which job a message shows, and which of its pictures; None for the whole job.

        Raises:
            NotKeptError: Nothing that is known.
            LimitError: The person may not see it.
        """
        shown = await self._actions.shown_by(message.id, await actor_of(interaction, message))
        if shown is None:
            raise NotKeptError(_NONE)
        return shown
