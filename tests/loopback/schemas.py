"""Checks traffic against Discord's own descriptions, where they lie beside the repository."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parents[3] / "shared" / "discord"
_UNDESCRIBED = {
    "RESUMED",
    "CHANNEL_DELETE",
    "GUILD_DELETE",
    "MESSAGE_REACTION_REMOVE_ALL",
    "MESSAGE_REACTION_REMOVE_EMOJI",
    "APPLICATION_COMMAND_PERMISSIONS_UPDATE",  # the same object as the route of that name answers, which is checked
}  # not in gateway_schema.json
_NAMED_OTHERWISE = {"THREAD_CREATE": "APIPublicThreadChannel"}
_REST, _GATEWAY = "urn:discord:rest", "urn:discord:gateway"


class Schemas:
    """Compares traffic with the descriptions; collects every deviation in words.

    Attributes:
        tally: What was compared in the whole run of the tests, by kind.
    """

    tally: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        self.deviations: list[str] = []

    @staticmethod
    def available() -> bool:
        """Whether the descriptions are there."""
        return (FOLDER / "openapi.json").is_file() and (FOLDER / "gateway_schema.json").is_file()

    @classmethod
    def summary(cls) -> str:
        """Says how much was compared."""
        if not cls.available():
            return f"Discord's descriptions are not in {FOLDER}: the traffic of these tests was compared with nothing"
        tally = cls.tally
        return (
            f"{tally.total() - tally['deviations']} bodies compared with Discord's own descriptions: "
            f"{tally['requests']} requests, {tally['answers']} answers, {tally['events']} events; "
            f"{tally['deviations']} deviations"
        )

    def forgive_requests(self) -> None:
        """Forgets the deviations of requests that a test made wrong on purpose."""
        kept = [text for text in self.deviations if not text.startswith("request ")]
        self.tally["deviations"] -= len(self.deviations) - len(kept)
        self.deviations = kept

    def check_request(self, method: str, template: str, body: Any) -> None:
        """Checks what the bot sent to a route."""
        self._check("requests", f"request {method} {template}", _request_pointer(method, template), body)

    def check_response(self, method: str, template: str, status: int, body: Any) -> None:
        """Checks what the server answered."""
        pointer = _response_pointer(method, template, status)
        self._check("answers", f"answer {status} to {method} {template}", pointer, body)

    def check_event(self, name: str, data: Any) -> None:
        """Checks an event sent through the gateway."""
        if name not in _UNDESCRIBED:
            self._check("events", f"event {name}", f"{_GATEWAY}#/definitions/{_event(name)}", data)

    def _check(self, kind: str, what: str, pointer: str | None, body: Any) -> None:
        self.tally[kind] += 1
        if not self.available():
            return
        if pointer is None:
            self._note(f"{what}: Discord's description knows no such body")
            return
        error = best_match(_validator(pointer).iter_errors(body))
        if error is not None:
            self._note(f"{what}: {error.json_path}: {error.message[:300]}")

    def _note(self, deviation: str) -> None:
        self.deviations.append(deviation)
        self.tally["deviations"] += 1


def _event(name: str) -> str:
    if name in _NAMED_OTHERWISE:
        return _NAMED_OTHERWISE[name]
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
