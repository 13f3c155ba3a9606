"""Forms of the tools under a picture; known by their ids, so that a restart before sending them in does no harm."""

import re
from collections.abc import Mapping
from typing import Any

import discord
from discord.ext import commands

from bot.domain import InputFile, Order
from bot.services.access import Actor
from bot.services.actions.actions import Accepted, PictureActions, check_user
from bot.services.images.inputs import InputStore
from bot.services.images.regions import Segmenter, check_chosen, mask_file
from bot.services.jobs.admission import AdmittedRequest
from bot.services.requests.derive import masked
from bot.ui.discord.attachments import Attached, expecting
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.form_fields import Sent, sent_in
from bot.ui.discord.permissions import check_posting
from bot.ui.jobs.submitting import submit
from bot.ui.regions.panel import MASK, REGION_FORM_ID, Region, region_of
from bot.ui.regions.presses import found
from bot.ui.results.zoom_form import ZOOM_ID, read_prompt, zoomed
from generation import InvalidRequestError, Mask
from generation.images.loading import digest_of
from generation.typed_text import TypedText

_NOT_YET = "0" * 64  # in place of a mask that is made or fetched once the form is answered


class ToolFormsCog(commands.Cog):
    """Reads the forms behind Custom Zoom and Vary (Region).

    Args:
        actions: What people do with pictures.
        divider: Knows pictures' parts.
        inputs: Where masks are taken in.
    """

    def __init__(self, actions: PictureActions, segmenter: Segmenter, inputs: InputStore) -> None:
        self._actions = actions
        self._segmenter = segmenter
        self._inputs = inputs

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Takes forms out of everything that people do."""
        if interaction.type is not discord.InteractionType.modal_submit or interaction.data is None:
            return
        data: dict[str, Any] = {**interaction.data}
        if form := ZOOM_ID.fullmatch(data["custom_id"]):
            await self._zoom(interaction, form, sent_in(interaction))
        elif form := REGION_FORM_ID.fullmatch(data["custom_id"]):
            paint = self._paint_parts if form["how"] == "parts" else self._paint_by_mask
            await paint(interaction, region_of(form), sent_in(interaction))

    async def _zoom(self, interaction: Interaction, form: re.Match[str], sent: Sent) -> None:
        actor = await actor_of(interaction)
        job = await self._actions.find(form["job"], actor)
        check_user(job, actor, for_all=self._actions.rules.buttons_for_all)
        check_posting(interaction)
        words = zoomed(sent)
        accepted = await self._actions.outpaint(job, int(form["number"]), words, actor)
        await submit(interaction, self._actions.generation, accepted.request, accepted.derived)

    async def _paint_parts(self, interaction: Interaction, region: Region, sent: Sent) -> None:
        """Paints what was chosen of the parts; dividing the picture again may take longer than an answer."""
        actor = await actor_of(interaction)
        accepted = await self._accept(interaction, region, sent, actor)
        picture, choice = accepted.request.inputs[0], region.choice

        async def complete() -> AdmittedRequest:
            divided = await self._segmenter.divide(picture)
            check_chosen(divided, choice)
            mask = mask_file(divided, choice)
            request = masked(accepted.request, digest_of(mask), divided.pixels_grown(choice), invert=choice.invert)
            admitted = self._actions.generation.admit(actor, request)
            await self._inputs.keep(actor.person, mask)
            return admitted

        await submit(interaction, self._actions.generation, accepted.request, accepted.derived, complete=complete)

    async def _paint_by_mask(self, interaction: Interaction, region: Region, sent: Sent) -> None:
        """Paints what an uploaded mask says."""
        files = sent.uploaded(MASK)
        if not files:
            raise InvalidRequestError(MASK, "mask is missing: upload a picture whose white part is painted anew.")
        expecting(Order(prompt=TypedText("")), files)
        actor = await actor_of(interaction)
        accepted = await self._accept(interaction, region, sent, actor)

        async def complete() -> AdmittedRequest:
            return await Attached(files, self._inputs, actor.person).take_in(resolve)

        async def resolve(pictures: Mapping[str, InputFile]) -> AdmittedRequest:
            return self._actions.generation.admit(actor, masked(accepted.request, pictures[MASK].digest))

        await submit(interaction, self._actions.generation, accepted.request, accepted.derived, complete=complete)

    async def _accept(self, interaction: Interaction, region: Region, sent: Sent, actor: Actor) -> Accepted:
        job = await found(interaction, region)
        check_posting(interaction)
        prompt = read_prompt(sent)
        mask = Mask(picture=_NOT_YET)
        return await self._actions.paint_region(job, region.number, prompt, mask, actor)
