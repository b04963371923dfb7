"""One open desk: its numbered messages on their way out, and how it ends. Knows no content and no rights.

Memory matters here: hundreds of desks are open and idle in one process, so an idle desk has no task of its
own beside the one that waits for the page, and keeps nothing that was sent.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents_ui.access.person import Person

UNSENT_BYTES_MAX: Final = 262_144
"""A page this far behind gets a new snapshot instead (close 1013)."""

CLOSE_WITHIN_S: Final = 1.0
"""How long a page that does not read is given to take the close frame."""

TRY_AGAIN: Final = 1013
RESTARTING: Final = 1012
TOO_MANY_BAD: Final = 1008
SESSION_ENDED: Final = 4401
TICKET_REFUSED: Final = 4403
"""Close codes, see docs/architecture.md 6.2."""

_log = logging.getLogger("muster.desk")


class Desk:
    """An agent's window. push() never blocks; a task lives while there is something to write."""

    __slots__ = (
        "_closer",
        "_n",
        "_now_ms",
        "_page",
        "_unsent",
        "_waiting",
        "_writer",
        "desk_id",
        "person",
        "task",
    )

    def __init__(self, page: WebSocket, *, desk_id: str, person: Person, now_ms: Callable[[], int]) -> None:
        self.desk_id = desk_id
        self.person = person
        self.task = asyncio.current_task()
        """Who waits for the page's messages: ended when the page cannot be told to close."""
        self._page = page
        self._now_ms = now_ms
        self._n = 0
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._unsent = 0
        self._writer: asyncio.Task[None] | None = None
        self._closer: asyncio.Task[None] | None = None

    @property
    def closing(self) -> bool:
        """Whether the desk has been told to end: nothing more goes out."""
        return self._closer is not None

    def snapshot(self, entities: bytes, words: bytes) -> None:
        """The first numbered message. It does not count as unsent: it is as large as it must be."""
        head = b'{"kind":"snapshot",%b,"desk_id":%b,"entities":%b,"words":%b}'
        self._put(head % (self._number(), msgspec.json.encode(self.desk_id), entities, words), counted=0)

    def change(self, changes: bytes) -> None:
        """The next numbered message: a JSON array of puts and drops, made once for all desks of an agent."""
        self.push(b'{"kind":"change",%b,"changes":%b}' % (self._number(), changes))

    def push(self, data: bytes) -> None:
        """Send this when the page is ready to take it; close the desk when it is too far behind.

        One large message to a page that has taken everything before is not *behind*: a long conversation
        that comes by transfer may be larger than the limit.
        """
        if self._unsent and self._unsent + len(data) > UNSENT_BYTES_MAX:
            self.close(TRY_AGAIN)
        else:
            self._put(data, counted=len(data))

    def close(self, code: int) -> None:
        """End the desk; the page knows by the code what to do. The first call counts."""
        if self._closer is None:
            self._waiting.clear()
            self._closer = asyncio.create_task(self._close(code))

    def _number(self) -> bytes:
        self._n += 1
        return b'"n":%d,"server_ms":%d' % (self._n, self._now_ms())

    def _put(self, data: bytes, *, counted: int) -> None:
        if self.closing:
            return
        self._waiting.append((data, counted))
        self._unsent += counted
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._waiting:
                data, counted = self._waiting.popleft()
                await self._page.send_text(data.decode())
                self._unsent -= counted
        except (WebSocketDisconnect, RuntimeError):
            # The page is gone; whoever waits for its messages learns it in a moment.
            self._waiting.clear()
        finally:
            self._writer = None

    async def _close(self, code: int) -> None:
        if self._writer is not None:
            self._writer.cancel()
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._page.close(code)
        except (WebSocketDisconnect, RuntimeError):
            return
        except TimeoutError:
            _log.info("desk does not read desk=%s code=%d", self.desk_id, code)
            if self.task is not None:
                self.task.cancel()
