"""uvicorn as we run it: our front, listening sockets given from outside, no signal handling of its own."""

import asyncio
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final  # Any: uvicorn's ASGI application type

import uvicorn

from agents_ui.front import FrontLimits, FrontProtocol
from agents_ui.front_socket import FrontSocket
from config.settings import Settings

MESSAGE_BYTES_MAX: Final = 65_536
"""The largest WebSocket message; a longer one closes the socket with 1009."""

PING_S: Final = 20.0
"""A customer whose train entered a tunnel is noticed within twice this."""

KEEP_ALIVE_S: Final = 15
"""An idle connection is closed after this: longer than a page's pauses, short enough not to collect."""

TLS_HANDSHAKE_S: Final = 5.0
"""uvloop would wait a minute, for as many as like to connect and say nothing."""

OTHER_FILES: Final = 200
"""Files that are no connections of people: the database, Redis, logs, modules being loaded."""

STOPPING_S: Final = 1
"""Requests under way get this long to end when the process stops."""


class FrontServer(uvicorn.Server):
    """Serves on given sockets until should_exit. Whoever runs it handles signals."""

    def __init__(
        self, config: uvicorn.Config, *, limits: FrontLimits, body_limit: Callable[[str], int]
    ) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.servers = []
        self._limits = limits
        self._body_limit = body_limit

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's for given sockets, with our protocol and a limit on TLS handshakes."""
        await self.lifespan.startup()
        loop = asyncio.get_running_loop()
        for listener in sockets or []:
            server = await loop.create_server(
                self._protocol,
                sock=listener,
                ssl=self.config.ssl,
                backlog=self.config.backlog,
                ssl_handshake_timeout=TLS_HANDSHAKE_S if self.config.ssl else None,
            )
            self.servers.append(server)
        self.started = True
        self.listening.set()

    def cut(self) -> None:
        """Let go of everything at once: the process ends because something essential did."""
        for server in self.servers:
            server.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the composition root, which ends more than this server."""
        yield

    def _protocol(self) -> asyncio.Protocol:
        return FrontProtocol(
            self.config,
            self.server_state,
            self.lifespan.state,
            limits=self._limits,
            body_limit=self._body_limit,
        )


def server_of(
    app: Any,  # ASGI: uvicorn's type for it is a union of callables with their own Any
    settings: Settings,
    *,
    body_limit: Callable[[str], int],
    limits: FrontLimits | None = None,
) -> FrontServer:
    """A server for this application with everything set that the defaults leave open."""
    config = uvicorn.Config(
        app,
        http=FrontProtocol,
        ws=FrontSocket,
        ws_max_size=MESSAGE_BYTES_MAX,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOPPING_S,
        ssl_certfile=settings.tls_certificate or None,
        ssl_keyfile=settings.tls_key or None,
    )
    return FrontServer(config, limits=limits or limits_here(), body_limit=body_limit)


def limits_here() -> FrontLimits:
    """The usual limits, with fewer connections where this process may open few files.

    At the system's limit accept() fails and nobody is told anything; at ours people read "try again".
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = FrontLimits()
    if files == resource.RLIM_INFINITY:
        return limits
    return replace(limits, connections=max(1, min(limits.connections, files - OTHER_FILES)))
