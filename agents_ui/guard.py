"""What every request passes before a route sees it, and what every answer carries. Bytes: see front.py.

Host list, clean paths, no compressed bodies, whom to believe about the client's address, security headers,
and the last word on mistakes of ours. Who may do what is access/gate.py.
"""

import ipaddress
import logging
import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager, nullcontext
from typing import Any, Final  # Any: ASGI messages
from urllib.parse import urlsplit

import msgspec
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from agents_ui.front import FrontLimits
from agents_ui.permits import Permits, network_of
from config.settings import Settings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

COOKIE_BYTES_MAX: Final = 8_192
"""Ours are two of 60 bytes; what else a browser keeps for this host is not ours."""

CHAT_SOCKET: Final = "/chat/socket"
HANDSHAKES_BURST: Final = 1_000
HANDSHAKES_PER_S: Final = 50
"""Chat sockets one network may open. A shelter with hundreds of people behind one address connects at once;
10,000 in ten seconds is a flood (B-50). Desks are not counted: refusing a flood costs them only time."""

CHATS_MAX: Final = 10_000
"""Chat sockets one network may hold at a time: half of what a process serves (server.limits_here), so
that nobody in need finds the site full of one machine's idle sockets."""

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")

NOTHING_ALLOWED: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""The policy of everything that is not a page of ours."""

ERROR_TEXT: Final = "Something went wrong on our side. Please try again; if it stays, tell us this number."

_SERVER_ERROR: Final = 1011
_BAD_PATH: Final = re.compile(r"[\0-\x1f\x7f\ufffd\\]|//|/\.{1,2}(?:/|$)")
_FORWARDED: Final = re.compile(rb"x-forwarded-.*|forwarded|x-real-ip")

_log = logging.getLogger("muster.guard")


class Guard:
    """ASGI application in front of all others. `port` is the one we really listen on."""

    def __init__(
        self,
        app: App,
        settings: Settings,
        *,
        port: int,
        handshakes: Permits | None = None,
        chats_max: int = CHATS_MAX,
        chats_in_all: int = FrontLimits().chats,
    ) -> None:
        self._app = app
        self._hosts = allowed_hosts(settings, port)
        self._port = port
        self._proxies = settings.trusted_proxies if settings.public_url else ()
        self._handshakes = handshakes or Permits(burst=HANDSHAKES_BURST, per_s=HANDSHAKES_PER_S)
        self._chats_max = chats_max
        self._chats_in_all = chats_in_all
        self._chats: Counter[str] = Counter()
        self._chats_open = 0
        https = bool(settings.tls_certificate) or settings.public_url.startswith("https://")
        self._headers = _security_headers(https=https)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope)
        if refused is not None:
            await _answer(scope, self._with_headers(send), *refused)
            return
        answer = _Answer(scope, self._with_headers(send))
        try:
            with self._counted(scope) if _is_chat(scope) else nullcontext():
                await self._app(scope, receive, answer.send)
        except (ClientDisconnect, WebSocketDisconnect):
            return  # They left while we were answering.
        except Exception as mistake:  # noqa: BLE001 - the last resort: nothing of it may reach the outside
            await answer.apologise(mistake)

    def _refusal(self, scope: Message) -> tuple[int, str, str] | None:
        """(status, code, text) of a request that goes no further."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        scope["client"] = self._client(scope, headers)
        scope["headers"] = [each for each in headers if not _FORWARDED.fullmatch(each[0])]
        host = b",".join(value for name, value in headers if name == b"host").decode("latin-1").lower()
        if host not in self._hosts and host != _own_address(scope, self._port):
            return 400, "unknown_host", "This site has another name. Use the address you were given."
        if _BAD_PATH.search(scope["path"]):
            return 404, "not_found", "There is nothing here."
        if sum(len(value) for name, value in headers if name == b"cookie") > COOKIE_BYTES_MAX:
            return 431, "cookies_too_large", "Your browser sent too many cookies. Delete those of this site."
        encodings = [value for name, value in headers if name == b"content-encoding"]
        if any(value.lower() != b"identity" for value in encodings):
            return 415, "compressed", "Compressed requests are not read."
        if _is_chat(scope):
            if self._chats_open >= self._chats_in_all:
                return 503, "full", "The site is full. Try again in a moment."
            address = scope["client"][0]
            full = self._chats[network_of(address)] >= self._chats_max
            if full or not self._handshakes.allows(address):
                return 429, "slow_down", "Too many connections from your network. Try again in a moment."
        return None

    @contextmanager
    def _counted(self, scope: Message) -> Iterator[None]:
        """Count a chat socket among those of its network for as long as it is open."""
        network = network_of(scope["client"][0])
        self._chats[network] += 1
        self._chats_open += 1
        try:
            yield
        finally:
            self._chats_open -= 1
            self._chats[network] -= 1
            if not self._chats[network]:
                del self._chats[network]

    def _client(self, scope: Message, headers: list[tuple[bytes, bytes]]) -> tuple[str, int]:
        """Who is asking. Proxies that we are told to have are believed, nobody else.

        Each adds at the end whom it heard from: the last address that is no proxy's is the customer's.
        """
        peer: tuple[str, int] = scope.get("client") or ("", 0)
        if not self._is_proxy(peer[0]):
            return peer
        said = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        for each in reversed(said.split(",")):
            address = _address(each.strip())
            if address is None:
                return peer
            if not self._is_proxy(str(address)):
                return str(address), 0
        return peer

    def _is_proxy(self, text: str) -> bool:
        address = _address(text) if self._proxies else None
        return address is not None and any(address in network for network in self._proxies)

    def _with_headers(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                given = list(message.get("headers", ()))
                names = {name.lower() for name, _ in given}
                message["headers"] = given + [each for each in self._headers if each[0] not in names]
            await send(message)

        return send_with_headers


class _Answer:
    """Remembers how far an answer has come, so that an apology does not go into the middle of it."""

    def __init__(self, scope: Message, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._begun = False
        self._closed = False

    async def send(self, message: Message) -> None:
        self._begun = self._begun or message["type"] in ("http.response.start", "websocket.accept")
        self._closed = self._closed or message["type"] == "websocket.close"
        await self._send(message)

    async def apologise(self, mistake: Exception) -> None:
        """Log the mistake under a number, and give the number and nothing else to the outside."""
        number = uuid.uuid4().hex[:12]
        _log.error("mistake id=%s path=%s", number, self._scope["path"], exc_info=mistake)
        if not self._begun and not self._closed:
            await _answer(self._scope, self._send, 500, "error", f"{ERROR_TEXT} {number}")
        elif self._scope["type"] == "websocket" and not self._closed:
            await self._send({"type": "websocket.close", "code": _SERVER_ERROR, "reason": number})
        elif self._scope["type"] == "http":
            raise mistake  # Half an answer is out: the server cuts the connection, which is the honest thing.


def _is_chat(scope: Message) -> bool:
    return bool(scope["type"] == "websocket" and scope["path"] == CHAT_SOCKET)


def allowed_hosts(settings: Settings, port: int) -> frozenset[str]:
    """Values of the Host header that mean us: the public name, and this machine's own for people on it."""
    hosts = {f"{name}:{port}" for name in LOOPBACK}
    if settings.host not in ("", "0.0.0.0", "::"):
        name = f"[{settings.host}]" if ":" in settings.host else settings.host.lower()
        hosts.add(f"{name}:{port}")
    if settings.public_url:
        parts = urlsplit(settings.public_url)
        name = (parts.hostname or "").lower()
        default = 443 if parts.scheme == "https" else 80
        hosts.add(f"{name}:{parts.port or default}")
        if (parts.port or default) == default:
            hosts.add(name)
    if port in (80, 443):
        hosts |= {host.removesuffix(f":{port}") for host in tuple(hosts)}
    return frozenset(hosts)


def _own_address(scope: Message, port: int) -> str:
    """The address this connection came in by: an address in numbers cannot be somebody else's name for us."""
    name = (scope.get("server") or ("",))[0]
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, of IPv4 also where a socket for both kinds shows it as one of IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _security_headers(*, https: bool) -> list[tuple[bytes, bytes]]:
    """What every answer carries unless it says otherwise itself (ASVS 5.0, 3.4)."""
    headers = {
        "content-security-policy": NOTHING_ALLOWED,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-store",
    }
    if https:
        headers["strict-transport-security"] = "max-age=31536000"
    return [(name.encode(), value.encode()) for name, value in headers.items()]


async def _answer(scope: Message, send: Send, status: int, code: str, text: str) -> None:
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = msgspec.json.encode({"ok": False, "code": code, "text": text})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (429, 503):
        headers.append((b"retry-after", b"5"))
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
