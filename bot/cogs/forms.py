"""Forms that are sent in; known by their ids, so that a restart between opening and sending does no harm."""

import re
from collections.abc import Mapping
from typing import Any

import discord
from discord.ext import commands

from bot.domain import InputFile
from bot.errors import NotKeptError
from bot.services.actions.actions import FORGOTTEN, PictureActions, check_user
from bot.services.images.inputs import InputStore
from bot.services.jobs.admission import AdmittedRequest
from bot.services.repositories import DraftRepository
from bot.services.requests.partwords import with_pictures
from bot.services.requests.preferences import PreferenceReader
from bot.ui.discord.attachments import Attached, Files, expecting, with_files
from bot.ui.discord.context import Interaction, actor_of, context_of
from bot.ui.discord.form_fields import IMAGE, Sent, sent_in
from bot.ui.discord.permissions import check_posting
from bot.ui.jobs.ordering import place_order
from bot.ui.jobs.picture_buttons import WHOLE
from bot.ui.jobs.submitting import submit
from bot.ui.results.edit_form import FORM_ID, edited
from bot.ui.results.input_form import INPUT_FORM_ID, input_order, picked


class FormsCog(commands.Cog):
    """Reads the forms behind ✏️ and "Use as input".

    Args:
        actions: What people do with pictures.
        preferences: What holds beside what is typed.
        inputs: Where pictures are taken in.
        drafts: Where it is kept what a form is about.
    """

    def __init__(
        self, actions: PictureActions, preferences: PreferenceReader, inputs: InputStore, drafts: DraftRepository
    ) -> None:
        self._actions = actions
        self._preferences = preferences
        self._inputs = inputs
        self._drafts = drafts

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Takes forms out of everything that people do."""
        if interaction.type is discord.InteractionType.modal_submit and interaction.data is not None:
            data: dict[str, Any] = {**interaction.data}
            if form := FORM_ID.fullmatch(data["custom_id"]):
                await self._change(interaction, form, sent_in(interaction))
            elif form := INPUT_FORM_ID.fullmatch(data["custom_id"]):
                await self._use(interaction, form["draft"], sent_in(interaction))

    async def _change(self, interaction: Interaction, form: re.Match[str], sent: Sent) -> None:
        actor, generation = await actor_of(interaction), self._actions.generation
        job = await self._actions.find(form["job"], actor)
        check_user(job, actor, for_all=self._actions.rules.buttons_for_all)
        check_posting(interaction)
        number, preferences = int(form["number"]), await self._preferences.of(context_of(interaction))
        files = sent.uploaded(IMAGE)
        order = expecting(edited(sent), files)
        accepted = await self._actions.edit(job, None if number == WHOLE else number, order, actor, preferences)

        async def complete() -> AdmittedRequest:
            if not files:
                return accepted.request
            return await Attached(files, self._inputs, actor.person).take_in(resolve)

        async def resolve(pictures: Mapping[str, InputFile]) -> AdmittedRequest:
            brought = with_files(order, pictures)
            return generation.admit(actor, generation.resolve(with_pictures(brought, job.request), preferences).request)

        await submit(interaction, generation, accepted.request, accepted.derived, complete=complete)

    async def _use(self, interaction: Interaction, draft_id: str, sent: Sent) -> None:
        draft = await self._drafts.find(draft_id)
        if draft is None or draft.person != interaction.user.id:
            raise NotKeptError(FORGOTTEN)
        content, place = draft.content, picked(sent, draft.content)
        files: Files
        if "job" in content:
            job = await self._actions.find(content["job"], await actor_of(interaction))
            kept = self._actions.kept(job, content["numbers"][place])
            files, derived = {IMAGE: kept}, kept.derived
        else:
            attachment = discord.Attachment(data=content["files"][place], state=interaction._state)
            files, derived = {IMAGE: attachment}, None
        preferences = await self._preferences.of(context_of(interaction))
        await place_order(
            interaction, input_order(sent), preferences, Attached(files, self._inputs, interaction.user.id, derived)
        )
