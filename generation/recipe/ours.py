"""Our own recipe: a request as versioned JSON."""

import dataclasses
import json
from typing import Any

from generation.errors import InvalidRequestError
from generation.request import GenerationRequest

FORMAT = 2  # 1 had no fields beyond `count`; what it lacks has its default
_FIELDS = {field.name: field for field in dataclasses.fields(GenerationRequest)}


def to_json(request: GenerationRequest, model_hash: str | None = None) -> str:
    """Writes a request as JSON that `from_json` reads back.

    Args:
        request: What painted the picture.
        model_hash: The first ten hexadecimal digits of the checkpoint's SHA-256, where it is one file.
    """
    recipe: dict[str, Any] = {"easel": FORMAT, "request": dataclasses.asdict(request)}
    if model_hash is not None:
        recipe["model_hash"] = model_hash
    return json.dumps(recipe, ensure_ascii=False)


def from_json(text: str) -> GenerationRequest:
    """Reads a recipe.

    Raises:
        InvalidRequestError: It is no recipe of ours, one of a newer Easel, or one with impossible values.
    """
    try:
        recipe: Any = json.loads(text)
        version, values = recipe["easel"], recipe["request"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InvalidRequestError("recipe", "This is not a recipe written by Easel.") from error
    if version not in range(1, FORMAT + 1):
        reads = f"this Easel reads formats 1 to {FORMAT}"
        raise InvalidRequestError("recipe", f"The recipe has format {version}; {reads}.")
    _check_fields(values)
    return GenerationRequest(**values)


def model_hash(text: str) -> str | None:
    """Reads the model's short hash out of a recipe, if it names one."""
    found = json.loads(text).get("model_hash")
    return found if isinstance(found, str) else None


def _check_fields(values: Any) -> None:
    if not isinstance(values, dict):
        raise InvalidRequestError("recipe", "The recipe's request must be a JSON object.")
    unknown = sorted(set(values) - set(_FIELDS))
    if unknown:
        raise InvalidRequestError("recipe", f"The recipe has fields this Easel does not know: {', '.join(unknown)}.")
    for name, field in _FIELDS.items():
        if name not in values:
            if field.default is dataclasses.MISSING:
                raise InvalidRequestError("recipe", f"The recipe lacks {name}.")
            continue
        allowed = (int, float) if field.type is float else field.type
        if not isinstance(values[name], allowed) or isinstance(values[name], bool):  # type: ignore[arg-type]
            raise InvalidRequestError("recipe", f"The recipe's {name} has the wrong type.")
