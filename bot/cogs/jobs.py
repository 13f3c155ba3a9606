"""/queue, /cancel and /info: where one stands, how to step back, what one has used."""

from discord import app_commands
from discord.ext import commands

from bot.errors import EaselError
from bot.services.actions.actions import PictureActions
from bot.services.people.overview import ALL, QueueOverview
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.escape import plain
from bot.ui.discord.responses import send_ephemeral
from bot.ui.discord.typed_option import Typed
from bot.ui.jobs import text
from generation.typed_text import TypedText


class JobsCog(commands.Cog):
    """Commands about one's own jobs; every answer is private."""

    def __init__(self, actions: PictureActions, overview: QueueOverview) -> None:
        self._actions = actions
        self._overview = overview

    @app_commands.command(name="queue", description="See your jobs and how long the queue is")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def queue(self, interaction: Interaction) -> None:
        """Lists the person's jobs; other people's are only counted."""
        await send_ephemeral(interaction, text.queue_overview(self._overview.of(interaction.user.id)))

    @app_commands.command(name="cancel", description="Cancel one, several or all of your jobs")
    @app_commands.describe(which="A number of /queue, a range such as 1-3, a job's id, or all")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def cancel(self, interaction: Interaction, which: Typed) -> None:
        """Cancels; moderators may name any job of the channels they moderate by its id."""
        actor = await actor_of(interaction)
        jobs = self._overview.meant(actor.person, which)
        await interaction.response.defer(ephemeral=True, thinking=True)
        cancelled, refused = [], []
        for job_id in jobs:
            try:
                cancelled.append(await self._actions.cancel(job_id, actor))
            except EaselError as error:
                refused.append(str(error))
        await send_ephemeral(interaction, text.cancelling(cancelled, refused))

    @app_commands.command(name="info", description="See what you have used, and what is waiting")
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def info(self, interaction: Interaction) -> None:
        """Sums up what the person has had painted."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        usage = await self._overview.usage(interaction.user.id)
        await send_ephemeral(interaction, text.usage(usage, self._overview.of(interaction.user.id)))

    @cancel.autocomplete("which")
    async def _jobs(self, interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        mine = self._overview.of(interaction.user.id).mine
        choices = [app_commands.Choice(name=f"all {len(mine)} of mine", value=ALL)] if mine else []
        choices += [
            app_commands.Choice(name=f"{number}: {plain(standing.job.request.prompt)}"[:100], value=standing.job.id)
            for number, standing in enumerate(mine, 1)
        ]
        return [choice for choice in choices if TypedText(current).lower() in choice.name.lower()][:25]
