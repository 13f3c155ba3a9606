"""The recipe of a picture: our own JSON, and the text that A1111 and its kin write into a PNG."""

import dataclasses
import json
from typing import Any

from generation.errors import InvalidRequestError
from generation.methods import SAMPLERS, SCHEDULES
from generation.request import GenerationRequest

FORMAT = 1
KEY = "easel"
A1111_KEY = "parameters"
_FIELDS = {field.name: field for field in dataclasses.fields(GenerationRequest)}


def to_json(request: GenerationRequest) -> str:
    """Writes a request as JSON that `from_json` reads back."""
    return json.dumps({"easel": FORMAT, "request": dataclasses.asdict(request)}, ensure_ascii=False)


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
    if version != FORMAT:
        raise InvalidRequestError("recipe", f"The recipe has format {version}; this Easel reads format {FORMAT}.")
    _check_fields(values)
    return GenerationRequest(**values)


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


def to_a1111(request: GenerationRequest) -> str:
    """Writes a request of one picture as A1111's `parameters` text."""
    lines = [request.prompt]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    settings = {
        "Steps": str(request.steps),
        "Sampler": SAMPLERS[request.sampler].label,
        "Schedule type": SCHEDULES[request.scheduler].label,
        "CFG scale": f"{request.guidance_scale:g}",
        "Seed": str(request.seed),
        "Size": f"{request.width}x{request.height}",
        "Model": request.model,
        "RNG": "CPU",
        "Version": "Easel",
    }
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in settings.items()))
    return "\n".join(lines)


def png_texts(request: GenerationRequest) -> dict[str, str]:
    """Returns the text chunks of a picture's PNG file by their keys."""
    return {A1111_KEY: to_a1111(request), KEY: to_json(request)}


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ",:\n") else value
