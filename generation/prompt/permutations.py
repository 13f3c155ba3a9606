r"""`{red, blue} apple` becomes a prompt for every choice. Pure.

Groups nest; `\{`, `\}` and, in a group, `\,` are text.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from generation.errors import InvalidRequestError
from generation.prompt.parser import MAX_DEPTH, complaint
from generation.request.validation import check_text
from generation.typed_text import TypedText

_MANY = 10**15  # more are not worth their digits
_PART = re.compile(r"\\[{},]|[{},]|[^\\{},]+|\\")


@dataclass(slots=True)
class _Group:
    """Alternatives, each a sequence of text and further groups."""

    start: int
    alternatives: list[list["str | _Group"]] = field(default_factory=lambda: [[]])


def expand(text: TypedText, most: int) -> tuple[TypedText, ...]:
    """Writes a prompt out, once for every choice, the last group changing fastest.

    Args:
        text: What a person typed.
        most: How many prompts it may become.

    Raises:
        InvalidRequestError: The text is too long, a bracket has no partner or stands in too many others, or there are
            too many choices.
    """
    sequence = _parse(text)
    found = _count(sequence)
    if found > most:
        number = f"{found:,}" if found < _MANY else "more than 10^15"
        raise InvalidRequestError(
            "prompt",
            f"prompt: its {{...}} make {number} prompts; at most {most} are possible. Leave some choices out.",
        )
    return tuple(map(TypedText, _written(sequence)))


def count(text: TypedText) -> int:
    """Counts the prompts that `expand` would write, without writing them; raises what it raises but for too many."""
    return _count(_parse(text))


def escape(text: TypedText | str) -> str:
    """Returns what one types to have a text painted as it is."""
    return re.sub(r"[{}]", r"\\\g<0>", text)


def _parse(text: str) -> list[str | _Group]:
    check_text("prompt", text)
    top = _Group(0)
    opened = [top]
    for match in _PART.finditer(text):
        part, inside = match[0], len(opened) > 1
        if part == "{":
            if len(opened) > MAX_DEPTH:
                raise complaint(text, match.start(), f"this {{ is in {MAX_DEPTH} others; no more are read.")
            group = _Group(match.start())
            opened[-1].alternatives[-1].append(group)
            opened.append(group)
        elif part == "}" and not inside:
            raise complaint(text, match.start(), r"this } closes nothing; write \} for a bracket to be painted.")
        elif part == "}":
            opened.pop()
        elif part == "," and inside:
            opened[-1].alternatives.append([])
        else:
            opened[-1].alternatives[-1].append(_literal(part, inside=inside))
    if len(opened) > 1:
        raise complaint(text, opened[-1].start, r"this { has no end; write \{ for a bracket to be painted.")
    return top.alternatives[0]


def _literal(part: str, *, inside: bool) -> str:
    escaped = part in {r"\{", r"\}"} or (inside and part == r"\,")
    return part[1:] if escaped else part


def _count(sequence: list[str | _Group]) -> int:
    groups = (each for each in sequence if isinstance(each, _Group))
    return math.prod(sum(map(_count, group.alternatives)) for group in groups)


def _written(sequence: list[str | _Group]) -> Iterator[str]:
    choices = [[part] if isinstance(part, str) else list(_chosen(part)) for part in sequence]
    return map("".join, product(*choices))


def _chosen(group: _Group) -> Iterator[str]:
    for alternative in group.alternatives:
        for text in _written(alternative):
            yield text.strip()
