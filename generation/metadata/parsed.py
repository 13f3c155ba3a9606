"""What was found in a picture another tool, or we, painted."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from generation.visible import shortened

MAX_REPORT = 1000  # characters of a value that cannot be used


@dataclass(slots=True)
class Reading:
    """Settings read from a file.

    Attributes:
        tool: Who wrote them: "Easel", "A1111" or "ComfyUI".
        values: Fields of GenerationRequest that were found, by name; each is possible, except that `model` and
            `vae` may not be installed here.
        unknown: What was found and cannot be used, in words; nothing is dropped silently.
        model_hash: The model's short hash, where the file names it.
    """

    tool: str
    values: dict[str, Any] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    model_hash: str | None = None

    def take(self, name: str, raw: Any, convert: Callable[[Any], Any], known: Collection[Any] | None = None) -> None:
        """Takes a value, or reports it where it cannot be converted or is none of those known."""
        try:
            value = convert(raw)
        except (TypeError, ValueError, OverflowError):
            self.report(name, raw)
            return
        if isinstance(value, float) and not math.isfinite(value):
            self.report(name, raw)
            return
        if known is None or value in known:
            self.values[name] = value
        else:
            self.report(name, raw)

    def report(self, name: str, raw: Any) -> None:
        """Notes something that cannot be used."""
        self.unknown.append(f"{shortened(name)}: {shortened(raw, MAX_REPORT)}")
