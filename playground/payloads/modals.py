"""Forms that a person fills in: selects in messages, and whole modals."""

from collections.abc import Callable
from typing import Any

from playground.payloads.components import (
    CHANNEL_SELECT,
    CHECKBOX,
    CHECKBOXES,
    FILE_UPLOAD,
    LABEL,
    MENTIONABLE_SELECT,
    RADIO,
    ROLE_SELECT,
    ROW,
    SELECTS,
    TEXT_INPUT,
    USER_SELECT,
)
from playground.payloads.resolved import Impossible, Resolved

_TEXT_LIMIT = 4000


def submitted(modal: dict[str, Any], values: dict[str, Any], resolved: Resolved) -> dict[str, Any]:
    """Returns the data of a modal that is sent in, refusing what Discord's own client would refuse.

    Args:
        modal: As the bot opened it.
        values: What the person filled in, by custom_id.
        resolved: Collects what ids stand for.

    Raises:
        Impossible: Something is missing or not allowed.
    """
    components = [_filled_part(component, values, resolved) for component in modal["components"]]
    return resolved.added_to({"custom_id": modal["custom_id"], "components": components})


def selected(select: dict[str, Any], values: list[Any], resolved: Resolved) -> list[str]:
    """Returns what was chosen in a select, a file upload or a group of checkboxes.

    Raises:
        Impossible: Too few or too many, or something that is not on offer.
    """
    name = select["custom_id"]
    low, high = _bounds(select)
    if not low <= len(values) <= high:
        raise Impossible(f"Choose {low}{f' to {high}' if high != low else ''}.", name)
    by_id: dict[int, Callable[[Any], str]] = {
        USER_SELECT: resolved.user, ROLE_SELECT: resolved.role, MENTIONABLE_SELECT: resolved.mentionable,
        CHANNEL_SELECT: resolved.channel, FILE_UPLOAD: resolved.file,
    }  # fmt: skip
    if select["type"] in by_id:
        return [by_id[select["type"]](value) for value in values]
    offered = [option["value"] for option in select["options"]]
    if any(value not in offered for value in values) or len(set(values)) != len(values):
        raise Impossible("Choose from what is offered.", name)
    return list(values)


def _bounds(select: dict[str, Any]) -> tuple[int, int]:
    required = select.get("required", True)
    everything = len(select.get("options") or ()) if select["type"] == CHECKBOXES else 1
    low = select.get("min_values")
    low = 1 if low is None else low
    return (low if required else 0), select.get("max_values") or everything


def _filled_part(component: dict[str, Any], values: dict[str, Any], resolved: Resolved) -> dict[str, Any]:
    made = {"type": component["type"], "id": component["id"]}
    if component["type"] == LABEL:
        made["component"] = _filled(component["component"], values, resolved)
    elif component["type"] == ROW:
        made["components"] = [_filled(inside, values, resolved) for inside in component["components"]]
    return made


def _filled(field: dict[str, Any], values: dict[str, Any], resolved: Resolved) -> dict[str, Any]:
    kind, name = field["type"], field["custom_id"]
    made = {"type": kind, "id": field["id"], "custom_id": name}
    if kind == TEXT_INPUT:
        return made | {"value": _text(field, values.get(name, field.get("value") or ""))}
    if kind == CHECKBOX:
        return made | {"value": bool(values.get(name, field.get("default", False)))}
    if kind == RADIO:
        return made | {"value": _choice(field, values.get(name))}
    if kind in {*SELECTS, FILE_UPLOAD, CHECKBOXES}:
        return made | {"values": _list(field, values.get(name) or [], resolved)}
    raise Impossible(f"The playground does not know fields of type {kind}.", name)


def _list(field: dict[str, Any], values: list[Any], resolved: Resolved) -> list[str]:
    if not values and not field.get("required", True):
        return []
    return selected(field, values, resolved)


def _choice(field: dict[str, Any], value: str | None) -> str | None:
    if value is None and field.get("required", True):
        raise Impossible("Choose one.", field["custom_id"])
    if value is not None and value not in [option["value"] for option in field["options"]]:
        raise Impossible("Choose from what is offered.", field["custom_id"])
    return value


def _text(field: dict[str, Any], text: str) -> str:
    name = field["custom_id"]
    low, high = field.get("min_length") or 0, field.get("max_length") or _TEXT_LIMIT
    if not text and field.get("required", True):
        raise Impossible("This is required.", name)
    if text and not low <= len(text) <= high:
        raise Impossible(f"Between {low} and {high} characters, please; these are {len(text)}.", name)
    return text
