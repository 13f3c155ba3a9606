"""What Discord refuses in a body, with its own words: lengths, counts, and where they are exceeded."""

from collections.abc import Sequence
from typing import Any

from playground.state.wire import Refusal

CONTENT_LIMIT, EMBEDS_LIMIT, EMBED_LIMIT = 2000, 10, 6000
_EMBED_TEXTS = {"title": 256, "description": 4096}
_FIELDS, _FIELD_NAME, _FIELD_VALUE = 25, 256, 1024
_FOOTER, _AUTHOR = 2048, 256

_CODE = 50035

Path = tuple[str | int, ...]


class Form:
    """Collects what is wrong with a body."""

    def __init__(self) -> None:
        self._errors: dict[str, Any] = {}

    def wrong(self, path: Path, message: str) -> None:
        """Notes an error at a place; its code is a number, as Discord's own description has it."""
        node = self._errors
        for step in path:
            node = node.setdefault(str(step), {})
        node.setdefault("_errors", []).append({"code": _CODE, "message": message})

    def length(self, path: Path, value: Sequence[Any] | None, low: int, high: int) -> None:
        """Checks how long a text or a list is; nothing counts as empty."""
        size = len(value or ())
        if size < low and value is None:
            self.wrong(path, "This field is required")
        elif not low <= size <= high:
            between = f"Must be between {low} and {high} in length."
            text = f"Must be {high} or fewer in length." if low == 0 else between
            self.wrong(path, text)

    def number(self, path: Path, value: float | None, low: int, high: int) -> None:
        """Checks a number, where there is one."""
        if value is not None and not low <= value <= high:
            self.wrong(path, f"int value should be between {low} and {high}.")

    def refuse(self) -> None:
        """Ends the request if anything was wrong.

        Raises:
            Refusal: Invalid Form Body.
        """
        if self._errors:
            raise Refusal(400, _CODE, "Invalid Form Body", self._errors)


def check_content(form: Form, data: dict[str, Any]) -> None:
    """Checks a message's content and embeds."""
    form.length(("content",), data.get("content") or "", 0, CONTENT_LIMIT)
    embeds = data.get("embeds") or []
    form.length(("embeds",), embeds, 0, EMBEDS_LIMIT)
    for number, embed in enumerate(embeds):
        _check_embed(form, ("embeds", number), embed)
    if sum(_size(embed) for embed in embeds) > EMBED_LIMIT:
        form.wrong(("embeds",), f"Embed size exceeds maximum size of {EMBED_LIMIT}")


def _check_embed(form: Form, path: Path, embed: dict[str, Any]) -> None:
    for name, limit in _EMBED_TEXTS.items():
        form.length((*path, name), embed.get(name) or "", 0, limit)
    form.length((*path, "footer", "text"), _inner(embed, "footer", "text"), 0, _FOOTER)
    form.length((*path, "author", "name"), _inner(embed, "author", "name"), 0, _AUTHOR)
    fields = embed.get("fields") or []
    form.length((*path, "fields"), fields, 0, _FIELDS)
    for number, field in enumerate(fields):
        form.length((*path, "fields", number, "name"), field.get("name"), 1, _FIELD_NAME)
        form.length((*path, "fields", number, "value"), field.get("value"), 1, _FIELD_VALUE)


def _inner(embed: dict[str, Any], part: str, name: str) -> str:
    text: str = (embed.get(part) or {}).get(name) or ""
    return text


def _size(embed: dict[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description"), _inner(embed, "footer", "text")]
    texts.append(_inner(embed, "author", "name"))
    for field in embed.get("fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if text)
