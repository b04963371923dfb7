"""The front before a small application that says what it got."""

import asyncio
import socket
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from agents_ui.front import FrontLimits
from agents_ui.guard import CHAT_SOCKET, CHATS_MAX, Guard
from agents_ui.permits import Permits
from agents_ui.server import server_of
from config.networks import LOOPBACK
from config.settings import Settings
from tests.web.threads import LoopThread

LIMITS = FrontLimits(header_s=0.6, body_s=0.6, body_bytes_per_s=100_000, connections=400)
BODY_MAX = 65_536


def settings_for(data_dir: Path = Path("/nowhere"), **changes: Any) -> Settings:
    """Settings of a process that listens on loopback."""
    values: dict[str, Any] = {
        "data_dir": data_dir,
        "host": "127.0.0.1",
        "port": 0,
        "database_url": f"sqlite:///{data_dir}/muster.db",
        "redis_url": "",
        "plan_file": Path("config/default.toml"),
        "public_url": "",
        "trusted_proxies": tuple(map(ip_network, LOOPBACK.split(","))),
        "tls_certificate": "",
        "tls_key": "",
        "beat_fd": -1,
        "unsafe": True,
    }
    return Settings(**{**values, **changes})


class Front:
    """A served application; `seen` counts the bytes of bodies that it was given."""

    def __init__(
        self,
        *,
        handshakes: Permits | None = None,
        chats_max: int = CHATS_MAX,
        limits: FrontLimits = LIMITS,
        **changes: Any,
    ) -> None:
        self.seen = 0
        settings = settings_for(**changes)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        routes = [
            Route("/", self._say, methods=["GET", "POST"]),
            Route("/mistake", self._mistake),
            Route("/number/{number}", self._number),
            WebSocketRoute("/socket", self._socket),
            WebSocketRoute(CHAT_SOCKET, self._socket),
            WebSocketRoute("/socket-mistake", self._socket_mistake),
        ]
        router = Router(routes=routes, redirect_slashes=False)
        guard = Guard(
            router,
            settings,
            port=self.port,
            handshakes=handshakes,
            chats_max=chats_max,
            chats_in_all=limits.chats,
        )
        self._server = server_of(guard, settings, body_limit=lambda path: BODY_MAX, limits=limits)
        self._thread = LoopThread(lambda: self._server.serve(sockets=[listener]))

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    async def _say(self, request: Request) -> Response:
        async for chunk in request.stream():
            self.seen += len(chunk)
        client = request.client.host if request.client else ""
        names = sorted(name for name in request.headers if "forwarded" in name)
        return JSONResponse({"client": client, "forwarded": names, "bytes": self.seen})

    async def _number(self, request: Request) -> Response:
        await asyncio.sleep(0)
        return Response(request.path_params["number"])

    async def _mistake(self, request: Request) -> Response:
        raise ValueError("a secret detail")

    async def _socket(self, socket: WebSocket) -> None:
        await socket.accept()
        async for text in socket.iter_text():
            await socket.send_text(text)

    async def _socket_mistake(self, socket: WebSocket) -> None:
        await socket.accept()
        raise ValueError("a secret detail")
