"""JSON that another tool, or anybody, wrote into a file: read once, and of a shape that the readers can rely on."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from generation.errors import InvalidRequestError
from generation.typed_text import TypedText
from generation.visible import shortened

Node = dict[str, Any]
MAX_NODES = 20_000
MAX_WIRES = 100  # from a sampler back to what it begins from


def loaded(text: TypedText | str, what: str) -> Any:
    """Reads JSON that nests no deeper than 200 and holds no lone surrogates.

    Args:
        text: From a file.
        what: What it should be, for the error.

    Raises:
        InvalidRequestError: It is no such JSON.
    """
    try:
        return from_json(text.encode())
    except ValueError as error:
        raise InvalidRequestError("recipe", f"The {what} is not valid JSON ({shortened(error)}).") from error


def nodes_of(graph: Mapping[str, Any]) -> dict[str, Node]:
    """Returns the nodes of a graph that ComfyUI runs, each with a `class_type` (text) and `inputs` (an object).

    Raises:
        InvalidRequestError: There are more than any graph has.
    """
    if len(graph) > MAX_NODES:
        raise InvalidRequestError("recipe", f"The ComfyUI graph has {len(graph):,} nodes; {MAX_NODES:,} are read.")
    nodes = {}
    for key, node in graph.items():
        if isinstance(node, dict) and isinstance(node.get("class_type"), str):
            nodes[key] = {"class_type": node["class_type"], "inputs": _object(node.get("inputs"))}
    return nodes


def editor_nodes(editor: Mapping[str, Any]) -> list[Node]:
    """Returns the nodes of an editor's graph, each with `id`, `type` (texts), `inputs` and `widgets_values`.

    `inputs` are pairs of a name and a link's number; `widgets_values` are a list or an object.
    """
    nodes = []
    for node in _list(editor.get("nodes"))[:MAX_NODES]:
        if isinstance(node, dict) and isinstance(node.get("type"), str):
            wired = [_object(each) for each in _list(node.get("inputs"))]
            values = node.get("widgets_values")
            nodes.append({
                "id": str(node.get("id")),
                "type": node["type"],
                "inputs": [(str(each.get("name")), each.get("link")) for each in wired if _is_number(each.get("link"))],
                "widgets_values": values if isinstance(values, list | dict) else [],
            })  # fmt: skip
    return nodes


def editor_links(editor: Mapping[str, Any]) -> dict[Any, list[Any]]:
    """Returns by a link's number which output of which node it leaves."""
    links = (link for link in _list(editor.get("links")) if isinstance(link, list) and len(link) >= 3)
    return {link[0]: [str(link[1]), link[2]] for link in links if _is_number(link[0])}


def whole(value: Any) -> int:
    """Returns a whole number of a foreign value.

    Raises:
        TypeError: It is neither a number nor text.
        ValueError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{shortened(value, 40)} is no number")
    try:
        return int(value)
    except OverflowError as error:
        raise ValueError(f"{value} is no whole number") from error


def real(value: Any) -> float:
    """Returns a finite number of a foreign value; raises as `whole` does."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{shortened(value, 40)} is no number")
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError("the number is too large") from error
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number")
    return number


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
