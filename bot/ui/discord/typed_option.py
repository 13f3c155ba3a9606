"""Options of commands that take typed text."""

import discord
from discord import app_commands

from generation.request.validation import MAX_PROMPT_CHARACTERS
from generation.typed_text import TypedText, take_in

SHORTEST_ID, LONGEST_ID = 1, 20  # of a job, with blanks around it


class TypedOption(app_commands.Transformer):
    """Makes typed text of an option; Discord keeps it within the lengths before it is sent.

    Args:
        fewest: Characters; None for what Discord lets pass.
        most: Likewise.
    """

    def __init__(self, fewest: int | None = None, most: int | None = None) -> None:
        self._fewest = fewest
        self._most = most

    @property
    def min_value(self) -> int | None:
        """The fewest characters."""
        return self._fewest

    @property
    def max_value(self) -> int | None:
        """The most characters."""
        return self._most

    async def transform(self, _interaction: discord.Interaction, value: str, /) -> TypedText:
        """Takes the text in.

        Raises:
            InvalidRequestError: It holds a character that cannot be kept.
        """
        return take_in(value)


Typed = app_commands.Transform[TypedText, TypedOption()]
PromptOption = app_commands.Transform[TypedText, TypedOption(1, MAX_PROMPT_CHARACTERS)]
JobIdOption = app_commands.Transform[TypedText, TypedOption(SHORTEST_ID, LONGEST_ID)]
