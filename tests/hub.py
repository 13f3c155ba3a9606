"""A model hub on loopback: enough of the real one's HTTP for its own client to find and download from it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Hub:
    """What the hub holds, and what it was asked.

    Attributes:
        repositories: Files by their names, by repository.
        claimed: SHA-256 that the hub states for a file in place of its true one.
        breaks: Files whose first download breaks off after so many bytes.
        asked: (file, first byte) of each download, in order.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    claimed: dict[str, str] = field(default_factory=dict)
    breaks: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    address: str = ""

    def sha256(self, name: str, content: bytes) -> str:
        """Returns what the hub says a file's hash is."""
        return self.claimed.get(name, hashlib.sha256(content).hexdigest())


@contextmanager
def running() -> Iterator[Hub]:
    """Runs a hub until the block ends."""
    hub = Hub()

    class Handler(_Handler):
        store = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    store: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        if path.startswith("api/models/"):
            self._describe("/".join(path.split("/")[2:4]))
        else:
            self._file(path)

    def do_HEAD(self) -> None:
        self._file(self.path.partition("?")[0].strip("/"))

    def log_message(self, *_: object) -> None:
        pass

    def _describe(self, repository: str) -> None:
        files = self.store.repositories.get(repository)
        if files is None:
            self._answer(404, b'{"error": "Repository not found"}', {"X-Error-Code": "RepoNotFound"})
            return
        siblings = [
            {
                "rfilename": name,
                "size": len(content),
                "blobId": "0" * 40,
                "lfs": {"sha256": self.store.sha256(name, content), "size": len(content), "pointerSize": 134},
            }
            for name, content in files.items()
        ]
        body = {"_id": "1", "id": repository, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
        self._answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _file(self, path: str) -> None:
        owner, name, resolve, _revision, file = path.split("/", 4)
        content = self.store.repositories.get(f"{owner}/{name}", {}).get(file)
        if resolve != "resolve" or content is None:
            self._answer(404, b"{}", {"X-Error-Code": "EntryNotFound"})
            return
        headers = {"ETag": f'"{self.store.sha256(file, content)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        span = self.headers.get("Range", "")
        first, last = 0, len(content) - 1
        if span.startswith("bytes="):
            start, _, end = span.removeprefix("bytes=").partition("-")
            first, last = int(start), min(last, int(end) if end else last)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        only = None
        if self.command == "GET" and "100000" not in span:  # the client's look at a header is no download
            self.store.asked.append((file, first))
            only = self.store.breaks.pop(file, None)
        self._answer(206 if span else 200, content[first : last + 1], headers, only)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], only: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if only is None else body[:only])
        if only is not None:
            self.close_connection = True
