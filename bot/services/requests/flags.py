r"""Flags in a prompt: `a cat --ar 3:2 --no text --seed 7`, read and written. Pure.

A flag takes one word, or "several in quotes"; `--no` takes everything up to the next flag. Flags may stand anywhere.
The dashes that phones make of `--` are read as such. `\--word` is text.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.domain import Order
from bot.services.requests.extra import KEYS
from bot.services.requests.partwords import in_words
from generation import GenerationRequest, InvalidRequestError
from generation.prompt import permutations
from generation.request.validation import SHOWN_CHARACTERS, check_text, quoted
from generation.typed_text import TypedText

NEGATIVE = "negative"


@dataclass(frozen=True, slots=True)
class Flag:
    """What a flag sets.

    Attributes:
        field: The order's field.
        kind: Makes the value of what was typed.
        example: What one types.
    """

    field: str
    kind: Callable[[str], Any]
    example: str


FLAGS = {
    "ar": Flag("aspect", str, "3:2"),
    "no": Flag(NEGATIVE, str, "text"),
    "seed": Flag("seed", int, "7"),
    "count": Flag("count", int, "2"),
    "steps": Flag("steps", int, "30"),
    "cfg": Flag("cfg", float, "7"),
    "model": Flag("model", str, "name"),
    "sampler": Flag("sampler", str, "euler"),
    "scheduler": Flag("scheduler", str, "karras"),
    "width": Flag("width", int, "1216"),
    "height": Flag("height", int, "832"),
    "preset": Flag("preset", str, "name"),
    "vae": Flag("vae", str, "name"),
    "clip_skip": Flag("clip_skip", int, "2"),
    "strength": Flag("strength", float, "0.6"),
    "outpaint": Flag("outpaint", str, "2x"),
    "lora": Flag("lora", str, "name:0.8"),
    "hires": Flag("hires", float, "1.5"),
    "upscale": Flag("upscale", float, "2"),
    "row": Flag("row", int, "0"),
    "rows": Flag("rows", int, "4"),
    **{name: Flag(name, kind, "VALUE") for name, (kind, _) in KEYS.items()},
}
ALIASES = {"aspect": "ar", "negative": "no", "schedule": "scheduler", "w": "width", "h": "height"}

# A request's fields by the names an order has for them, where they differ.
ORDERED = {
    "negative_prompt": NEGATIVE,
    "guidance_scale": "cfg",
    "guidance_rescale": "rescale",
    "guidance_start": "cfg_start",
    "guidance_end": "cfg_end",
}
# What defaults can decide, and so is always written out; everything else only where it is unusual.
DECIDED = (NEGATIVE, "steps", "cfg", "seed", "count", "width", "height", "sampler", "scheduler", "model")

_DASHES = r"(?:--|-?[\u2012-\u2015\u2212]{1,2}-?)"
_FLAG = re.compile(rf"(?<!\S)(?P<escape>\\*)(?P<dashes>{_DASHES})(?P<name>[^\W\d_][\w-]*)")
_QUOTES = '"\u201c\u201d\u201e'  # phones make them of "
_QUOTED = re.compile(rf"\s*(?:=\s*)?[{_QUOTES}]((?:[^\\{_QUOTES}]|\\.)*)[{_QUOTES}]", re.DOTALL)
_OPENING = re.compile(rf"[ =]*[{_QUOTES}]")
_WORD = re.compile(r"\s*(?:=\s*)?(\S+)")


@dataclass(frozen=True, slots=True)
class Flagged:
    """A prompt and the flags that stood in it.

    Attributes:
        prompt: What is left to paint.
        values: What was set, by the order's fields.
        presets: The presets that were named as `--name`, in order.
    """

    prompt: TypedText
    values: dict[str, Any]
    presets: tuple[str, ...] = ()


def read(text: TypedText, presets: Collection[str] = ()) -> Flagged:
    """Reads the flags in a prompt, or a line of nothing but flags.

    Args:
        text: What a person typed, its permutations written out.
        presets: Names that `--name` may stand for, in lower case.

    Raises:
        InvalidRequestError: The text is too long, or a flag is unknown, lacks its value or is given twice; the
            message says what would work.
    """
    check_text("prompt", text)
    words: list[str] = []
    negatives: list[str] = []
    values: dict[str, Any] = {}
    named: list[str] = []
    for name, after in _parts(text):
        if name is None:
            words.append(after)
        elif (known := _canonical(name)) in FLAGS:
            value, rest = _value(known, after)
            _enter(values, negatives, known, value)
            words.append(rest)
        elif name.casefold() in presets:
            named.append(name.casefold())
            words.append(after)
        else:
            raise _unknown(name, presets)
    if negatives:
        values[NEGATIVE] = ", ".join(filter(None, negatives))
    prompt = " ".join(filter(None, (word.strip() for word in words)))
    return Flagged(TypedText(prompt), values, tuple(dict.fromkeys(named)))


def unflag(order: Order, presets: Collection[str] = ()) -> tuple[Order, tuple[str, ...]]:
    """Puts the flags in an order's prompt into its own fields; returns the presets that were named as well.

    Raises:
        InvalidRequestError: A flag is wrong, or says another thing than the option of that name.
    """
    flagged = read(order.prompt, presets)
    values = dict(flagged.values)
    if order.negative and values.get(NEGATIVE):
        values[NEGATIVE] = f"{order.negative}, {values[NEGATIVE]}"
    for flag in FLAGS.values():
        typed = getattr(order, flag.field)
        if flag.field != NEGATIVE and typed is not None and flag.field in values and values[flag.field] != typed:
            both = f"{_shown(typed)} and {_shown(values[flag.field])}"
            raise InvalidRequestError(flag.field, f"{flag.field} is given twice: {both}. Leave one of them out.")
    return replace(order, prompt=flagged.prompt, **values), flagged.presets


def value_of(field: str, text: TypedText) -> Any:
    """Makes the value of one of an order's fields of what was typed for it.

    Raises:
        InvalidRequestError: It is none.
    """
    return _convert(_names(field)[0], text)


def values_of(request: GenerationRequest) -> dict[str, Any]:
    """Returns a request's values by the names an order has for them."""
    return in_words({ORDERED.get(name, name): getattr(request, name) for name in GenerationRequest.__slots__})


