"""From an accepted request to a job: the public answer begins, the job is kept."""

import logging
from contextlib import ExitStack
from typing import Any

import discord

from bot.errors import AnswerExpiredError, JobTakenError
from bot.services.generation import GenerationService
from bot.ui.private import acknowledge
from generation import GenerationRequest

log = logging.getLogger(__name__)


async def submit(
    interaction: discord.Interaction[Any],
    service: GenerationService,
    request: GenerationRequest,
) -> None:
    """Answers a command, a press or a form with a message of its job, and keeps the job."""
    with ExitStack() as undo:
        undo.callback(service.withdraw_acceptance, interaction.user.id)
        try:
            origin = await acknowledge(interaction)
        except AnswerExpiredError as error:
            log.warning("a command was lost: %s", error)
            return
        undo.pop_all()
    try:
        await service.submit(request, origin)
    except JobTakenError:
        log.info("another process of the bot has taken a command that came to both")
