"""What /settings offers and takes: each setting checked by what it would paint with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import DeliveryPreferences, Order, Owner, Scope, Values
from bot.services.jobs.generation import GenerationService
from bot.services.repositories import ChoiceRepository
from bot.services.requests.flags import value_of
from bot.services.requests.layers import PRESET, SIZE, Preferences
from bot.services.requests.preferences import PreferenceReader, RequestContext, wishes
from bot.services.requests.sizes import ASPECTS
from generation import SAMPLERS, SCHEDULES
from generation.request import presets
from generation.typed_text import TypedText

# What can be chosen, in the order in which the panel lists it.
LABELS = {
    "model": "Model",
    "aspect": "Aspect",
    "width": "Width",
    "height": "Height",
    "steps": "Steps",
    "cfg": "Cfg",
    "sampler": "Sampler",
    "scheduler": "Schedule",
    "negative": "Negative",
    "count": "Count",
    "preset": "Preset",
    "vae": "VAE",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """What a settings panel shows.

    Attributes:
        owner: Whose settings they are.
        chosen: What was chosen, by field.
        wishes: How the person wants to be served; of no meaning for channels and servers.
    """

    owner: Owner
    chosen: Values
    wishes: DeliveryPreferences


class Choices:
    """Reads and changes what an owner chose."""

    def __init__(
        self, repository: ChoiceRepository, preferences: PreferenceReader, generation: GenerationService
    ) -> None:
        self._repository = repository
        self._preferences = preferences
        self._generation = generation

    async def panel(self, owner: Owner) -> Panel:
        """Reads what an owner chose."""
        return _panel(owner, await self._values(owner))

    async def offers(self, field: str, context: RequestContext, scope: Scope) -> Sequence[str]:
        """Lists what may be chosen for a field; a field without a list takes what is typed."""
        shelf = self._generation.models
        known: Mapping[str, Sequence[str]] = {
            "model": [model.name for model in shelf.usable],
            "aspect": ASPECTS,
            "steps": ["10", "15", "20", "25", "30", "40", "50", "60", "80"],
            "cfg": ["1", "2", "3", "4", "5", "6", "7", "8", "10", "12"],
            "sampler": list(SAMPLERS),
            "scheduler": list(SCHEDULES),
            "count": [str(number) for number in range(1, 11)],
            "vae": shelf.vaes,
        }
        if field == PRESET:
            return [*(await self._nameable(context, scope)).known_presets, presets.NONE]
        return known.get(field, ())

    async def choose(self, owner: Owner, field: str, text: TypedText | None, context: RequestContext) -> Panel:
        """Sets a field to what was typed or picked; None takes the choice back.

        Raises:
            InvalidRequestError: Nothing could be painted with it; the text says what would work.
            LimitError: It is beyond what this bot allows.
        """
        values = dict(await self._values(owner))
        values.pop(field, None)
        if text is not None:
            values[field] = await self._checked(field, TypedText(text.strip()), values, (context, owner.scope))
        await self._repository.keep(owner, values)
        return _panel(owner, values)

    async def toggle(self, owner: Owner, wish: str) -> Panel:
        """Turns one of the person's wishes round."""
        values = dict(await self._values(owner))
        values[wish] = not getattr(wishes(values), wish)
        if values[wish] == getattr(DeliveryPreferences(), wish):
            del values[wish]
        await self._repository.keep(owner, values)
        return _panel(owner, values)

    async def reset(self, owner: Owner) -> Panel:
        """Takes back all that an owner chose."""
        await self._repository.keep(owner, {})
        return _panel(owner, {})

    async def _values(self, owner: Owner) -> Values:
        return (await self._repository.of([owner])).get(owner, {})

    async def _checked(self, field: str, text: TypedText, others: Values, place: tuple[RequestContext, Scope]) -> Any:
        value = value_of(field, text)
        size = {name: others[name] for name in SIZE if name in others} if field in SIZE else {}
        preferences = await self._nameable(*place)
        self._generation.resolve(Order(**({"prompt": "anything", field: value} | size)), preferences)
        return value.casefold() if field == PRESET else value

    async def _nameable(self, context: RequestContext, scope: Scope) -> Preferences:
        """Returns what a default of a scope may name: a person's own presets mean nothing to others."""
        person = context.person if scope is Scope.PERSON else 0
        return Preferences(
            presets=(await self._preferences.of(RequestContext(person, context.channel_id, context.guild_id))).presets
        )


def _panel(owner: Owner, values: Values) -> Panel:
    chosen = {name: values[name] for name in LABELS if name in values}
    return Panel(owner, chosen, wishes(values) if owner.scope is Scope.PERSON else DeliveryPreferences())
