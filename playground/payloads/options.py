"""A command's options as a person fills them in, in the form in which Discord sends them."""

from collections.abc import Sequence
from typing import Any

from playground.payloads.resolved import Impossible, Resolved
from playground.state.commands import leaf

SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(1, 12)
_MAX_INTEGER = 2**53
_PYTHON_TYPES: dict[int, tuple[type, ...]] = {STRING: (str,), INTEGER: (int,), NUMBER: (int, float), BOOLEAN: (bool,)}


def filled_in(command: dict[str, Any], path: Sequence[str], values: dict[str, Any], resolved: Resolved) -> list[Any]:
    """Returns a command's options, refusing what Discord's own client would refuse.

    Args:
        command: As it was registered.
        path: The names of the group and subcommand, none for a plain command.
        values: What the person filled in, by name.
        resolved: Collects what ids stand for.

    Raises:
        Impossible: An option is unknown, missing, or not allowed.
    """
    node = _node(command, path)
    known = _known(node)
    _check_names(command, known, values)
    for name, option in known.items():
        if option.get("required") and name not in values:
            raise Impossible(f"/{command['name']} needs {name}", name)
    return _wrapped(command, path, [_filled(known[name], value, resolved) for name, value in values.items()])


def half_filled_in(command: dict[str, Any], path: Sequence[str], values: dict[str, Any], focused: str) -> list[Any]:
    """Returns a command's options while one of them is being typed.

    Raises:
        Impossible: An option is unknown, or the focused one completes nothing.
    """
    known = _known(_node(command, path))
    _check_names(command, known, {**values, focused: None})
    if not known[focused].get("autocomplete"):
        raise Impossible(f"{focused} has no suggestions", focused)
    made = []
    for name, value in {**values, focused: values.get(focused, "")}.items():
        option = {"name": name, "type": known[name]["type"], "value": str(value) if name == focused else value}
        made.append(option | {"focused": True} if name == focused else option)
    return _wrapped(command, path, made)


def _node(command: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    node = leaf(command, path)
    if node is None or any(option["type"] in {SUBCOMMAND, GROUP} for option in node.get("options") or []):
        raise Impossible(f"/{' '.join([command['name'], *path])} is not a whole command")
    return node


def _known(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {option["name"]: option for option in node.get("options") or []}


def _check_names(command: dict[str, Any], known: dict[str, Any], values: dict[str, Any]) -> None:
    for name in set(values) - set(known):
        raise Impossible(f"/{command['name']} has no option {name}", name)


def _wrapped(command: dict[str, Any], path: Sequence[str], options: list[Any]) -> list[Any]:
    for depth in range(len(path), 0, -1):
        node = leaf(command, path[:depth]) or {}
        options = [{"name": node["name"], "type": node["type"], "options": options}]
    return options


def _filled(option: dict[str, Any], value: Any, resolved: Resolved) -> dict[str, Any]:
    kind = option["type"]
    by_id = {
        USER: resolved.user, CHANNEL: resolved.channel, ROLE: resolved.role, MENTIONABLE: resolved.mentionable,
        ATTACHMENT: resolved.file,
    }  # fmt: skip
    if kind in by_id:
        value = by_id[kind](value)
    else:
        _check_value(option, value)
    return {"name": option["name"], "type": kind, "value": value}


def _check_value(option: dict[str, Any], value: Any) -> None:
    name = option["name"]
    if type(value) not in _PYTHON_TYPES[option["type"]]:
        raise Impossible(f"{name} is of another type than {value!r}", name)
    choices = option.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise Impossible(f"{name} must be one of its choices, not {value!r}", name)
    size = len(value) if isinstance(value, str) else value
    low = option.get("min_length" if isinstance(value, str) else "min_value")
    high = option.get("max_length" if isinstance(value, str) else "max_value")
    if option["type"] == INTEGER:
        low, high = max(low or -_MAX_INTEGER, -_MAX_INTEGER), min(high or _MAX_INTEGER, _MAX_INTEGER)
    if (low is not None and size < low) or (high is not None and size > high):
        raise Impossible(f"Discord's client would not let {name} be {value!r}: {_range(low, high)}", name)


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"
