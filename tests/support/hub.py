"""A Hugging Face hub on this machine: what its `resolve` addresses answer, rightly or as a test wants it."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self

REPOSITORY: Final = "somebody/tiny"
_PREFIX: Final = f"/{REPOSITORY}/resolve/main/"
_STORE: Final = "/store/"


@dataclass(frozen=True)
class Request:
    """A request that came in."""

    method: str
    path: str
    range: str
    headers: Mapping[str, str]


@dataclass
class Script:
    """How one file is served."""

    cuts: list[int] = field(default_factory=list)
    """Bytes of the answers that come before the connection is cut, one entry a GET; then all is well."""
    status: int = 0
    """An HTTP status to answer with."""
    claimed: int = 0
    """A size that is told but not true."""
    stall: int = 0
    """Where in the file nothing more comes until the hub is left; `FakeHub.stalled` is set then."""
    ranges: bool = True
    """Whether parts of the file can be asked for."""
    moved: bool = True
    """Whether the bytes lie at another address, as large files of the hub do."""


class FakeHub:
    """Serves `files` (by their path in the model); `scripts` holds what goes wrong."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.scripts = {path: Script() for path in files}
        self.requests: list[Request] = []
        self.stalled = threading.Event()
        self.released = threading.Event()
        hub = self

        class Handler(_Handler):
            def answer(self) -> None:
                hub.requests.append(
                    Request(self.command, self.path, self.headers.get("Range") or "", dict(self.headers))
                )
                self.serve(hub)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def ranges(self) -> list[str]:
        """List the parts that were asked for."""
        return [request.range for request in self.requests if request.range]

    def gets(self, path: str) -> int:
        """Count how often the bytes of a file were asked for at their own address."""
        asked = (f"{_STORE}{path}", f"{_PREFIX}{path}")
        moved = self.scripts[path].moved
        return sum(
            request.method == "GET" and request.path == asked[0 if moved else 1] for request in self.requests
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        raise NotImplementedError

    def do_GET(self) -> None:
        self.answer()

    def do_HEAD(self) -> None:
        self.answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass

    def serve(self, hub: FakeHub) -> None:
        place = _PREFIX if self.path.startswith(_PREFIX) else _STORE
        path = self.path.removeprefix(place)
        script = hub.scripts.get(path, Script(status=404))
        if script.status:
            self._head(script.status, {"Content-Length": "0"})
        elif script.moved and place == _PREFIX:
            size = script.claimed or len(hub.files[path])
            where = {"Location": f"{hub.url}{_STORE}{path}", "X-Linked-Size": str(size)}
            self._head(302, {**where, "X-Repo-Commit": "0" * 40, "ETag": '"0"', "Content-Length": "0"})
        else:
            self._bytes(hub, hub.files[path], script)

    def _bytes(self, hub: FakeHub, data: bytes, script: Script) -> None:
        first = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0]) if script.ranges else 0
        if first and first >= len(data):
            self._head(416, {"Content-Length": "0"})
            return
        headers = {"Content-Length": str((script.claimed or len(data)) - first), "ETag": '"0"'}
        if first:
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
        self._head(206 if first else 200, headers)
        if self.command == "HEAD":
            return
        if script.stall:
            self.wfile.write(data[first : script.stall])
            hub.stalled.set()
            hub.released.wait()
            self.close_connection = True
        elif script.cuts:
            self.wfile.write(data[first : first + script.cuts.pop(0)])
            self.close_connection = True
        else:
            self.wfile.write(data[first:])

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def write_manifest(folder: Path, files: Mapping[str, bytes], sizes: Mapping[str, int] | None = None) -> None:
    """Make `folder` a model directory for these files, none of them there yet."""
    lines = [
        'name = "tiny"',
        'description = "a few bytes"',
        f'repository = "{REPOSITORY}"',
        "[licence]",
        'name = "CC BY-NC 4.0"',
        'url = "https://example.org/by-nc"',
        'terms = "Not for commercial use."',
        'disclaimer = "Nothing is promised."',
    ]
    for path, data in files.items():
        lines += ["[[files]]", f'path = "{path}"', f'sha256 = "{hashlib.sha256(data).hexdigest()}"']
        if path in (sizes or {}):
            lines.append(f"size = {(sizes or {})[path]}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.toml").write_text("\n".join(lines) + "\n")
