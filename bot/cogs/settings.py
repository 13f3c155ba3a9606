"""/settings: what holds where a person types nothing, for themselves, a channel or a server."""

import re
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import Owner, Scope
from bot.errors import LimitError
from bot.services.people.choices import Choices, Panel
from bot.ui.discord.context import Interaction, context_of, manages
from bot.ui.discord.form_fields import sent_in
from bot.ui.discord.persistent import PersistentButton, PersistentSelect
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.settings.panel import BUTTONS, PLACE, TYPED, UNSET, Place, TypeValue, panel_text, panel_view, place_of
from generation.typed_text import TypedText, take_in

_TYPED = re.compile(rf"{TYPED}:{PLACE}")
_SCOPES = {"mine": Scope.PERSON, "this channel's": Scope.CHANNEL, "this server's": Scope.SERVER}


class SettingsCog(commands.Cog):
    """The panel's command, and the forms that it opens."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices

    @app_commands.command(name="settings", description="Choose what holds where you type nothing")
    @app_commands.describe(whose="Yours; a channel's and a server's are for those who manage the server")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def settings(
        self,
        interaction: Interaction,
        whose: Literal["mine", "this channel's", "this server's"] = "mine",
    ) -> None:
        """Opens the panel, for this person alone."""
        owner = context_of(interaction).owner(_SCOPES[whose])
        if owner is None:
            raise LimitError("In direct messages there are only your own settings.")
        check_may_change(interaction, owner)
        panel, place = await self._choices.panel(owner), Place(owner)
        offers = await self._choices.offers(place.field, context_of(interaction), owner.scope)
        await interaction.response.send_message(
            panel_text(panel), view=panel_view(panel, place, offers), ephemeral=True, allowed_mentions=NO_MENTIONS
        )

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Takes what was typed into the panel's form, also when the bot was restarted since it was opened."""
        if interaction.type is not discord.InteractionType.modal_submit or interaction.data is None:
            return
        match = _TYPED.fullmatch(str(interaction.data.get("custom_id")))
        if match is not None:
            text = sent_in(interaction).text("value").strip()
            await _choose(interaction, self._choices, place_of(match), TypedText(text) if text else None)


class FieldSelect(PersistentSelect, template=rf"easel:field:{PLACE}"):
    """Opens a setting."""

    async def act(self, interaction: Interaction) -> None:
        """Shows what the setting may be."""
        await _show(interaction, Place(place_of(self.match).owner, self.item.values[0]))


class ValueSelect(PersistentSelect, template=rf"easel:value:{PLACE}"):
    """Chooses a setting's value."""

    async def act(self, interaction: Interaction) -> None:
        """Keeps the choice and shows it."""
        value = self.item.values[0]
        choices = interaction.client.services.choices
        await _choose(interaction, choices, place_of(self.match), None if value == UNSET else take_in(value[1:]))


class PanelButton(PersistentButton, template=rf"easel:panel:(?P<press>{'|'.join(BUTTONS)}):{PLACE}"):
    """Turns the page, opens the form, resets, or turns a wish round."""

    async def act(self, interaction: Interaction) -> None:
        """Does what the button says."""
        choices, place, press = interaction.client.services.choices, place_of(self.match), self.match["press"]
        check_may_change(interaction, place.owner)
        if press == "type":
            await interaction.response.send_modal(TypeValue(await choices.panel(place.owner), place))
        elif press in {"newer", "older"}:
            page = place.page + (1 if press == "older" else -1)
            await _show(interaction, Place(place.owner, place.field, max(page, 0)))
        elif press == "reset":
            await _redraw(interaction, choices, place, await choices.reset(place.owner))
        else:
            await _redraw(interaction, choices, place, await choices.toggle(place.owner, press))


def check_may_change(interaction: Interaction, owner: Owner) -> None:
    """Refuses whoever may not change an owner's settings here.

    Raises:
        LimitError: They may not.
    """
    if owner != context_of(interaction).owner(owner.scope):
        raise LimitError("These settings belong to another place; use /settings there.")
    if owner.scope is not Scope.PERSON and not manages(interaction):
        raise LimitError("Only those who may manage the server can change what holds for everybody.")


async def _choose(interaction: Interaction, choices: Choices, place: Place, text: TypedText | None) -> None:
    check_may_change(interaction, place.owner)
    panel = await choices.choose(place.owner, place.field, text, context_of(interaction))
    await _redraw(interaction, choices, place, panel)


async def _show(interaction: Interaction, place: Place) -> None:
    check_may_change(interaction, place.owner)
    choices = interaction.client.services.choices
    await _redraw(interaction, choices, place, await choices.panel(place.owner))


async def _redraw(interaction: Interaction, choices: Choices, place: Place, panel: Panel) -> None:
    offers = await choices.offers(place.field, context_of(interaction), place.owner.scope)
    await interaction.response.edit_message(content=panel_text(panel), view=panel_view(panel, place, offers))
