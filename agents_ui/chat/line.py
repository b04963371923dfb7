"""Our side of one chat socket: numbered messages in order, and an end for somebody who never reads."""

import asyncio
from collections import deque
from typing import Any, Final  # Any: JSON on its way to the page

from starlette.websockets import WebSocket

from agents_ui.chat.wire import write

UNSENT_BYTES_MAX: Final = 262_144
"""More than this unsent, and the reader gets a new snapshot instead of our memory."""


class Line:
    """Messages on their way to one page. put() never waits; send_all() sends until it is cancelled.

    Shape: too_slow is set once more than UNSENT_BYTES_MAX wait; from then on nothing more is taken.
    """

    def __init__(self, socket: WebSocket) -> None:
        self.too_slow = asyncio.Event()
        self._socket = socket
        self._unsent: deque[str] = deque()
        self._unsent_bytes = 0
        self._more = asyncio.Event()
        self._n = 0

    def numbered(self, kind: str, **values: Any) -> None:
        """A snapshot or a change: these count up, so that the page notices a gap."""
        self._n += 1
        self.put(kind, n=self._n, **values)

    def put(self, kind: str, **values: Any) -> None:
        """Any other message."""
        text = write(kind=kind, **values)
        size = len(text.encode())
        if self.too_slow.is_set() or self._unsent_bytes + size > UNSENT_BYTES_MAX:
            self.too_slow.set()
            return
        self._unsent.append(text)
        self._unsent_bytes += size
        self._more.set()

    async def send_all(self) -> None:
        """Raises what the socket raises when it is gone."""
        while True:
            while self._unsent:
                text = self._unsent[0]
                await self._socket.send_text(text)
                self._unsent.popleft()
                self._unsent_bytes -= len(text.encode())
            self._more.clear()
            await self._more.wait()
