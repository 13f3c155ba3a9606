"""From an order to jobs: what all commands that paint have in common. Many jobs at once are asked for twice."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import discord

from bot.domain import Draft, InputFile, Order
from bot.errors import LimitError
from bot.services.access import Actor
from bot.services.jobs.admission import AdmittedRequest
from bot.services.requests.layers import Preferences
from bot.ui.discord.attachments import Attached, expecting, with_files
from bot.ui.discord.context import Interaction, actor_of, context_of
from bot.ui.discord.escape import escape
from bot.ui.discord.permissions import check_posting
from bot.ui.discord.persistent import PersistentButton
from bot.ui.discord.responses import NO_MENTIONS
from bot.ui.jobs.submitting import submit_all, submit_many
from generation.prompt.permutations import count, expand

ASKED_ABOVE = 4  # so many jobs are painted without a question
MOST = 100
_LISTED = 10


async def place_order(
    interaction: Interaction, order: Order, preferences: Preferences, attached: Attached | None = None
) -> None:
    """Answers a command with a message of its job, with several if the prompt has choices, or refuses it at once.

    Raises:
        GenerationError: The order is impossible; the text says why and what would work.
        LimitError: It asks for more than is allowed, or nothing can be posted here.
    """
    check_posting(interaction)
    services = interaction.client.services
    actor = await actor_of(interaction)
    if (jobs := count(order.prompt)) <= MOST:  # more are refused in their own words, and not written out either
        services.generation.check_room(actor.person, jobs)
    orders = written_out(order)
    if attached is not None:
        await _place_with_files(interaction, actor, orders, preferences, attached)
        return
    if len(orders) <= ASKED_ABOVE:
        requests = services.generation.accept_all(orders, actor, preferences)
        await submit_all(interaction, services.generation, requests, preferences.wishes)
        return
    await services.generation.check_many(orders, actor, preferences)
    typed = {name: getattr(order, name) for name in Order.__slots__ if getattr(order, name) is not None}
    draft = await services.drafts.keep(Draft(interaction.user.id, typed))
    await interaction.response.send_message(
        _question(orders), view=_question_view(draft, len(orders)), ephemeral=True, allowed_mentions=NO_MENTIONS
    )


async def _place_with_files(
    interaction: Interaction, actor: Actor, orders: Sequence[Order], preferences: Preferences, attached: Attached
) -> None:
    """Accepts orders by what Discord says of their files, and completes them once the files have come."""
    if len(orders) > ASKED_ABOVE:
        raise LimitError(f"With a picture attached a prompt can make {ASKED_ABOVE} jobs at once, not {len(orders)}.")
    service = interaction.client.services.generation
    supposed = [expecting(order, attached.files) for order in orders]
    requests = service.accept_all(supposed, actor, preferences)

    async def complete() -> list[AdmittedRequest]:
        return await attached.take_in(resolve)

    async def resolve(pictures: Mapping[str, InputFile]) -> list[AdmittedRequest]:
        completed = [service.resolve(with_files(order, pictures), preferences).request for order in orders]
        return [service.admit(actor, request) for request in completed]

    await submit_all(interaction, service, requests, preferences.wishes, complete, attached.derived)


def written_out(order: Order) -> list[Order]:
    """Returns an order for every choice that its prompt leaves."""
    return [replace(order, prompt=prompt) for prompt in expand(order.prompt, MOST)]


class ChoicesButton(PersistentButton, template=r"easel:choices:(?P<deed>all|none):(?P<draft>[0-9a-z]{10})"):
    """Paints all that a prompt's choices make, or none of it."""

    async def act(self, interaction: Interaction) -> None:
        """Does what the button says, once."""
        if self.match["deed"] == "all":
            await self._paint(interaction)
        else:
            await self._drop(interaction)

    async def _paint(self, interaction: Interaction) -> None:
        services = interaction.client.services
        draft = await services.drafts.find(self.match["draft"])
        if draft is None or draft.person != interaction.user.id:
            raise LimitError("This was answered already; use the command again for more.")
        check_posting(interaction)
        preferences = await services.preferences.of(context_of(interaction))
        orders = written_out(Order(**draft.content))
        requests = await services.generation.accept_many(orders, await actor_of(interaction), preferences)
        with ExitStack() as undo:
            undo.callback(services.generation.withdraw_acceptance, interaction.user.id, len(requests))
            if not await services.drafts.take(self.match["draft"]):
                raise LimitError("This was answered already; use the command again for more.")
            undo.pop_all()
        await submit_many(interaction, services.generation, requests, preferences.wishes, draft.content["prompt"])

    async def _drop(self, interaction: Interaction) -> None:
        await interaction.client.services.drafts.take(self.match["draft"])
        await interaction.response.edit_message(content="Nothing was painted.", view=None)


def _question(orders: Sequence[Order]) -> str:
    lines = [f"Your prompt makes {len(orders)} jobs:", *(f"- {escape(each.prompt, 120)}" for each in orders[:_LISTED])]
    if len(orders) > _LISTED:
        lines.append(f"and {len(orders) - _LISTED} more")
    return "\n".join(lines)


def _question_view(draft: str, count: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    style = discord.ButtonStyle.primary
    view.add_item(discord.ui.Button(label=f"Paint all {count}", style=style, custom_id=f"easel:choices:all:{draft}"))
    view.add_item(discord.ui.Button(label="Paint none", custom_id=f"easel:choices:none:{draft}"))
    view.stop()  # presses are answered by the ids' pattern; nothing has to remember this view
    return view
