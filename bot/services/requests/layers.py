"""Who decides what: typed beats a preset, a preset my default, mine the channel's, the server's, the bot's. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain import DeliveryPreferences, Order, Values
from generation import InvalidRequestError
from generation.request import presets
from generation.request.validation import check_length, check_name
from generation.typed_text import TypedText

SIZE = ("aspect", "width", "height")  # whoever says one of them decides the whole size
PRESET, PROMPT = "preset", "prompt"
PLACE = "{prompt}"  # in a template: where the prompt goes


class Source(StrEnum):
    """Where a value came from, the strongest first."""

    TYPED = "typed"
    PRESET = "preset"
    MINE = "your default"
    CHANNEL = "the channel's default"
    SERVER = "the server's default"
    MODEL = "advised for this model"
    BOT = "the bot's default"
    LOT = "drawn by lot"


@dataclass(frozen=True, slots=True)
class Layer:
    """Values that come from one place; `name` tells presets apart."""

    source: Source
    values: Values
    name: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A value and the layer that it came from."""

    value: Any
    source: Source
    name: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.name}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What holds for one person in one place beside what they type.

    Attributes:
        mine: The person's own choices.
        channel: The channel's.
        server: The server's.
        presets: The presets the person can name, beside the built-in ones.
        wishes: How the person wants to be served.
    """

    mine: Values = field(default_factory=dict)
    channel: Values = field(default_factory=dict)
    server: Values = field(default_factory=dict)
    presets: Mapping[str, Values] = field(default_factory=dict)
    wishes: DeliveryPreferences = field(default_factory=DeliveryPreferences)

    @property
    def known_presets(self) -> dict[str, Values]:
        """Every preset that can be named; a saved one hides a built-in one of its name."""
        return {name: preset.values for name, preset in presets.presets().items()} | dict(self.presets)


def layers(typed: Values, named: Sequence[str], preferences: Preferences) -> Iterator[Layer]:
    """Gives what was typed, saved and set by default, the strongest first.

    A preset stands right above the place that names it, so that a default preset is as strong as any default of its
    place; only the strongest place that names one does so.

    Args:
        typed: What a person typed, by an order's fields.
        named: Presets that were named as flags; the last is the strongest.
        preferences: What holds beside it.

    Raises:
        InvalidRequestError: A preset is unknown; the text names the nearest.
    """
    wanted = [*named, *([typed[PRESET]] if PRESET in typed else [])]
    yield Layer(Source.TYPED, typed)
    yield from _presets(reversed(wanted), Source.TYPED, preferences)
    decided = bool(wanted)
    for source, values in (
        (Source.MINE, preferences.mine),
        (Source.CHANNEL, preferences.channel),
        (Source.SERVER, preferences.server),
    ):
        if PRESET in values and not decided:
            decided = True
            yield from _presets([values[PRESET]], source, preferences)
        yield Layer(source, values)


def choose(ordered: Sequence[Layer]) -> dict[str, Chosen]:
    """Takes every value from the first layer that has it; the three that make a size from one and the same layer."""
    chosen: dict[str, Chosen] = {}
    sized = False
    for layer in ordered:
        for name, value in layer.values.items():
            taken = sized if name in SIZE else name in chosen
            if not taken:
                chosen[name] = Chosen(value, layer.source, layer.name)
        sized = sized or any(name in layer.values for name in SIZE)
    return chosen


def wrap(prompt: TypedText, ordered: Sequence[Layer]) -> str:
    """Puts a prompt into the templates of the presets in use; one that has no {prompt} follows it.

    Raises:
        InvalidRequestError: The prompt would become too long; it is refused before it is made.
    """
    for layer in ordered:
        template = layer.values.get(PROMPT) if layer.source is Source.PRESET else None
        if template:
            template = template if PLACE in template else f"{PLACE}, {template}"
            places = template.count(PLACE)
            length = len(template) + places * (len(prompt) - len(PLACE))
            check_length(f"prompt with the preset {layer.name}", length)
            prompt = TypedText(template.replace(PLACE, prompt))
    return prompt


def given(order: Order) -> dict[str, Any]:
    """Returns what an order says, without its prompt."""
    fields = {name: getattr(order, name) for name in Order.__slots__ if name not in {PROMPT, "extra"}}
    return {name: value for name, value in fields.items() if value is not None}


def _presets(names: Iterable[str], source: Source, preferences: Preferences) -> Iterator[Layer]:
    known = preferences.known_presets
    for name in map(str.casefold, names):
        if name == presets.NONE:
            continue
        try:
            check_name(PRESET, name, known)
        except InvalidRequestError as error:
            if source is Source.TYPED:
                raise
            raise InvalidRequestError(PRESET, f"{error} It is {source}; /settings changes it.") from None
        yield Layer(Source.PRESET, known[name], name)
