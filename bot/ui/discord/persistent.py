"""Components that work for ever: their ids say all there is to know of them."""

import re
from typing import Any, Generic, Self, TypeVar, cast

import discord

from bot.ui.discord.context import Interaction

ClientT = TypeVar("ClientT", bound=discord.Client)
ItemT = TypeVar("ItemT", bound=discord.ui.Item[Any])


class PersistentItem(discord.ui.DynamicItem[ItemT], Generic[ItemT], template=r"(?!)"):
    """A button or select that is made anew from its id whenever it is used.

    Attributes:
        match: Its id, taken apart by the template of its class.
    """

    def __init__(self, item: ItemT, match: re.Match[str]) -> None:
        super().__init__(item)
        self.match = match

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[ClientT], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Makes what was used anew from its id."""
        return cls(cast(ItemT, item), match)

    async def callback(self, interaction: discord.Interaction[ClientT]) -> None:
        """Acts in an event of its own: what goes wrong there comes to the client's on_error; here it would be lost."""
        interaction.client.dispatch("component", interaction, self)

    async def act(self, interaction: Interaction) -> None:
        """Does what the component says; the client tells the person alone of anything that this raises."""
        raise NotImplementedError


PersistentButton = PersistentItem[discord.ui.Button[Any]]
PersistentSelect = PersistentItem[discord.ui.Select[Any]]
