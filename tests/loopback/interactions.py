"""Interactions: what people send, and how the bot answers each of them."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.loopback.world import Channel, Message, Person

COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4
STRING, INTEGER, BOOLEAN, NUMBER = 3, 4, 5, 10
_PYTHON_TYPES: dict[int, tuple[type, ...]] = {STRING: (str,), INTEGER: (int,), NUMBER: (int, float), BOOLEAN: (bool,)}
ACK_SECONDS, TOKEN_SECONDS = 3.0, 15 * 60.0


@dataclass(eq=False)
class Interaction:
    """One thing a person did, with everything the bot answered."""

    id: int
    token: str
    kind: int
    user: Person
    channel: Channel
    data: dict[str, Any]
    at: datetime
    sent: float = field(default_factory=time.monotonic)
    acked: float | None = None
    response_type: int | None = None
    deferred: bool = False
    choices: list[dict[str, Any]] | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    source: Message | None = None

    @property
    def ack_seconds(self) -> float:
        """How long the first answer took."""
        if self.acked is None:
            raise AssertionError("not acknowledged")
        return self.acked - self.sent

    @property
    def private_texts(self) -> list[str]:
        """What the person alone was told, and still sees."""
        answers = [self.original, *self.followups]
        return [each.content for each in answers if each is not None and each.ephemeral and not each.deleted]

    @property
    def pictures(self) -> list[bytes]:
        """The files that the answer shows."""
        return [file.data for file in self.original.attachments] if self.original is not None else []


def typed_options(schema: dict[str, Any], values: dict[str, Any], focused: str | None = None) -> list[dict[str, Any]]:
    """Gives values the form in which Discord sends a command's options, refusing what its client would refuse."""
    known = {option["name"]: option for option in schema.get("options", [])}
    for name in set(values) - set(known):
        raise AssertionError(f"/{schema['name']} has no option {name}")
    for name, option in known.items():
        if option.get("required") and name not in values and focused is None:
            raise AssertionError(f"/{schema['name']} needs {name}")
    return [_typed(known[name], value, focused=name == focused) for name, value in values.items()]


def _typed(option: dict[str, Any], value: Any, *, focused: bool) -> dict[str, Any]:
    if focused:
        return {"name": option["name"], "type": option["type"], "value": value, "focused": True}
    if type(value) not in _PYTHON_TYPES[option["type"]]:
        raise AssertionError(f"{option['name']} is of another type than {value!r}")
    size = len(value) if isinstance(value, str) else value
    low = option.get("min_length" if isinstance(value, str) else "min_value")
    high = option.get("max_length" if isinstance(value, str) else "max_value")
    if (low is not None and size < low) or (high is not None and size > high):
        raise AssertionError(f"Discord's client would not let {option['name']} be {value!r}")
    return {"name": option["name"], "type": option["type"], "value": value}
