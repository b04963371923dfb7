"""The first thing WebSocket bytes meet: uvicorn's sans-IO protocol with limits on what costs only us.

The library refuses bad frames, wrong masks and messages over ws_max_size. Added here: many fragments, floods
of pings, and a close that reaches somebody who does not read.
"""

import asyncio
from typing import Any, Final  # Any: ASGI messages

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

FRAGMENTS_MAX: Final = 64
"""Frames of one message. Empty continuation frames cost a sender nothing and would cost us memory."""

PINGS_PER_S: Final = 10
"""A browser sends none by itself; libraries one in some seconds."""

UNSENT_BYTES_MAX: Final = 262_144
"""Answers to pings for somebody who never reads."""

CLOSE_S: Final = 5.0
"""How long a close may take before the connection is cut."""

POLICY: Final = 1008


class FrontSocket(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._pings = 0
        self._pings_since = 0.0
        self._cut: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._cut is not None:
            self._cut.cancel()
        super().connection_lost(exc)

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= FRAGMENTS_MAX:
            self._fail("too many fragments")
        elif not self.close_sent:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        now = self.loop.time()
        if now - self._pings_since >= 1.0:
            self._pings, self._pings_since = 0, now
        self._pings += 1
        if self._pings > PINGS_PER_S or self.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self._fail("too many pings")
        elif not self.close_sent:
            super().handle_ping()

    async def send(self, message: Any) -> None:
        """As uvicorn's, but a close does not wait until a slow reader has read everything before it."""
        if message["type"] == "websocket.close":
            self.writable.set()
            self._cut_soon()
        await super().send(message)

    def shutdown(self) -> None:
        super().shutdown()
        self._cut_soon()

    def _fail(self, reason: str) -> None:
        if self.close_sent:
            return
        self.conn.fail(POLICY, reason)
        self.handle_parser_exception()
        self._cut_soon()

    def _cut_soon(self) -> None:
        if self._cut is None:
            self._cut = self.loop.call_later(CLOSE_S, self.transport.abort)
