"""Forms of the tools under a picture; known by their ids, so that a restart before sending them in does no harm."""

import re
from typing import Any

import discord
from discord.ext import commands

from bot.services.actions import PictureActions, check_user
from bot.ui.edit_form import texts_of
from bot.ui.permissions import check_posting
from bot.ui.pressing import actor_of
from bot.ui.private import answered
from bot.ui.submitting import submit
from bot.ui.zoom_form import ZOOM_ID, zoomed


class ToolFormsCog(commands.Cog):
    """Reads the form behind Custom Zoom."""

    def __init__(self, actions: PictureActions) -> None:
        self._actions = actions

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Takes forms out of everything that people do."""
        if interaction.type is discord.InteractionType.modal_submit and interaction.data is not None:
            data: dict[str, Any] = {**interaction.data}
            if form := ZOOM_ID.fullmatch(data["custom_id"]):
                await answered(interaction, self._zoom(interaction, form, data["components"]))

    async def _zoom(self, interaction: discord.Interaction[Any], form: re.Match[str], components: list[Any]) -> None:
        actor = actor_of(interaction)
        job = await self._actions.find(form["job"], actor)
        check_user(job, actor, for_all=self._actions.rules.buttons_for_all)
        check_posting(interaction)
        words = zoomed(texts_of(components))
        accepted = await self._actions.outpaint(job, int(form["number"]), words, actor)
        await submit(interaction, self._actions.generation, accepted.request, accepted.derived)
