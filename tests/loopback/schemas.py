"""Checks traffic against Discord's own descriptions, where they lie beside the repository."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parents[3] / "shared" / "discord"
_REST, _GATEWAY = "urn:discord:rest", "urn:discord:gateway"


class Schemas:
    """Collects how often traffic was checked, and every deviation in words."""

    def __init__(self) -> None:
        self.checks = 0
        self.deviations: list[str] = []

    @property
    def available(self) -> bool:
        """Whether the descriptions are there."""
        return (FOLDER / "openapi.json").is_file() and (FOLDER / "gateway_schema.json").is_file()

    def check_request(self, method: str, template: str, body: Any) -> None:
        """Checks what the bot sent to a route."""
        self._check(f"{method} {template} request", _request_pointer(method, template), body)

    def check_response(self, method: str, template: str, status: int, body: Any) -> None:
        """Checks what the server answered."""
        self._check(f"{method} {template} {status}", _response_pointer(method, template, status), body)

    def check_event(self, name: str, data: Any) -> None:
        """Checks an event sent through the gateway."""
        if self.available:
            self._check(f"event {name}", f"{_GATEWAY}#/definitions/{_event(name)}", data)

    def _check(self, what: str, pointer: str | None, body: Any) -> None:
        if not self.available:
            return
        if pointer is None:
            self.deviations.append(f"{what}: Discord's description knows no such body")
            return
        self.checks += 1
        error = best_match(_validator(pointer).iter_errors(body))
        if error is not None:
            self.deviations.append(f"{what}: {error.json_path}: {error.message[:300]}")


def _event(name: str) -> str:
    words = "".join(word.capitalize() for word in name.split("_"))
    return f"Gateway{words}DispatchData"


def _request_pointer(method: str, template: str) -> str | None:
    content = _operation(method, template).get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    return f"{_REST}#/paths/{_escaped(template)}/{method.lower()}/requestBody/content/application~1json/schema"


def _response_pointer(method: str, template: str, status: int) -> str | None:
    if status >= 400:
        return f"{_REST}#/components/schemas/ErrorResponse"
    response = _operation(method, template).get("responses", {}).get(str(status), {})
    if "application/json" not in response.get("content", {}):
        return None
    place = f"{method.lower()}/responses/{status}/content/application~1json/schema"
    return f"{_REST}#/paths/{_escaped(template)}/{place}"


def _operation(method: str, template: str) -> dict[str, Any]:
    if not (FOLDER / "openapi.json").is_file():
        return {}
    operation: dict[str, Any] = _rest()["paths"].get(template, {}).get(method.lower(), {})
    return operation


def _escaped(template: str) -> str:
    return template.replace("~", "~0").replace("/", "~1")


@cache
def _rest() -> dict[str, Any]:
    return _adapted(json.loads((FOLDER / "openapi.json").read_text(encoding="utf-8")))  # type: ignore[no-any-return]


@cache
def _registry() -> Registry[Any]:
    gateway = _adapted(json.loads((FOLDER / "gateway_schema.json").read_text(encoding="utf-8")))
    gateway.pop("$schema", None)
    documents = [(_REST, _rest()), (_GATEWAY, gateway)]
    return Registry().with_resources((uri, DRAFT202012.create_resource(document)) for uri, document in documents)


@cache
def _validator(pointer: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": pointer}, registry=_registry())


def _adapted(node: Any) -> Any:
    """Lets real traffic pass: snowflakes may be integers, integers numeric strings, `oneOf` reads as `anyOf`."""
    if isinstance(node, list):
        return [_adapted(item) for item in node]
    if not isinstance(node, dict):
        return node
    adapted = {("anyOf" if key == "oneOf" else key): _adapted(value) for key, value in node.items()}
    if isinstance(adapted.get("items"), list):
        adapted["prefixItems"] = adapted.pop("items")  # draft 7's word for it
    if adapted.get("format") == "snowflake" and adapted.get("type") == "string":
        adapted["type"] = ["string", "integer"]
    if adapted.get("type") == "integer" and "enum" not in adapted:
        adapted["type"] = ["integer", "string"]
        adapted.setdefault("pattern", r"^-?\d+$")
    return adapted
