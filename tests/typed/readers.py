"""Finds all functions that take typed text, and says how each is called."""

import importlib
import inspect
import pkgutil
import typing
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import bot
import generation
from bot.client import EaselClient
from bot.domain import InputFile, Order, Owner, Preset, Scope
from bot.persistence import jobs as job_table
from bot.services.actions import tools
from bot.services.actions.tools import Bounds
from bot.services.people import history, presets
from bot.services.people.choices import Choices
from bot.services.people.overview import QueueOverview
from bot.services.people.presets import Making, Presets
from bot.services.requests import derive, extra, flags, framing, layers, resolve, sizes
from bot.services.requests.preferences import RequestContext
from bot.ui.discord import escape, form_fields
from bot.ui.jobs import autocomplete, ordering
from bot.ui.jobs import text as words
from bot.ui.results import edit_form, input_form, zoom_form
from generation import GenerationRequest, ModelEntry, metadata
from generation.metadata import easel_json, foreign
from generation.prompt import parser, permutations
from generation.request import validation
from generation.typed_text import TypedText
from tests.unit.bot.books import MemoryPresets
from tests.unit.bot.house import House

# Rooms that no typed text reaches: the engine gets requests, the playground is the other end of the line.
LEFT_OUT = ("bot.__main__", "playground", "generation.sdxl", "generation.starter", "generation.worker")

# They give typed text to a reader that is called here by itself, and do no work on it.
HANDED_ON = {
    "bot.cogs.settings._choose",
    "bot.services.actions.actions.PictureActions.cancel",
    "bot.services.actions.actions.PictureActions.find",
    "bot.services.actions.actions.PictureActions.paint_region",
    "bot.services.people.history.History.show",
    "bot.ui.history.showing.send_originals",
    "bot.ui.history.showing.show_family",
    "bot.ui.history.showing.show_job",
    "bot.ui.jobs.submitting.submit_many",
    "bot.ui.history.showing.star_job",
    "bot.ui.jobs.threads._open",
    "bot.ui.jobs.threads.head",
    "generation.metadata.files._read",
    "generation.prompt.token_count.TokenCounter.count",  # counts in another thread; encoders have their own limits
}

ME, SEAT = Owner(Scope.PERSON, 1), RequestContext(1, 2, 3)
REQUEST = GenerationRequest(prompt="a cat", model="tiny", seed=7)
IMAGE = InputFile("ab" * 32, 64, 64)
DEFAULTS = resolve.Defaults(steps=4, cfg=7, sampler="euler", scheduler="normal", negative="", count=1, max_size=2048)
TASTE = layers.Preferences(presets={"it": {"prompt": "{prompt}, {prompt}"}})
LAYER = layers.Layer(layers.Source.PRESET, {"prompt": "{prompt}, {prompt}"}, "it")

Reader = Callable[[TypedText], Any]


def collected() -> set[str]:
    """Names every function and method with a parameter of typed text."""
    return {name for name, function in _functions() if _takes_typed_text(function)}


def readers(house: House) -> dict[str, Reader]:
    """Returns how each reader is called with a text, by its name; some also by more than one way."""
    choices = Choices(house.choices, house.preferences, house.service)
    saved = Presets(MemoryPresets(), house.choices, house.service, 20)
    overview = QueueOverview(house.queue, house.board, house.ledger)
    preset = Preset(name="it", owner=ME, values={})
    return {
        **_pure(),
        **_of_orders(),
        **_of_forms(),
        "bot.services.people.choices.Choices.choose": lambda text: choices.choose(ME, "model", text, SEAT),
        "bot.services.people.choices.Choices._checked": lambda text: choices._checked(
            "aspect", text, {}, (SEAT, Scope.PERSON)
        ),
        "bot.services.people.overview.QueueOverview.meant": lambda text: overview.meant(1, text),
        "bot.services.people.presets.Presets.find": lambda text: saved.find([ME], text),
        "bot.services.people.presets.Presets.save": lambda text: saved.save(
            ME, text, Making(flags=TypedText("--steps 3"))
        ),
        "Presets.save, flags": lambda text: saved.save(ME, TypedText("it"), Making(flags=text)),
        "Presets.save, template": lambda text: saved.save(ME, TypedText("it"), Making(template=text)),
        "bot.services.people.presets.Presets.delete": lambda text: saved.delete(ME, text),
        "bot.services.people.presets.Presets.rename": lambda text: saved.rename(ME, text, text),
        "bot.services.people.presets.Presets.make_default": lambda text: saved.make_default(ME, text, [ME]),
        "bot.services.people.presets.Presets.share": lambda text: saved.share(ME, text),
        "bot.services.people.presets.Presets.copy": lambda text: saved.copy(ME, text, text),
        "bot.services.people.presets.Presets.give": lambda text: saved.give(ME, preset, text),
    }


