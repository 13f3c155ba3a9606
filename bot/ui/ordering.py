"""From an order to a job: what all commands that paint have in common."""

from typing import Any

import discord

from bot.domain import Order
from bot.services.generation import GenerationService
from bot.services.layers import Taste
from bot.ui.permissions import check_posting
from bot.ui.submitting import submit


async def place_order(
    interaction: discord.Interaction[Any], service: GenerationService, order: Order, taste: Taste
) -> None:
    """Answers a command with a message of its job, or refuses it at once.

    Raises:
        GenerationError: The order is impossible; the text says why and what would work.
        LimitError: It asks for more than is allowed, or nothing can be posted here.
    """
    check_posting(interaction)
    request = service.accept(order, interaction.user.id, taste)
    await submit(interaction, service, request)
