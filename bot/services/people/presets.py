"""Presets: saving, naming, sharing. Whose they are decides who may change them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain import Order, Owner, Preset, Scope, Values, new_job_id
from bot.errors import LimitError
from bot.services.jobs.generation import GenerationService
from bot.services.repositories import ChoiceRepository, PresetRepository
from bot.services.requests.flags import ALIASES, DECIDED, FLAGS, read, values_of
from bot.services.requests.layers import PLACE, PRESET, PROMPT, Preferences
from generation import GenerationRequest, InvalidRequestError
from generation.request import presets
from generation.request.validation import check_name, check_text, quoted
from generation.typed_text import TypedText

# What belongs to one picture and not to a way of painting.
_NOT_KEPT = {"seed", "subseed", "row", "rows"}
_NAME = re.compile(r"[^\W_][\w-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a preset is made of; at least one of them.

    Attributes:
        request: What an earlier job painted.
        flags: A line of flags.
        template: What stands around a prompt, with {prompt} in its place.
    """

    request: GenerationRequest | None = None
    flags: TypedText = TypedText("")
    template: TypedText = TypedText("")


class Presets:
    """Saves and finds presets.

    Args:
        repository: Where they are kept.
        choices: Where defaults are kept, which may name one.
        generation: Tells whether one can be painted with.
        most: How many one person, or one server, may have.
    """

    def __init__(
        self, repository: PresetRepository, choices: ChoiceRepository, generation: GenerationService, most: int
    ) -> None:
        self._repository = repository
        self._choices = choices
        self._generation = generation
        self._most = most

    async def of(self, owners: Sequence[Owner]) -> Sequence[Preset]:
        """Lists the presets of some owners, by name."""
        return await self._repository.of(owners)

    async def find(self, owners: Sequence[Owner], name: TypedText | str) -> Preset:
        """Finds a preset by name; an earlier owner's hides a later one's, and every owner's a built-in one.

        Raises:
            InvalidRequestError: There is none; the text names the nearest.
        """
        wanted = name.casefold().strip()
        known = {preset.name: preset for owner in reversed(owners) for preset in await self._repository.of([owner])}
        builtin = presets.presets()
        check_name(PRESET, wanted, [*known, *builtin])
        return known.get(wanted) or Preset(name=wanted, owner=BUILT_IN, values=builtin[wanted].values)

    async def save(self, owner: Owner, name: TypedText, making: Making) -> Preset:
        """Saves a preset, in place of one of the same name.

        Raises:
            InvalidRequestError: The name cannot be one, there is nothing to save, or it cannot be painted with.
            LimitError: The owner has as many as they may.
        """
        preset = Preset(name=checked_name(name), owner=owner, values=self._values(making))
        await self._repository.keep(preset, self._most)
        return preset

    async def delete(self, owner: Owner, name: TypedText) -> None:
        """Deletes a preset, and lets no default of its owner name it any more."""
        known = name.casefold().strip()
        if not await self._repository.delete(owner, known):
            raise await self._unknown(owner, known)
        await self._follow(owner, known, None)

    async def rename(self, owner: Owner, name: TypedText, new: TypedText) -> Preset:
        """Gives a preset another name; the owner's default goes along."""
        old, renamed = name.casefold().strip(), checked_name(new)
        if not await self._repository.rename(owner, old, renamed):
            raise await self._unknown(owner, old)
        await self._follow(owner, old, renamed)
        return await self.find([owner], renamed)

    async def make_default(self, owner: Owner, name: TypedText | None, owners: Sequence[Owner]) -> None:
        """Lets a preset hold wherever its owner names none; None takes that back."""
        values = dict((await self._choices.of([owner])).get(owner, {}))
        values.pop(PRESET, None)
        if name is not None:
            values[PRESET] = name if name == presets.NONE else (await self.find(owners, name)).name
        await self._choices.keep(owner, values)

    async def share(self, owner: Owner, name: TypedText) -> str:
        """Returns the code with which others can copy a preset."""
        known = name.casefold().strip()
        code = await self._repository.share(owner, known, new_job_id())
        if code is None:
            raise await self._unknown(owner, known)
        return code

    async def copy(self, owner: Owner, code: TypedText, name: TypedText | None) -> Preset:
        """Saves a copy of a shared preset under its own name or another one.

        Raises:
            LimitError: There is no such code, or a preset of that name is there already.
        """
        shared = await self._repository.by_code(code.strip().lower())
        if shared is None:
            raise LimitError("There is no preset with this code; perhaps it was deleted. Ask for a new code.")
        return await self.give(owner, shared, name)

    async def give(self, owner: Owner, preset: Preset, name: TypedText | None = None) -> Preset:
        """Saves a copy of a preset for another owner; never in place of one that is there."""
        copy = replace(preset, owner=owner, name=checked_name(name or TypedText(preset.name)), code=None)
        if any(each.name == copy.name for each in await self._repository.of([owner])):
            raise LimitError(f"There is a preset named {copy.name} already; choose another name.")
        await self._repository.keep(copy, self._most)
        return copy

    def _values(self, making: Making) -> Values:
        values: dict[str, Any] = {}
        if making.request is not None:
            usual = values_of(GenerationRequest(prompt="", model="", seed=0))
            made = values_of(making.request)
            values |= {name: made[name] for name in made if name in DECIDED or made[name] != usual[name]}
        flagged = read(making.flags)
        if flagged.prompt or flagged.presets:
            raise InvalidRequestError(
                "flags", f"flags takes flags alone, such as `--steps 30`, not {quoted(flagged.prompt)}."
            )
        values = {name: value for name, value in values.items() if name not in {*_NOT_KEPT, PROMPT}} | flagged.values
        if making.template.strip():
            values[PROMPT] = checked_template(making.template)
        if not values:
            raise InvalidRequestError(PRESET, "There is nothing to save: give a job's id, flags, or a template.")
        if PRESET in values:
            raise InvalidRequestError(PRESET, "A preset cannot name another one: give what it should set.")
        self._generation.resolve(
            Order(prompt=TypedText("anything"), preset=TypedText("it")), Preferences(presets={"it": values})
        )
        return values

    async def _unknown(self, owner: Owner, name: str) -> InvalidRequestError:
        known = [preset.name for preset in await self._repository.of([owner])]
        if not known:
            whose = "You have" if owner.scope is Scope.PERSON else "This server has"
            return InvalidRequestError(PRESET, f"{whose} no presets yet; /preset save makes one.")
        try:
            check_name(PRESET, name, known)
        except InvalidRequestError as error:
            return error
        raise AssertionError("what was not found is unknown")

    async def _follow(self, owner: Owner, name: str, new: str | None) -> None:
        """Lets the owner's default follow a preset that is renamed or gone."""
        values = dict((await self._choices.of([owner])).get(owner, {}))
        if values.get(PRESET) == name:
            values.pop(PRESET)
            await self._choices.keep(owner, values if new is None else values | {PRESET: new})


BUILT_IN = Owner(Scope.SERVER, 0)  # nobody's: the built-in presets can only be read


def checked_template(template: TypedText) -> str:
    """Returns a preset's template as it is kept.

    Raises:
        InvalidRequestError: It is too long, or has more than one place for the prompt.
    """
    check_text("template", template)
    places = template.count(PLACE)
    if places > 1:
        raise InvalidRequestError("template", f"template has {places} times {PLACE}; keep one, where the prompt goes.")
    return template.strip()


def checked_name(name: TypedText) -> str:
    """Returns a preset's name as it is kept.

    Raises:
        InvalidRequestError: It cannot be typed as a flag, or is one already.
    """
    kept = name.strip().removeprefix("--").casefold()
    if not _NAME.fullmatch(kept):
        raise InvalidRequestError("name", "A preset's name is one word of at most 32 letters, digits, - and _.")
    if kept.replace("-", "_") in {*FLAGS, *ALIASES, presets.NONE}:
        raise InvalidRequestError("name", f"--{kept} has a meaning already; choose another name.")
    return kept
