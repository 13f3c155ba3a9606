"""Forms that are sent in; known by their ids, so that a restart between opening and sending does no harm."""

import re
from typing import Any

import discord
from discord.ext import commands

from bot.services.actions import PictureActions, check_user
from bot.services.tastes import Tastes
from bot.ui.edit_form import FORM_ID, edited, texts_of
from bot.ui.permissions import check_posting
from bot.ui.picture_buttons import WHOLE
from bot.ui.private import answered
from bot.ui.seats import actor_of, seat_of
from bot.ui.submitting import submit


class FormsCog(commands.Cog):
    """Reads the form behind ✏️."""

    def __init__(self, actions: PictureActions, tastes: Tastes) -> None:
        self._actions = actions
        self._tastes = tastes

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Takes forms out of everything that people do."""
        if interaction.type is discord.InteractionType.modal_submit and interaction.data is not None:
            data: dict[str, Any] = {**interaction.data}
            if form := FORM_ID.fullmatch(data["custom_id"]):
                await answered(interaction, self._paint(interaction, form, data["components"]))

    async def _paint(self, interaction: discord.Interaction[Any], form: re.Match[str], components: list[Any]) -> None:
        actor = actor_of(interaction)
        job = await self._actions.find(form["job"], actor)
        check_user(job, actor, for_all=self._actions.rules.buttons_for_all)
        check_posting(interaction)
        number = int(form["number"])
        order, taste = edited(texts_of(components)), await self._tastes.of(seat_of(interaction))
        accepted = self._actions.edit(job, None if number == WHOLE else number, order, actor, taste)
        await submit(interaction, self._actions.generation, accepted.request, accepted.derived)
