"""What happens when a button under a result is pressed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.domain import Action
from bot.errors import NotKeptError
from bot.services.access import Actor, VisibleJob, check_rights
from bot.services.actions.actions import FORGOTTEN, Accepted, PictureActions, Words, check_user
from bot.services.actions.tools import OUTPAINTS, SCALES, Tool, known_size
from bot.services.images.fit_upload import Fitter
from bot.services.images.originals import batches
from bot.services.ports import Upload
from bot.services.retry import retry_write
from bot.ui.discord.attachments import as_files
from bot.ui.discord.context import Interaction, actor_of
from bot.ui.discord.permissions import check_posting
from bot.ui.discord.persistent import PersistentButton
from bot.ui.discord.responses import NO_MENTIONS, acknowledge, defer_ephemeral, defer_update
from bot.ui.discord.retry import with_retry
from bot.ui.jobs import text as words
from bot.ui.jobs.picture_buttons import LOOKS, WHOLE, Deed, Press, result_view
from bot.ui.jobs.submitting import submit
from bot.ui.regions.presses import open_panel
from bot.ui.results.edit_form import edit_form
from bot.ui.results.recipe_card import recipe_card
from bot.ui.results.zoom_form import zoom_form
from generation.images import loading


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press: by whom, on which picture of which job."""

    interaction: Interaction
    actions: PictureActions
    job: VisibleJob
    number: int | None
    actor: Actor


Handler = Callable[[Pressed], Awaitable[None]]


class PictureButton(
    PersistentButton,
    template=rf"easel:(?P<press>{'|'.join(LOOKS)}):(?P<job>[0-9a-z]{{10}}):(?P<number>\d{{1,2}})",
):
    """Any button under a result; its id says what it does with which picture."""

    async def act(self, interaction: Interaction) -> None:
        """Does what the button says."""
        press = next(deed for deed in LOOKS if deed == self.match["press"])
        if press is Press.DELETE:
            await _delete(interaction)
            return
        actions = interaction.client.services.actions
        actor, number = await actor_of(interaction), int(self.match["number"])
        job = await actions.find(self.match["job"], actor)
        check_user(job, actor, for_all=actions.rules.buttons_for_all)
        await _HANDLERS[press](Pressed(interaction, actions, job, None if number == WHOLE else number, actor))


async def _reroll(pressed: Pressed) -> None:
    _check_painting(pressed)
    await _paint(pressed, await pressed.actions.reroll(pressed.job, pressed.number, pressed.actor))


async def _vary(pressed: Pressed, action: Action | None = None) -> None:
    _check_painting(pressed)
    await _paint(pressed, await pressed.actions.vary(pressed.job, pressed.number or 1, pressed.actor, action))


async def _upscale(pressed: Pressed, tool: Tool) -> None:
    _check_painting(pressed)
    number, scale = pressed.number or 1, SCALES[tool]
    await _paint(pressed, await pressed.actions.upscale(pressed.job, number, scale, pressed.actor))


async def _outpaint(pressed: Pressed, tool: Tool) -> None:
    _check_painting(pressed)
    number, words = pressed.number or 1, Words(*OUTPAINTS[tool])
    await _paint(pressed, await pressed.actions.outpaint(pressed.job, number, words, pressed.actor))


async def _choose_region(pressed: Pressed) -> None:
    _check_painting(pressed)
    await open_panel(pressed.interaction, pressed.job, pressed.number or 1)


async def _zoom(pressed: Pressed) -> None:
    """Opens the form; what is sent in arrives at the reader of forms, also after a restart."""
    _check_painting(pressed)
    await pressed.interaction.response.send_modal(zoom_form(pressed.job, pressed.number or 1))


async def _paint(pressed: Pressed, accepted: Accepted) -> None:
    await submit(pressed.interaction, pressed.actions.generation, accepted.request, accepted.derived)


