"""The first thing bytes from the network meet: HTTP/1.1 limited in size and time, without ambiguous framing.

uvicorn's httptools protocol parses; this subclass refuses what the parser alone lets through: endless
headers, silent or slow senders, bodies over the route's limit, unclear lengths. What a request means is
guard.py's business. uvicorn has none of these limits for httptools (its issue 157), and its keep-alive timer
is stopped by every byte.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final  # Any: uvicorn's own signatures

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""TRACE and CONNECT are refused here; what a route does not serve is 405 further in."""

HEADERS_MAX: Final = 100
"""Browsers behind two proxies send about 30."""

TARGET_BYTES_MAX: Final = 8_192
"""RFC 9112 section 3 asks for at least 8,000; longer ones are 414."""

LINGER_BYTES: Final = 1_048_576
LINGER_S: Final = 1.0
"""After a refusal this much is still read and thrown away, so that the answer is not lost to a TCP reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontLimits:
    """How much, and how slowly, anybody may send (facts: ASVS 4.2.1, 15.2.2).

    Units: a body may take body_s plus one second for each body_bytes_per_s that has arrived.
    """

    header_bytes: int = 16_384
    header_s: float = 5.0
    body_s: float = 10.0
    body_bytes_per_s: int = 16_384
    connections: int = 20_000
    """Sockets of customers and desks included; also bounded by the process's file descriptors."""

    @property
    def chats(self) -> int:
        """How many of them chats may fill. By the last tenth agents get in, however many customers come."""
        return self.connections - max(1, self.connections // 10)


class _Refused(Exception):
    """Raised inside a parser callback to stop the parser; the reason is in FrontProtocol._reason."""


class FrontProtocol(HttpToolsProtocol):
    """One connection. `body_limit(path)` is the most bytes a body for this raw path may have."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: FrontLimits,
        body_limit: Callable[[str], int],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._body_limit_of = body_limit
        self._timer: asyncio.TimerHandle | None = None
        self._reason: tuple[int, str] | None = None
        self._discarding = -1
        self._in_head = False
        self._began_now = False
        self._head_bytes = 0
        self._parsed_bytes = 0
        self._header_count = 0
        self._body_expected = False
        self._body_limit = 0
        self._body_bytes = 0
        self._body_began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        if len(self.connections) > self._limits.connections:
            self._refuse(503, "The site is full. Try again in a moment.")
        else:
            self._within(self._limits.header_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._discarding >= 0:
            self._discard(data)
            return
        self._unset_keepalive_if_required()
        self._began_now = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._upgrade()
        except httptools.HttpParserError:
            self._refuse(*(self._reason or (400, "This is not a valid HTTP request.")))
        else:
            self._count_head(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._began_now = True
        self._head_bytes = self._parsed_bytes = self._header_count = 0
        if self._timer is None:
            self._within(self._limits.header_s, self._head_is_late)

    def on_url(self, url: bytes) -> None:
        self._parsed_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._parsed_bytes += len(name) + len(value) + 4
        self._header_count += 1
        if self._parsed_bytes > self._limits.header_bytes or self._header_count > HEADERS_MAX:
            self._stop(431, "The headers are too large.")
        if self._in_head:  # trailers of a chunked body are counted and dropped: nothing may arrive late
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        self._check_target()
        self._check_framing()
        super().on_headers_complete()
        if self.cycle is not None and len(self.connections) > self._limits.chats:
            self.cycle.keep_alive = False  # Those who only look must not fill what is kept for agents.
        if self._body_expected and not self.parser.should_upgrade():
            self._body_bytes = 0
            self._body_began = self.loop.time()
            self._within(self._limits.body_s, self._body_is_late)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._body_limit:
            self._stop(413, "This is too large.")
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stop_timer()
        super().on_message_complete()

    def _check_target(self) -> None:
        method = self.parser.get_method().decode("ascii", "replace")
        if method not in METHODS:
            self._stop(405, "This method is not served.")
        if len(self.url) > TARGET_BYTES_MAX:
            self._stop(414, "The address is too long.")
        if not self.url.startswith(b"/"):
            self._stop(400, "The request target must be a path.")

    def _check_framing(self) -> None:
        """Lengths that two programs could read differently. The parser refuses the grosser ones itself."""
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._stop(400, "This HTTP version is not served.")
        if len(self._values(b"host")) != 1:
            self._stop(400, "Exactly one Host header is needed.")
        encodings, lengths = self._values(b"transfer-encoding"), self._values(b"content-length")
        if encodings and (encodings != [b"chunked"] or lengths or version == "1.0"):
            self._stop(400, "The length of the body is not clear.")
        self._body_expected = bool(encodings) or any(length.strip(b"0") for length in lengths)
        if self._body_expected and self.parser.should_upgrade():
            self._stop(400, "A handshake has no body.")
        if any(value.lower() != b"100-continue" for value in self._values(b"expect")):
            self._stop(417, "This expectation cannot be met.")
        self._body_limit = self._body_limit_of(self.url.partition(b"?")[0].decode("latin-1"))
        if any(int(length) > self._body_limit for length in lengths):
            self._stop(413, "This is too large.")

    def _values(self, wanted: bytes) -> list[bytes]:
        return [value.strip().lower() for name, value in self.headers if name == wanted]

    def _count_head(self, data: bytes) -> None:
        """The parser shows a header only when it is whole, so what is not shown yet is counted raw."""
        if not self._in_head:
            return
        self._head_bytes = self._parsed_bytes if self._began_now else self._head_bytes + len(data)
        if self._head_bytes > self._limits.header_bytes:
            self._refuse(431, "The headers are too large.")

    def _upgrade(self) -> None:
        self._stop_timer()
        if self._should_upgrade():
            self.handle_websocket_upgrade()
            # Nobody calls us again. The parser and we hold each other, and the collector may come late.
            self.parser = self.flow = None  # type: ignore[assignment]  # as uvicorn does when a connection is lost
            return
        # Something else, like h2c: answered as HTTP/1.1, after which the connection is of no more use.
        self.cycle.keep_alive = False
        self._discarding = 0

    def _stop(self, status: int, text: str) -> None:
        self._reason = (status, text)
        raise _Refused

    def _refuse(self, status: int, text: str) -> None:
        """Answer once and close, without losing the answer to a reset."""
        self._stop_timer()
        self._discarding = 0
        if self._answer_in_progress():
            self.transport.close()
            return
        self.transport.write(_answer(status, text))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._within(LINGER_S, self.transport.close)

    def _answer_in_progress(self) -> bool:
        """Ends the request that waits for its body. True where writing now would go into another answer."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        alone = not self.pipeline and not self._in_head and cycle.scope is self.scope
        cycle.disconnected = True
        cycle.message_event.set()
        self.pipeline.clear()
        return cycle.response_started or not alone

    def _discard(self, data: bytes) -> None:
        self._discarding += len(data)
        if self._discarding > LINGER_BYTES:
            self.transport.abort()

    def _head_is_late(self) -> None:
        if (
            self.flow.read_paused
        ):  # we do not read because earlier answers are not written yet: not their fault
            self._within(self._limits.header_s, self._head_is_late)
        elif self._in_head:
            self._refuse(408, "The headers came too slowly.")
        else:
            self.transport.close()

    def _body_is_late(self) -> None:
        limits = self._limits
        due = self._body_began + limits.body_s + self._body_bytes / limits.body_bytes_per_s
        left = due - self.loop.time()
        if self.flow.read_paused or left > 0:
            self._within(max(left, 1.0), self._body_is_late)
        else:
            self._refuse(408, "The body came too slowly.")

    def _within(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _answer(status: int, text: str) -> bytes:
    body = text.encode()
    return b"".join(
        [
            STATUS_LINE[status],
            b"content-type: text/plain; charset=utf-8\r\nx-content-type-options: nosniff\r\n",
            b"cache-control: no-store\r\nconnection: close\r\n",
            b"retry-after: 5\r\n" if status == 503 else b"",
            b"content-length: %d\r\n\r\n" % len(body),
            body,
        ]
    )
