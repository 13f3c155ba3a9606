"""What people, channels and servers choose to hold where nothing is typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """For whom a choice holds: one person, everybody in a channel, everybody on a server."""

    PERSON = "person"
    CHANNEL = "channel"
    SERVER = "server"


Values = Mapping[str, Any]  # some of an order's fields and what was chosen for them


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose choices or presets are meant: a scope, and the id of the person, channel or server."""

    scope: Scope
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Settings that somebody saved under a name.

    Attributes:
        name: What people type, in lower case.
        owner: Whose it is: a person's or a server's.
        values: What it sets, by an order's fields; `prompt` is a template.
        code: With which others can copy it; None while it is not shared.
    """

    name: str
    owner: Owner
    values: Values
    code: str | None = None