def _pure() -> dict[str, Reader]:
    names = [f"name {number}" for number in range(100)]
    return {
        "bot.persistence.jobs.terms_of": lambda text: job_table.terms_of(1, text),
        "bot.persistence.jobs.words_of": job_table.words_of,
        "bot.services.requests.derive.outpainted": lambda text: derive.outpainted(
            REQUEST, IMAGE, text, 1, 64, lambda: 7
        ),
        "bot.services.requests.flags.escape": flags.escape,
        "bot.services.requests.flags.read": flags.read,
        "bot.services.requests.flags.value_of": lambda text: flags.value_of("aspect", text),
        "bot.services.requests.framing.outpainted": lambda text: framing.outpainted(text, 64, 64, 64),
        "bot.services.people.history._day": lambda text: history._day("since", text),
        "bot.services.people.history.search_for": lambda text: history.search_for(
            text, text, None, None, starred=False
        ),
        "bot.services.requests.layers.wrap": lambda text: layers.wrap(text, [LAYER] * 5),
        "bot.services.people.presets.checked_name": presets.checked_name,
        "bot.services.people.presets.checked_template": presets.checked_template,
        "bot.services.requests.sizes.parse_aspect": sizes.parse_aspect,
        "bot.services.actions.tools.check_outpaint": lambda text: tools.check_outpaint(
            IMAGE, text, Bounds(64, 2048, 4096)
        ),
        "bot.ui.jobs.autocomplete.matching": lambda text: autocomplete.matching(text, names),
        "bot.ui.discord.escape.escape": escape.escape,
        "bot.ui.discord.escape.plain": escape.plain,
        "bot.ui.jobs.text.many": lambda text: words.many(text, 1, 5),
        "generation.request.validation.check_name": lambda text: validation.check_name("model", text, names),
        "generation.request.validation.check_text": lambda text: validation.check_text("prompt", text),
        "generation.request.validation.quoted": validation.quoted,
        "generation.prompt.permutations.count": permutations.count,
        "generation.prompt.permutations.escape": permutations.escape,
        "generation.prompt.permutations.expand": lambda text: permutations.expand(text, 100),
        "generation.prompt.parser.complaint": lambda text: parser.complaint(text, len(text) // 2, "this is wrong"),
        "generation.prompt.parser.parse": parser.parse,
        "generation.prompt.parser.parse, a1111": lambda text: parser.parse(text, "a1111"),
        "generation.prompt.parser.parse_loras": parser.parse_loras,
        "generation.prompt.parser.weigh": parser.weigh,
        "generation.prompt.parser.weigh, a1111": lambda text: parser.weigh(text, "a1111"),
        "generation.prompt.parser.without_loras": parser.without_loras,
        "generation.metadata.a1111.from_a1111": metadata.from_a1111,
        "generation.metadata.comfyui.graph.from_prompt": metadata.from_prompt,
        "generation.metadata.comfyui.graph.from_workflow": metadata.from_workflow,
        "generation.metadata.foreign.loaded": lambda text: foreign.loaded(text, "graph"),
        "generation.metadata.easel_json.from_json": metadata.from_json,
        "generation.metadata.easel_json.model_hash": easel_json.model_hash,
        "generation.metadata.a1111.from_a1111, settings": lambda text: metadata.from_a1111(
            TypedText(f"a\nSteps: 1, {text}")
        ),
    }


def _of_orders() -> dict[str, Reader]:
    models = [ModelEntry("tiny", "x/y", "SDXL", native_size=64)]

    def resolved(**typed: Any) -> Any:
        return resolve.resolve(Order(**({"prompt": TypedText("a cat")} | typed)), models, "tiny", DEFAULTS, TASTE)

    def by(field: str) -> Reader:
        return lambda text: resolved(**{field: text})

    fields = ("prompt", "negative", "model", "aspect", "sampler", "preset", "extra", "lora", "outpaint")
    return {
        **{f"resolve, {field}": by(field) for field in fields},
        "resolve, wrapped": lambda text: resolved(prompt=text, preset=TypedText("it")),
        "resolve, a1111": lambda text: resolved(prompt=text, weights=TypedText("a1111")),
        "unpack": lambda text: extra.unpack(Order(prompt=TypedText(""), extra=text)),
        "unflag": lambda text: flags.unflag(Order(prompt=text, negative=text)),
        "written_out": lambda text: ordering.written_out(Order(prompt=text)),
    }


def _of_forms() -> dict[str, Reader]:
    def sent(text: TypedText) -> form_fields.Sent:
        names = ("prompt", "negative", "flags", "strength", "zoom", "aspect")
        return form_fields.Sent(dict.fromkeys(names, text))

    return {
        "edited": lambda text: edit_form.edited(sent(text)),
        "strength_of": lambda text: edit_form.strength_of(sent(text)),
        "zoomed": lambda text: zoom_form.zoomed(sent(text)),
        "read_prompt": lambda text: zoom_form.read_prompt(sent(text)),
        "input_order": lambda text: input_form.input_order(sent(text)),
    }


async def outcome(reader: Reader, text: TypedText) -> str:
    """Calls a reader; returns "" or what it refused the text with. Anything else is raised."""
    try:
        done = reader(text)
        if isinstance(done, Awaitable):
            await done
    except (generation.GenerationError, bot.errors.EaselError) as refused:
        return str(refused)
    return ""


def modules() -> Iterator[ModuleType]:
    """Imports every module that typed text may reach."""
    for package in (bot, generation):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.startswith(LEFT_OUT):
                yield importlib.import_module(found.name)


@cache
def sources() -> dict[str, str]:
    """Returns the source of every such module by its name."""
    return {module.__name__: Path(module.__file__ or "").read_text() for module in modules()}


def _functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in modules():
        for value in vars(module).values():
            members = [value, *vars(value).values()] if inspect.isclass(value) else [value]
            for member in members:
                function = inspect.unwrap(getattr(member, "__func__", member)) if callable(member) else member
                if inspect.isfunction(function) and function.__module__ == module.__name__:
                    yield f"{module.__name__}.{function.__qualname__}", function


def _takes_typed_text(function: Callable[..., Any]) -> bool:
    if function.__name__ == "__init__" or "TypedText" not in str(getattr(function, "__annotations__", {})):
        return False
    hints = typing.get_type_hints(function, localns={"EaselClient": EaselClient})
    hints.pop("return", None)
    return any(map(_is_typed_text, hints.values()))


def _is_typed_text(hint: object) -> bool:
    return hint is TypedText or any(map(_is_typed_text, typing.get_args(hint)))
