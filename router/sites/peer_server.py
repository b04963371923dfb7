"""The door for the other site: its own port, its own threads and connections, everything signed both ways.

Who may come in is auth.py; what is done with what they bring are handlers, given by the composition root. A
body is read after its sender is known, and never more of it than its route takes.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from router.sites.auth import NONCE, SIGNATURE, Door, NotThePeer
from router.sites.credentials import TlsFiles

JSON_BYTES_MAX: Final = 1 << 20
BODY_S: Final = 30.0
"""Within this a body has come, or its connection is let go."""

HEADER_BYTES_MAX: Final = 16_384
CONNECTIONS_MAX: Final = 64
KEEP_ALIVE_S: Final = 60
STOPPING_S: Final = 1

_log = logging.getLogger("muster.peer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the other site asks, once it is known that it does."""

    query: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as a table. Raises BadRequest."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.MsgspecError:
            raise BadRequest("this is no JSON") from None
        if not isinstance(found, dict):
            raise BadRequest("this is no table")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What it is told."""

    body: bytes
    status: int = 200


class BadRequest(Exception):
    """The other site, genuinely, but nothing that can be understood: answered 400 with this text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRoute:
    """One thing that may be asked. Shape: body_max in bytes; handle may raise BadRequest."""

    method: str
    path: str
    handle: Callable[[Asked], Awaitable[Answered]]
    body_max: int = JSON_BYTES_MAX


def answered(values: object, status: int = 200) -> Answered:
    """An answer in JSON."""
    return Answered(body=msgspec.json.encode(values), status=status)


def peer_app(door: Door, routes: Sequence[PeerRoute], *, clock_ms: Callable[[], int]) -> Starlette:
    """The application behind the listener."""
    return Starlette(
        routes=[
            Route(each.path, _Behind(door, each, clock_ms).answer, methods=[each.method]) for each in routes
        ]
    )


class _Behind:
    """One route behind the door."""

    def __init__(self, door: Door, route: PeerRoute, clock_ms: Callable[[], int]) -> None:
        self._door = door
        self._route = route
        self._clock_ms = clock_ms

    async def answer(self, request: Request) -> Response:
        query = request.scope["query_string"].decode("latin-1")
        target = request.scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        try:
            nonce = self._door.check(request.method, target, request.headers)
            body = await self._body(request)
            if body is None:
                return self._sealed(nonce, answered({"code": "too_large"}, 413), close=True)
            self._door.check_body(request.headers, body)
        except NotThePeer as stranger:
            return self._refused(request, stranger)
        except (ClientDisconnect, TimeoutError):
            return Response(status_code=408, headers={"connection": "close"})
        return self._sealed(nonce, await self._handled(Asked(query=dict(request.query_params), body=body)))

    async def _handled(self, asked: Asked) -> Answered:
        try:
            return await self._route.handle(asked)
        except BadRequest as problem:
            _log.warning("not understood path=%s reason=%s", self._route.path, problem)
            return answered({"code": "bad_request", "text": str(problem)}, 400)
        except Exception:  # noqa: BLE001 - one answer that fails must not end the door
            _log.exception("a handler failed path=%s", self._route.path)
            return answered({"code": "mistake"}, 500)

    async def _body(self, request: Request) -> bytes | None:
        """The body; None where it is larger than this route takes, of which nothing more is read."""
        said = request.headers.get("content-length", "")
        if said.isdecimal() and int(said) > self._route.body_max:
            return None
        found = bytearray()
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                found += chunk
                if len(found) > self._route.body_max:
                    return None
        return bytes(found)

    def _refused(self, request: Request, stranger: NotThePeer) -> Response:
        """Only who has the key learns more than that it is refused, and only the time."""
        _log.warning("not the peer path=%s code=%s", self._route.path, stranger.code)
        if stranger.code == "time":
            values = {"code": stranger.code, "now_ms": self._clock_ms()}
            return self._sealed(request.headers.get(NONCE, ""), answered(values, 403))
        return Response(b'{"code":"not_the_peer"}', 403, {"connection": "close"}, "application/json")

    def _sealed(self, nonce: str, answer: Answered, *, close: bool = False) -> Response:
        headers = {SIGNATURE: self._door.sealed(nonce, answer.status, answer.body)}
        if close:
            headers["connection"] = "close"
        return Response(answer.body, answer.status, headers, "application/octet-stream")


class PeerServer(uvicorn.Server):
    """Serves on a given socket until should_exit. Whoever runs it handles signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the composition root, which ends more than this server."""
        yield


def peer_server(app: Starlette, tls: TlsFiles | None) -> PeerServer:
    """A server for it. With certificates nobody comes in without one of the same CA."""
    config = uvicorn.Config(
        app,
        http="h11",  # and not the faster one: this one has a limit on headers
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOPPING_S,
        ssl_certfile=str(tls.certificate) if tls else None,
        ssl_keyfile=str(tls.private_key) if tls else None,
        ssl_ca_certs=str(tls.ca) if tls else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls else ssl.CERT_NONE,
    )
    return PeerServer(config)


async def serve(server: PeerServer, listener: socket.socket) -> None:
    """Serve until the server is told to stop."""
    await server.serve(sockets=[listener])