def changes(before: GenerationRequest, after: GenerationRequest) -> dict[str, tuple[Any, Any]]:
    """Says which values differ between two requests, by the names an order has for them."""
    old, new = values_of(before), values_of(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def flags_line(request: GenerationRequest, without: Collection[str] = ()) -> str:
    """Writes everything but a request's prompt as flags, so that they and the prompt paint the same again.

    Args:
        request: What was painted.
        without: Fields of an order that are said elsewhere, such as `negative`.
    """
    values = values_of(request)
    usual = values_of(GenerationRequest(prompt="", model="", seed=0))
    order = (*DECIDED, *(name for name in values if name not in DECIDED and name != "prompt"))
    written = [
        f"--{flag} {as_typed(values[field])}"
        for field in order
        if field not in without and (field in DECIDED or values[field] != usual[field])
        for flag in _names(field)
    ]
    return permutations.escape(" ".join(written))


def command_line(request: GenerationRequest, command: str = "imagine") -> str:
    """Writes the command that paints a request again, to be copied; it is one line."""
    prompt = re.sub(r"\s+", " ", request.prompt).strip()
    return f"/{command} prompt:{escape(prompt)} {flags_line(request)}"


def escape(prompt: TypedText | str) -> str:
    """Returns what one types to have a prompt painted as it is, whatever looks like a flag or a choice in it."""
    return permutations.escape(_FLAG.sub(lambda match: f"\\{match[0]}", prompt))


def _parts(text: str) -> Iterator[tuple[str | None, str]]:
    """Splits a text into its beginning and, for each flag, the flag's name and what follows it."""
    name, plain, position, quoted_until = None, [""], 0, 0
    for match in _FLAG.finditer(text):
        if match.start() < quoted_until:
            continue
        plain.append(text[position : match.start()])
        position = match.end()
        if match["escape"]:
            plain.append(match[0][1:])
            continue
        yield name, "".join(plain)
        name, plain = match["name"], []
        quoted_until = _quoted_until(text, position)
    yield name, "".join([*plain, text[position:]])


def _quoted_until(text: str, start: int) -> int:
    """Returns where a flag's value in quotes ends: the text's end where the quote has no partner, 0 without a quote."""
    if not _OPENING.match(text, start):
        return 0
    quoted = _QUOTED.match(text, start)
    return len(text) if quoted is None else quoted.end()


def _canonical(name: str) -> str:
    folded = name.casefold().replace("-", "_")
    return ALIASES.get(folded, folded)


def _value(name: str, after: str) -> tuple[Any, str]:
    """Takes a flag's value from what follows it; returns it and the rest."""
    flag = FLAGS[name]
    if quoted := _QUOTED.match(after):
        text, rest = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL), after[quoted.end() :]
    elif _OPENING.match(after):
        raise InvalidRequestError(flag.field, f"--{name}: the quotation mark after it has no partner.")
    elif name == "no":
        text, rest = after.strip().removeprefix("=").strip(), ""
    else:
        word = _WORD.match(after)
        text, rest = (word[1].rstrip(",;"), after[word.end() :]) if word else ("", "")
    if not text and not quoted:
        raise InvalidRequestError(flag.field, f"--{name} needs a value, such as `--{name} {flag.example}`.")
    return _convert(name, text), rest


