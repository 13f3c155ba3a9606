"""The routes with which a bot answers interactions: the callback, then edits and follow-ups by the token."""

import asyncio
from typing import Any

from playground.events.broadcast import Broadcast
from playground.events.portrait import Portrait
from playground.payloads.components import check_modal, numbered
from playground.payloads.compose import fill
from playground.rest.pipeline import Route
from playground.state.forms import Form
from playground.state.interactions import (
    ANSWERS,
    CHOICES,
    COMMAND,
    DEFERRED_MESSAGE,
    DEFERRED_UPDATE,
    MESSAGE,
    MODAL,
    UPDATE,
    Interaction,
)
from playground.state.limits import ACK_SECONDS
from playground.state.messages import EPHEMERAL, LOADING, MENU_ANSWER, PLAIN, REPLY, SLASH_ANSWER, Message
from playground.state.wire import Answer, Call, Refusal
from playground.state.world import World


class AnswerRoutes:
    """What the bot says to people who used a command or a component."""

    def __init__(self, world: World, broadcast: Broadcast, portrait: Portrait) -> None:
        self._world = world
        self._broadcast = broadcast
        self._portrait = portrait

    def routes(self) -> list[Route]:
        """Lists the routes."""
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        made = [
            Route("POST", "/interactions/{interaction_id}/{interaction_token}/callback", self._callback),
            Route("POST", webhook, self._follow_up),
        ]
        for message in ("@original", "{message_id}"):
            template = f"{webhook}/messages/{message}"
            made += [
                Route("GET", template, self._get),
                Route("PATCH", template, self._edit),
                Route("DELETE", template, self._delete),
            ]
        return made

    async def _callback(self, call: Call) -> Answer:
        interaction = self._world.interactions.get(call.text("interaction_token"))
        if interaction is None or interaction.id != call.number("interaction_id"):
            raise Refusal(404, 10062, "Unknown interaction")
        if interaction.acked is not None:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        if self._world.clock.age(interaction.at) > ACK_SECONDS:
            raise Refusal(404, 10062, "Unknown interaction")
        kind = call.payload.get("type")
        if kind not in ANSWERS[interaction.kind]:
            raise Refusal(400, 50035, f"Invalid Form Body: an interaction of this type takes no answer of type {kind}")
        changed = self._carry_out(interaction, kind, call)
        interaction.acked = asyncio.get_running_loop().time()
        interaction.response_type = kind
        interaction.answered.set()
        self._tell(interaction, changed, kind)
        with_response = call.request.query.get("with_response", "0").lower() in {"1", "true"}
        return (200, self._callback_json(interaction)) if with_response else (204, None)

    def _carry_out(self, interaction: Interaction, kind: int, call: Call) -> Message | None:
        """Does what the first answer says; returns the message it made or changed."""
        data = call.payload.get("data") or {}
        if kind in {MESSAGE, DEFERRED_MESSAGE}:
            message = self._begin(interaction, data)
            if kind == DEFERRED_MESSAGE:
                message.flags |= LOADING
                message.remember()
            else:
                fill(self._world, message, data, call.body.files)
            interaction.original = message
            interaction.deferred = kind == DEFERRED_MESSAGE
            return message
        if kind == CHOICES:
            interaction.choices = _checked_choices(data)
        elif kind == MODAL:
            form = Form()
            check_modal(form, data)
            form.refuse()
            interaction.modal = {**data, "components": numbered(data["components"])}
        elif kind in {UPDATE, DEFERRED_UPDATE}:
            return self._update_source(interaction, kind, call)
        return None

    def _update_source(self, interaction: Interaction, kind: int, call: Call) -> Message | None:
        source = interaction.source
        if source is None:
            raise Refusal(400, 50035, "Invalid Form Body: there is no message to update")
        interaction.original = source
        if kind == DEFERRED_UPDATE:
            return None
        fill(self._world, source, call.payload.get("data") or {}, call.body.files)
        source.edited_at = self._world.clock.now()
        return source

    def _tell(self, interaction: Interaction, changed: Message | None, kind: int) -> None:
        about = {"interaction_id": str(interaction.id)}
        self._broadcast.to_person(interaction.user, {"type": "acknowledged", **about})
        if kind == MODAL and interaction.modal is not None:
            self._broadcast.to_person(interaction.user, {"type": "modal", **about, **interaction.modal})
        if changed is not None and kind == UPDATE:
            self._broadcast.message_updated(changed)
        elif changed is not None:
            changed.channel.add(changed)
            self._broadcast.message_created(changed)
        self._world.on_change()

    def _callback_json(self, interaction: Interaction) -> dict[str, Any]:
        about: dict[str, Any] = {
            "id": str(interaction.id), "type": interaction.kind, "response_message_loading": interaction.deferred,
        }  # fmt: skip
        if interaction.original is None:
            return {"interaction": about}
        about |= {
            "response_message_id": str(interaction.original.id),
            "response_message_ephemeral": interaction.original.ephemeral,
        }
        if interaction.response_type == DEFERRED_UPDATE:
            return {"interaction": about}
        kind = UPDATE if interaction.response_type == UPDATE else MESSAGE
        message = self._portrait.message(interaction.original, self._world.bot)
        return {"interaction": about, "resource": {"type": kind, "message": message}}

    async def _follow_up(self, call: Call) -> Answer:
        interaction = self._alive(call)
        original = interaction.original
        if interaction.deferred and original is not None and not original.deleted:
            message = original  # the first follow-up takes the place of the thinking answer, and its openness
            self._fill_promised(interaction, call)
            self._broadcast.message_updated(message)
        else:
            message = self._begin(interaction, call.payload, reply_to=original)
            fill(self._world, message, call.payload, call.body.files)
            interaction.followups.append(message)
            message.channel.add(message)
            self._broadcast.message_created(message)
        return 200, self._portrait.message(message, self._world.bot)

    async def _get(self, call: Call) -> Answer:
        return 200, self._portrait.message(self._answer(self._alive(call), call), self._world.bot)

    async def _edit(self, call: Call) -> Answer:
        interaction = self._alive(call)
        message = self._answer(interaction, call)
        if message is interaction.original and interaction.deferred:
            self._fill_promised(interaction, call)
        else:
            fill(self._world, message, call.payload, call.body.files)
            message.edited_at = self._world.clock.now()
        self._broadcast.message_updated(message)
        return 200, self._portrait.message(message, self._world.bot)

    async def _delete(self, call: Call) -> Answer:
        interaction = self._alive(call)
        message = self._answer(interaction, call)
        if message is interaction.original:
            interaction.deferred = False
        message.deleted = True
        self._world.cdn.forget(message.attachments)
        self._broadcast.message_deleted(message)
        return 204, None

    def _fill_promised(self, interaction: Interaction, call: Call) -> None:
        if interaction.original is None:
            return
        fill(self._world, interaction.original, call.payload, call.body.files)
        interaction.original.flags &= ~LOADING
        interaction.deferred = False

    def _alive(self, call: Call) -> Interaction:
        interaction = self._world.interaction(call.text("webhook_token"))
        if call.number("webhook_id") != self._world.bot.id or interaction.acked is None:
            raise Refusal(404, 10015, "Unknown Webhook")
        return interaction

    def _answer(self, interaction: Interaction, call: Call) -> Message:
        wanted = call.request.match_info.get("message_id")
        answers = [each for each in (interaction.original, *interaction.followups) if each is not None]
        if wanted is None:
            answers = answers[:1] if interaction.original is not None else []
        for message in answers:
            if not message.deleted and wanted in {None, str(message.id)}:
                return message
        raise Refusal(404, 10008, "Unknown Message")

    def _begin(self, interaction: Interaction, data: dict[str, Any], reply_to: Message | None = None) -> Message:
        only_for = interaction.user if (data.get("flags") or 0) & EPHEMERAL else None
        channel = self._world.channel(interaction.channel.id)
        message = self._world.new_message(channel, self._world.bot, only_for)
        message.cause = interaction.cause()
        if reply_to is not None:
            message.kind, message.reply_to = REPLY, reply_to.id
        elif interaction.kind == COMMAND:
            message.kind = SLASH_ANSWER if interaction.data["type"] == 1 else MENU_ANSWER
        elif interaction.source is not None:
            message.kind, message.reply_to = REPLY, interaction.source.id
        else:
            message.kind = PLAIN
        return message


def _checked_choices(data: dict[str, Any]) -> list[dict[str, Any]]:
    choices: list[dict[str, Any]] = data.get("choices") or []
    form = Form()
    form.length(("data", "choices"), choices, 0, 25)
    for number, choice in enumerate(choices):
        form.length(("data", "choices", number, "name"), choice.get("name"), 1, 100)
        if isinstance(choice.get("value"), str):
            form.length(("data", "choices", number, "value"), choice["value"], 1, 100)
    form.refuse()
    return choices
