"""What comes in and goes out over HTTP: bodies, files, answers and refusals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

Answer = tuple[int, Any]


class Refusal(Exception):  # noqa: N818 - it is what Discord's answer says, not a fault of ours
    """An error answer of Discord's.

    Args:
        status: The HTTP status.
        code: Discord's own number for it.
        message: Discord's words for it.
        errors: What is wrong where, as Discord nests it.
    """

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message}
        if errors:
            self.body["errors"] = errors


@dataclass(frozen=True)
class UploadedFile:
    """One file of a multipart body."""

    part: str
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Body:
    """A request's JSON and its files."""

    payload: Any = None
    files: list[UploadedFile] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """One request of the bot, read."""

    request: web.Request
    body: Body

    @property
    def payload(self) -> dict[str, Any]:
        """The JSON object that was sent, empty if there was none."""
        return self.body.payload or {}

    def number(self, name: str) -> int:
        """Returns an id of the path; one that is none finds nothing."""
        text = self.request.match_info[name]
        return int(text) if text.isdecimal() else 0

    def text(self, name: str) -> str:
        """Returns a part of the path."""
        return self.request.match_info[name]


def json_answer(body: Any, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answers with JSON whose type is named exactly as Discord does; discord.py takes any other for a text."""
    named = {**(headers or {}), "Content-Type": "application/json"}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=named)


async def read(request: web.Request) -> Body:
    """Reads a request's JSON, be it the whole body or a part of a multipart one, and its files.

    Raises:
        Refusal: It is neither.
    """
    if not request.can_read_body:
        return Body()
    try:
        if request.content_type.startswith("multipart/"):
            return await _read_parts(request)
        return Body(await request.json())
    except ValueError as error:
        raise Refusal(400, 50109, "The request body contains invalid JSON.") from error


async def _read_parts(request: web.Request) -> Body:
    payload: Any = {}
    files: list[UploadedFile] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refusal(400, 50035, "Invalid Form Body")
        data = bytes(await part.read())
        if part.name == "payload_json":
            payload = json.loads(data)
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files.append(UploadedFile(part.name or "", part.filename or "file", kind, data))
    return Body(payload, files)
