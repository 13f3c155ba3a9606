"""/settings: what holds where a person types nothing, for themselves, a channel or a server."""

import re
from typing import Any, Literal, Protocol, Self, cast

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import Owner, Scope
from bot.errors import LimitError
from bot.services.choices import Choices, Panel
from bot.ui.form_fields import sent_in
from bot.ui.panel import BUTTONS, PLACE, TYPED, UNSET, Place, TypeValue, panel_text, panel_view, place_of
from bot.ui.private import NO_MENTIONS, answered
from bot.ui.seats import manages, seat_of

_TYPED = re.compile(rf"{TYPED}:{PLACE}")
_SCOPES = {"mine": Scope.PERSON, "this channel's": Scope.CHANNEL, "this server's": Scope.SERVER}


class HasChoices(Protocol):
    """The client, as far as the panel knows it."""

    choices: Choices


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
        interaction: discord.Interaction[Any],
        whose: Literal["mine", "this channel's", "this server's"] = "mine",
    ) -> None:
        """Opens the panel, for this person alone."""
        owner = seat_of(interaction).owner(_SCOPES[whose])
        if owner is None:
            raise LimitError("In direct messages there are only your own settings.")
        check_may_change(interaction, owner)
        panel, place = await self._choices.panel(owner), Place(owner)
        offers = await self._choices.offers(place.field, seat_of(interaction), owner.scope)
        await interaction.response.send_message(
            panel_text(panel), view=panel_view(panel, place, offers), ephemeral=True, allowed_mentions=NO_MENTIONS
        )

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Takes what was typed into the panel's form, also when the bot was restarted since it was opened."""
        if interaction.type is not discord.InteractionType.modal_submit or interaction.data is None:
            return
        match = _TYPED.fullmatch(str(interaction.data.get("custom_id")))
        if match is not None:
            text = sent_in(interaction).texts["value"].strip()
            await answered(interaction, _choose(interaction, self._choices, place_of(match), text or None))


class FieldSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=rf"easel:field:{PLACE}"):
    """Opens a setting."""

    def __init__(self, select: discord.ui.Select[Any], place: Place) -> None:
        super().__init__(select)
        self._place = place

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the select that was used anew from its id."""
        return cls(cast(discord.ui.Select[Any], item), place_of(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Shows what the setting may be."""
        place = Place(self._place.owner, self.item.values[0])
        await answered(interaction, _show(interaction, place))


class ValueSelect(discord.ui.DynamicItem[discord.ui.Select[Any]], template=rf"easel:value:{PLACE}"):
    """Chooses a setting's value."""

    def __init__(self, select: discord.ui.Select[Any], place: Place) -> None:
        super().__init__(select)
        self._place = place

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the select that was used anew from its id."""
        return cls(cast(discord.ui.Select[Any], item), place_of(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Keeps the choice and shows it."""
        value = self.item.values[0]
        choices = cast(HasChoices, interaction.client).choices
        await answered(interaction, _choose(interaction, choices, self._place, None if value == UNSET else value[1:]))


class PanelButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=rf"easel:panel:(?P<press>{'|'.join(BUTTONS)}):{PLACE}"
):
    """Turns the page, opens the form, resets, or turns a wish round."""

    def __init__(self, button: discord.ui.Button[Any], press: str, place: Place) -> None:
        super().__init__(button)
        self._press = press
        self._place = place

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes the button that was pressed anew from its id."""
        return cls(cast(discord.ui.Button[Any], item), match["press"], place_of(match))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Does what the button says."""
        await answered(interaction, self._act(interaction, cast(HasChoices, interaction.client).choices))

    async def _act(self, interaction: discord.Interaction[Any], choices: Choices) -> None:
        place = self._place
        check_may_change(interaction, place.owner)
        if self._press == "type":
            await interaction.response.send_modal(TypeValue(await choices.panel(place.owner), place))
        elif self._press in {"newer", "older"}:
            page = place.page + (1 if self._press == "older" else -1)
            await _show(interaction, Place(place.owner, place.field, max(page, 0)))
        elif self._press == "reset":
            await _redraw(interaction, choices, place, await choices.reset(place.owner))
        else:
            await _redraw(interaction, choices, place, await choices.toggle(place.owner, self._press))


def check_may_change(interaction: discord.Interaction[Any], owner: Owner) -> None:
    """Refuses whoever may not change an owner's settings here.

    Raises:
        LimitError: They may not.
    """
    if owner != seat_of(interaction).owner(owner.scope):
        raise LimitError("These settings belong to another place; use /settings there.")
    if owner.scope is not Scope.PERSON and not manages(interaction):
        raise LimitError("Only those who may manage the server can change what holds for everybody.")


async def _choose(interaction: discord.Interaction[Any], choices: Choices, place: Place, text: str | None) -> None:
    check_may_change(interaction, place.owner)
    panel = await choices.choose(place.owner, place.field, text, seat_of(interaction))
    await _redraw(interaction, choices, place, panel)


async def _show(interaction: discord.Interaction[Any], place: Place) -> None:
    check_may_change(interaction, place.owner)
    choices = cast(HasChoices, interaction.client).choices
    await _redraw(interaction, choices, place, await choices.panel(place.owner))


async def _redraw(interaction: discord.Interaction[Any], choices: Choices, place: Place, panel: Panel) -> None:
    offers = await choices.offers(place.field, seat_of(interaction), place.owner.scope)
    await interaction.response.edit_message(content=panel_text(panel), view=panel_view(panel, place, offers))
