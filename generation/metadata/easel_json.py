"""Our own recipe: a request as versioned JSON."""

import dataclasses
import json
from dataclasses import replace
from typing import Any

from generation.errors import InvalidRequestError
from generation.metadata.foreign import loaded
from generation.request.options import Hires, Init, Lora, Mask, OutpaintPadding, Refiner
from generation.request.request import GenerationRequest
from generation.request.validation import file_name
from generation.typed_text import TypedText
from generation.visible import shortened

FORMAT = 4  # 1 had no fields beyond `count`, 2 no parts, 3 no refiner; what a recipe lacks has its default
_PARTS: dict[str, Any] = {"init": Init, "mask": Mask, "outpaint": OutpaintPadding, "hires": Hires, "refiner": Refiner}
_LISTS: dict[str, Any] = {"loras": Lora}


def to_json(request: GenerationRequest, model_hash: str | None = None) -> str:
    """Writes a request as JSON that `from_json` reads back.

    Args:
        request: What painted the picture.
        model_hash: The first ten hexadecimal digits of the checkpoint's SHA-256, where it is one file.
    """
    values = {name: value for name, value in dataclasses.asdict(request).items() if value is not None and value != ()}
    recipe: dict[str, Any] = {"easel": FORMAT, "request": values}
    if model_hash is not None:
        recipe["model_hash"] = model_hash
    return json.dumps(recipe, ensure_ascii=False)


def from_json(text: TypedText | str) -> GenerationRequest:
    """Reads a recipe.

    Raises:
        InvalidRequestError: It is no recipe of ours, one of a newer Easel, or one with impossible values.
    """
    try:
        recipe = loaded(text, "recipe")
        version, values = recipe["easel"], recipe["request"]
    except (InvalidRequestError, KeyError, TypeError) as error:
        raise InvalidRequestError("recipe", "This is not a recipe written by Easel.") from error
    if version not in range(1, FORMAT + 1):
        reads = f"this Easel reads formats 1 to {FORMAT}"
        raise InvalidRequestError("recipe", f"The recipe has format {shortened(version, 20)}; {reads}.")
    request: GenerationRequest = _read(GenerationRequest, values, "request")
    return replace(request, vae=file_name(request.vae))  # earlier versions wrote the operator's path


def model_hash(text: TypedText | str) -> str | None:
    """Reads the model's short hash out of a recipe, if it names one."""
    recipe = loaded(text, "recipe")
    found = recipe.get("model_hash") if isinstance(recipe, dict) else None
    return found[:64] if isinstance(found, str) else None


def _read(kind: Any, values: Any, name: str) -> Any:
    """Reads a dataclass, and those within it, after checking every name and type."""
    if not isinstance(values, dict):
        raise InvalidRequestError("recipe", f"The recipe's {name} must be a JSON object.")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise InvalidRequestError(
            "recipe", f"The recipe has fields this Easel does not know: {shortened(', '.join(unknown))}."
        )
    missing = [each for each, field in fields.items() if each not in values and field.default is dataclasses.MISSING]
    if missing:
        raise InvalidRequestError("recipe", f"The recipe lacks {missing[0]}.")
    return kind(**{each: _value(fields[each], value) for each, value in values.items()})


def _value(field: "dataclasses.Field[Any]", value: Any) -> Any:
    if field.name in _PARTS:
        return _read(_PARTS[field.name], value, field.name)
    if field.name in _LISTS:
        if not isinstance(value, list):
            raise InvalidRequestError("recipe", f"The recipe's {field.name} must be a JSON array.")
        return tuple(_read(_LISTS[field.name], each, field.name) for each in value)
    allowed = (int, float) if field.type is float else field.type
    if not isinstance(value, allowed) or isinstance(value, bool) != (field.type is bool):  # type: ignore[arg-type]
        raise InvalidRequestError("recipe", f"The recipe's {field.name} has the wrong type.")
    return value
