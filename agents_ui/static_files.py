"""The browser's modules, styles and words, read into memory once and served from there.

Every file is also below a prefix made of the hash of all files, `/static/<release>/…`: modules import each
other by relative paths, so a page that starts from one release never mixes it with another, and all of it may
be cached for ever. Only names found at the start exist: no request ever becomes a path on the disk.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

FOLDER: Final = Path(__file__).with_name("static")

MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}
"""What is served at all: a file with another ending (a README, an editor's copy) is not."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""A year, as long as RFC 2616 advised; the release in the path changes with the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticFile:
    """One file, ready to send."""

    content: bytes
    media_type: str
    etag: str


@cache
def own_files() -> "StaticTree":
    """What comes with Muster, read once in a process."""
    return StaticTree()


class StaticTree:
    """All files below a folder. An ASGI application, to be mounted at /static."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in MEDIA_TYPES
        }
        all_etags = "".join(f"{name} {file.etag}\n" for name, file in self._files.items())
        self.release = hashlib.sha256(all_etags.encode()).hexdigest()[:16]

    def address(self, name: str) -> str:
        """Where this release's file is. Raises KeyError for a file that does not exist."""
        self._files[name]
        return f"/static/{self.release}/{name}"

    def modules(self, *folders: str) -> list[str]:
        """Names of the JavaScript modules in these folders, sorted."""
        return [name for name in self._files if name.startswith(folders) and name.endswith(("js", "mjs"))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self._response(Request(scope), scope["path"].removeprefix(scope.get("root_path", "")))
        await response(scope, receive, send)

    def _response(self, request: Request, path: str) -> Response:
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("only GET", 405, headers={"Allow": "GET, HEAD"})
        name = path.lstrip("/").removeprefix(f"{self.release}/")
        immutable = path.lstrip("/") != name
        found = self._files.get(name) or self._files.get(_without_release(name))
        if found is None:
            return PlainTextResponse("not found", 404)
        return _answer(found, request, immutable=immutable)


def _without_release(name: str) -> str:
    """During an upgrade a page may ask another web process for files of the release it started from: it gets
    the file this process has, uncached, rather than a page that does not work."""
    release, _, rest = name.partition("/")
    return rest if len(release) == 16 else ""


def _answer(found: StaticFile, request: Request, *, immutable: bool) -> Response:
    headers = {
        "Cache-Control": FOR_EVER if immutable else "no-cache",
        "ETag": found.etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    content = found.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = _zipped(content), "gzip"
    return Response(content, media_type=found.media_type, headers=headers)


@cache
def _zipped(content: bytes) -> bytes:
    """When somebody first asks for it, in 0.2 ms: people wait for a web process that starts."""
    return gzip.compress(content, mtime=0)


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(
        content=content,
        media_type=MEDIA_TYPES[path.suffix],
        etag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
    )
