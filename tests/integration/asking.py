"""Waiting for the bot's answers, in one word each."""

from playground.state.interactions import Interaction
from playground.state.messages import Message
from tests.loopback import LoopbackDiscord


async def acked(discord: LoopbackDiscord, interaction: Interaction) -> Interaction:
    """Waits until the bot has answered at all."""
    await discord.wait_until(lambda: interaction.acked is not None)
    return interaction


async def told(discord: LoopbackDiscord, interaction: Interaction) -> str:
    """Waits until the person was told something alone; returns it."""
    await discord.wait_until(lambda: any(interaction.private_texts))
    return "\n".join(filter(None, interaction.private_texts))


async def telling(discord: LoopbackDiscord, interaction: Interaction) -> Message:
    """Waits until the person was told something alone; returns its message."""
    await told(discord, interaction)
    answers = [interaction.original, *interaction.followups]
    return next(each for each in answers if each is not None and each.content and not each.deleted)


async def answer(discord: LoopbackDiscord, interaction: Interaction) -> Message:
    """Waits for a message with something in it; returns the answer itself."""
    await discord.wait_until(lambda: interaction.original is not None and bool(interaction.original.content))
    assert interaction.original is not None
    return interaction.original


async def result(discord: LoopbackDiscord, interaction: Interaction) -> Message:
    """Waits for the pictures."""
    await discord.wait_until(lambda: bool(interaction.pictures))
    assert interaction.original is not None
    return interaction.original


def ids(message: Message) -> list[str]:
    """Lists the ids of a message's components, in order."""
    return [part["custom_id"] for row in message.components for part in row["components"]]


def job_of(message: Message) -> str:
    """Returns the id of the job whose pictures a message shows."""
    return message.attachments[0].filename.removeprefix("SPOILER_").split("-")[1]