def _convert(name: str, text: str) -> Any:
    flag = FLAGS[name]
    try:
        return flag.kind(text)
    except ValueError:
        kind = "a whole number" if flag.kind is int else "a number"
        message = f"{flag.field} takes {kind}, such as `--{name} {flag.example}`, not {quoted(text)}."
        raise InvalidRequestError(flag.field, message) from None


def _enter(values: dict[str, Any], negatives: list[str], name: str, value: Any) -> None:
    field = FLAGS[name].field
    if field == NEGATIVE:
        negatives.append(value)
    elif field in values and values[field] != value:
        both = f"{_shown(values[field])} and {_shown(value)}"
        raise InvalidRequestError(field, f"--{name} is given twice: {both}. Leave one out.")
    else:
        values[field] = value


def _shown(value: Any) -> str:
    return str(value)[:SHOWN_CHARACTERS]


def _unknown(name: str, presets: Collection[str]) -> InvalidRequestError:
    shown = name[:40]
    near = difflib.get_close_matches(_canonical(shown), [*FLAGS, *ALIASES, *presets], n=2, cutoff=0.5)
    guess = f"Did you mean {' or '.join(f'`--{each}`' for each in near)}?" if near else f"I know {_all_flags()}."
    return InvalidRequestError(
        "prompt", f"There is no flag `--{shown}`. {guess} To have it painted as text, write `\\--{shown}`."
    )


def _all_flags() -> str:
    return ", ".join(f"`--{name}`" for name in FLAGS if name not in KEYS)


def _names(field: str) -> list[str]:
    return [name for name, flag in FLAGS.items() if flag.field == field]


def as_typed(value: Any) -> str:
    """Writes a value as one types it behind its flag."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    text = str(value)
    if re.fullmatch(r"[\w.+:/-]*[\w.+:/]", text) and text[0] != "-":
        return text
    escaped = re.sub(rf"[\\{_QUOTES}]", r"\\\g<0>", text)
    return '"{}"'.format(re.sub(r"\s+", " ", escaped))
