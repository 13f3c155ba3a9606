"""Files: kept in memory, served by signed addresses that expire after a day, as Discord's are."""

import hashlib
import hmac
import io
import mimetypes
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from aiohttp import web
from PIL import Image

from playground.state.clock import Clock, Snowflakes
from playground.state.messages import Attachment
from playground.state.wire import UploadedFile

DAY_SECONDS = 24 * 3600
KEPT_BYTES = 512 * 2**20


class Cdn:
    """Keeps the newest files and says where they are.

    Args:
        clock: The server's time.
        snowflake: Makes ids.
    """

    def __init__(self, clock: Clock, snowflake: Snowflakes) -> None:
        self._clock = clock
        self._snowflake = snowflake
        self._secret = secrets.token_bytes(32)
        self._files: OrderedDict[int, Attachment] = OrderedDict()
        self._bytes = 0

    def keep(self, channel_id: int, file: UploadedFile, description: str | None = None) -> Attachment:
        """Takes a file in; the oldest ones make room for it."""
        kind = _content_type(file)
        width, height = _size(file.data) if kind.startswith("image/") else (None, None)
        attachment = Attachment(
            self._snowflake(), channel_id, file.filename, file.data, kind, len(file.data), description,
            width, height,
        )  # fmt: skip
        self._files[attachment.id] = attachment
        self._bytes += attachment.size
        while self._bytes > KEPT_BYTES and len(self._files) > 1:
            _, oldest = self._files.popitem(last=False)
            self._bytes -= oldest.size
            oldest.data = b""
        return attachment

    def forget(self, files: Iterable[Attachment]) -> None:
        """Serves files no more, as those of deleted messages."""
        for file in files:
            if self._files.pop(file.id, None) is not None:
                self._bytes -= file.size

    def path(self, file: Attachment) -> str:
        """Returns a file's address on this server, good for a day."""
        path = f"/attachments/{file.channel_id}/{file.id}/{quote(file.filename)}"
        issued = int(self._clock.now().timestamp())
        expires, at = f"{issued + DAY_SECONDS:x}", f"{issued:x}"
        return f"{path}?ex={expires}&is={at}&hm={self._signature(path, expires, at)}&"

    def json(self, file: Attachment, base_url: str) -> dict[str, Any]:
        """Returns the attachment object; files are served under the base URL."""
        url = base_url + self.path(file)
        data: dict[str, Any] = {
            "id": str(file.id), "filename": file.filename, "size": file.size, "url": url, "proxy_url": url,
            "content_type": file.content_type,
        }  # fmt: skip
        if file.description:
            data["description"] = file.description
        if file.width is not None:
            data |= {"width": file.width, "height": file.height}
        return data

    async def serve(self, request: web.Request) -> web.Response:
        """Answers with a file, if its address is right and not too old."""
        query = request.query
        signed = self._signature(request.rel_url.raw_path, query.get("ex", ""), query.get("is", ""))
        if not hmac.compare_digest(signed, query.get("hm", "")) or self._expired(query["ex"]):
            return web.Response(status=404, text="This content is no longer available.")
        file = self._files.get(int(request.match_info["file"]))
        if file is None:
            return web.Response(status=404, text="This content is no longer available.")
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
        return web.Response(body=file.data, headers={**headers, "Content-Type": file.content_type})

    def _expired(self, expires: str) -> bool:
        return int(expires, 16) < self._clock.now().timestamp()

    def _signature(self, path: str, expires: str, issued: str) -> str:
        return hmac.new(self._secret, f"{path}|{expires}|{issued}".encode(), hashlib.sha256).hexdigest()


def _content_type(file: UploadedFile) -> str:
    """Tells by the name what a file is, as Discord does; programs seldom say it."""
    return mimetypes.guess_type(file.filename)[0] or file.content_type


def _size(data: bytes) -> tuple[int | None, int | None]:
    """Reads a picture's size from its header."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        return None, None  # what is damaged or hostile is no picture
