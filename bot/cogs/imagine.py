"""/imagine: words become a job."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.domain import Order
from bot.services.images.inputs import InputStore
from bot.services.jobs.explain import Explainer
from bot.services.jobs.generation import GenerationService
from bot.services.requests.extra import KEYS
from bot.services.requests.preferences import PreferenceReader
from bot.services.requests.sizes import ASPECTS
from bot.ui.discord.attachments import Attached, expecting
from bot.ui.discord.context import Interaction, context_of
from bot.ui.discord.responses import send_ephemeral
from bot.ui.discord.typed_option import PromptOption, Typed
from bot.ui.jobs.autocomplete import matching
from bot.ui.jobs.explaining import explanation
from bot.ui.jobs.ordering import place_order, written_out
from generation import SAMPLERS, SCHEDULES
from generation.request import presets
from generation.request.options import MAX_SCALE
from generation.request.request import (
    MAX_CLIP_SKIP,
    MAX_COUNT,
    MAX_GUIDANCE_SCALE,
    MAX_SEED,
    MAX_SIZE,
    MAX_STEPS,
    MIN_SIZE,
)
from generation.typed_text import TypedText

Side = app_commands.Range[int, MIN_SIZE, MAX_SIZE]
Choices = list[app_commands.Choice[str]]


class ImagineCog(commands.Cog):
    """The main command.

    Args:
        service: Where orders go.
        preferences: What holds beside what is typed.
        explainer: Explains orders instead of queueing them.
        inputs: Where pictures are taken in.
        name: The command's name; another image bot may own /imagine on the same server.
    """

    def __init__(
        self,
        service: GenerationService,
        preferences: PreferenceReader,
        explainer: Explainer,
        inputs: InputStore,
        name: str,
    ) -> None:
        self._service = service
        self._preferences = preferences
        self._explainer = explainer
        self._inputs = inputs
        self.imagine.name = name

    @app_commands.command(name="imagine", description="Paint a picture from words")
    @app_commands.describe(
        prompt="What to paint",
        negative="What to keep out of the picture",
        model="Which model paints",
        aspect="Width to height, such as 3:2",
        width="Width in pixels, a multiple of 8",
        height="Height in pixels, a multiple of 8",
        steps="How many steps to take: more is slower and finer",
        cfg="How closely to follow the prompt; 1 is without guidance",
        sampler="How the noise is taken away",
        scheduler="How the steps are spaced",
        seed="The same seed and settings paint the same picture",
        count="How many pictures",
        preset="Settings that go together; those of the model's family by default",
        vae="A separate VAE that decodes the picture",
        clip_skip="Which layer of the text encoders to listen to, from the end; 2 is usual",
        image="A picture to begin from",
        strength="How much of the image to paint anew: 0 keeps it, 1 forgets it",
        mask="A picture whose white or transparent part is painted anew in the image",
        outpaint="Add canvas around the image: 2x, square, or left 50%",
        lora="LoRAs to paint with: name:0.8, several by commas",
        hires="Paint a second pass this many times larger, for detail",
        upscale="Make the picture this many times larger, in tiles; with an image, that one",
        explain="Only say what would be painted and where each value comes from",
        extra="Seldom needed: name=value name=value, such as subseed=3 subseed_strength=0.2",
    )
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    @app_commands.allowed_installs(guilds=True, users=False)
    async def imagine(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
        self,
        interaction: Interaction,
        prompt: PromptOption,
        negative: PromptOption | None = None,
        model: Typed | None = None,
        aspect: Typed | None = None,
        width: Side | None = None,
        height: Side | None = None,
        steps: app_commands.Range[int, 1, MAX_STEPS] | None = None,
        cfg: app_commands.Range[float, 0.0, MAX_GUIDANCE_SCALE] | None = None,
        sampler: Typed | None = None,
        scheduler: Typed | None = None,
        seed: app_commands.Range[int, 0, MAX_SEED] | None = None,
        count: app_commands.Range[int, 1, MAX_COUNT] | None = None,
        preset: Typed | None = None,
        vae: Typed | None = None,
        clip_skip: app_commands.Range[int, 1, MAX_CLIP_SKIP] | None = None,
        image: discord.Attachment | None = None,
        strength: app_commands.Range[float, 0.0, 1.0] | None = None,
        mask: discord.Attachment | None = None,
        outpaint: Typed | None = None,
        lora: Typed | None = None,
        hires: app_commands.Range[float, 1.0, MAX_SCALE] | None = None,
        upscale: app_commands.Range[float, 1.0, MAX_SCALE] | None = None,
        extra: Typed | None = None,
        explain: bool = False,
    ) -> None:
        """Paints; what was left open has the server's defaults."""
        order = Order(
            prompt=prompt,
            negative=negative,
            model=model,
            aspect=aspect,
            width=width,
            height=height,
            steps=steps,
            cfg=cfg,
            sampler=sampler,
            scheduler=scheduler,
            seed=seed,
            count=count,
            preset=preset,
            vae=vae,
            clip_skip=clip_skip,
            strength=strength,
            outpaint=outpaint,
            lora=lora,
            hires=hires,
            upscale=upscale,
            extra=extra,
        )
        preferences = await self._preferences.of(context_of(interaction))
        files = {field: file for field, file in (("image", image), ("mask", mask)) if file is not None}
        if explain:
            await interaction.response.defer(ephemeral=True, thinking=True)
            first, *others = written_out(expecting(order, files))
            explained = await self._explainer.explain(first, preferences, interaction.user.id)
            await send_ephemeral(interaction, explanation(explained, len(others)))
            return
        await place_order(
            interaction, order, preferences, Attached(files, self._inputs, interaction.user.id) if files else None
        )

    @imagine.autocomplete("model")
    async def _models(self, _interaction: Interaction, current: str) -> Choices:
        return matching(TypedText(current), [model.name for model in self._service.models.usable])

    @imagine.autocomplete("aspect")
    async def _aspects(self, _interaction: Interaction, current: str) -> Choices:
        return matching(TypedText(current), ASPECTS)

    @imagine.autocomplete("sampler")
    async def _samplers(self, _interaction: Interaction, current: str) -> Choices:
        return matching(TypedText(current), SAMPLERS)

    @imagine.autocomplete("preset")
    async def _presets(self, interaction: Interaction, current: str) -> Choices:
        preferences = await self._preferences.of(context_of(interaction))
        return matching(TypedText(current), [*preferences.presets, *presets.presets(), presets.NONE])

    @imagine.autocomplete("vae")
    async def _vaes(self, _interaction: Interaction, current: str) -> Choices:
        return matching(TypedText(current), self._service.models.vaes)

    @imagine.autocomplete("lora")
    async def _loras(self, _interaction: Interaction, current: str) -> Choices:
        typed, comma, last = TypedText(current).rpartition(",")
        known = matching(TypedText(last.partition(":")[0].strip()), self._service.models.loras)
        before = f"{typed}, " if comma else ""
        return [
            app_commands.Choice(name=f"{before}{each.name}"[:100], value=f"{before}{each.value}:0.8"[:100])
            for each in known
        ]

    @imagine.autocomplete("extra")
    async def _extras(self, _interaction: Interaction, current: str) -> Choices:
        typed, _, last = TypedText(current).rpartition(" ")
        return matching(TypedText(current), [f"{typed} {key}=".strip() for key in KEYS if key.startswith(last)])

    @imagine.autocomplete("scheduler")
    async def _schedulers(self, _interaction: Interaction, current: str) -> Choices:
        return matching(TypedText(current), SCHEDULES)