async def _in_turn(pressed: Pressed, act: Handler) -> None:
    """Does what takes originals, unless the person has too many of them under way."""
    with _fitter(pressed).turn(pressed.actor.person):
        await act(pressed)


def _fitter(pressed: Pressed) -> Fitter:
    return pressed.interaction.client.services.fitter


async def _pick(pressed: Pressed) -> None:
    """Posts the original of one picture in a message of its own."""
    interaction, job, number = pressed.interaction, pressed.job, pressed.number or 1
    _check_painting(pressed)
    files = await pressed.actions.originals(job, number)
    tools = pressed.actions.tools.of(job.request, known_size(job.request) or loading.measure(files[0].data))
    wishes = await pressed.actions.generation.wishes(pressed.actor.person)
    origin = await acknowledge(interaction, private=wishes.direct and interaction.guild_id is not None)

    async def post(fitting: Sequence[Upload], notes: Sequence[str]) -> int:
        message = await with_retry(
            lambda: interaction.edit_original_response(
                content=words.picked(job, number, origin.user_id, notes),
                attachments=as_files(fitting, spoiler=job.wishes.spoiler),
                view=result_view(job, number, tools),
                allowed_mentions=NO_MENTIONS,
            )
        )
        return message.id

    message_id = await _fitter(pressed).post_fitting(files, origin.file_limit, post)
    await retry_write(lambda: pressed.actions.posts.keep(message_id, job.id, number, origin.user_id))


async def _edit(pressed: Pressed) -> None:
    """Opens the form; what is sent in arrives at the reader of forms, also after a restart."""
    _check_painting(pressed)
    keeps_input = await pressed.actions.access.may_reuse_inputs(pressed.job, pressed.actor)
    form = edit_form(pressed.job, pressed.number, keeps_input=keeps_input)
    await pressed.interaction.response.send_modal(form)


async def _inform(pressed: Pressed) -> None:
    """Shows the whole recipe and the originals to the person alone."""
    interaction = pressed.interaction
    command = interaction.client.command_name
    text, attached = recipe_card(pressed.job, pressed.number, command)
    await defer_ephemeral(interaction)
    files = await pressed.actions.originals(pressed.job, pressed.number)
    fitting, notes = await _fitter(pressed).fit_each(files, interaction.filesize_limit)
    first, *others = batches([*attached, *fitting])
    text = "\n".join([text, *(f"-# {note}" for note in notes)])
    await with_retry(lambda: interaction.edit_original_response(content=text, attachments=as_files(first)))
    for batch in others:
        await with_retry(partial(_follow, interaction, batch))


async def _follow(interaction: Interaction, batch: Sequence[Upload]) -> None:
    await interaction.followup.send(files=as_files(batch), ephemeral=True)


def _check_painting(pressed: Pressed) -> None:
    """Refuses a press that paints or posts where the person or the bot may not."""
    check_rights(pressed.actor)
    check_posting(pressed.interaction)


async def _delete(interaction: Interaction) -> None:
    """Deletes the message with the button; it needs no job for that."""
    message = interaction.message
    if message is None:
        raise NotKeptError(FORGOTTEN)
    asked = message.interaction_metadata
    await defer_update(interaction)
    remover = interaction.client.remover
    await remover.remove(message.id, await actor_of(interaction), None if asked is None else asked.user.id)


_HANDLERS: dict[Deed, Handler] = {
    Press.PICK: partial(_in_turn, act=_pick),
    Press.VARY: _vary,
    Press.SUBTLE: partial(_vary, action=Action.VARY_SUBTLE),
    Press.STRONG: partial(_vary, action=Action.VARY_STRONG),
    Press.REROLL: _reroll,
    Press.EDIT: _edit,
    Press.INFO: partial(_in_turn, act=_inform),
    Tool.ZOOM: _zoom,
    Tool.REGION: _choose_region,
    **{tool: partial(_upscale, tool=tool) for tool in SCALES},
    **{tool: partial(_outpaint, tool=tool) for tool in OUTPAINTS},
}
