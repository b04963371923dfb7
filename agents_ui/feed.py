"""The journal's tail in one web process: each new row once, in order, to everybody who listens.

Redis and our own commits only wake it sooner; without them it looks every poll_ms. Rows are read in a thread
of its own, so a slow database never stops the event loop. What listeners make of a row is their business.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from router.journal.database import Database
from router.journal.stream import last_seq, read_rows
from router.records import Row
from router.run.hints import Hints

T = TypeVar("T")

Listener = Callable[[Sequence[Row]], None]

BATCH: Final = 1000
"""Rows read at once: a web that was away for a while catches up without holding a million rows."""

RETRY_S: Final = 1.0
"""Pause after the database refused to answer; /readyz tells the world meanwhile."""

_log = logging.getLogger("muster.feed")


class Feed:
    """Reads rows after `position` and hands them to listeners, on the event loop, in seq order.

    Shape: position is the seq of the last row handed out; -1 until start() or run() found the end of the
           journal. A listener loads its own starting state in one read transaction together with last_seq()
           and ignores rows up to that seq: so nothing is missed and nothing is applied twice.
    """

    def __init__(self, database: Database, hints: Hints, poll_ms: int = 250) -> None:
        self.position = -1
        self.lag_ms = 0
        """How long ago the newest row of the last batch was written when we handed it out."""
        self._database = database
        self._hints = hints
        self._poll_ms = poll_ms
        self._listeners: list[Listener] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="feed")

    def subscribe(self, listener: Listener) -> None:
        """Call this with each batch of rows from now on. It runs on the loop and must be quick."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """No more rows for this listener."""
        self._listeners.remove(listener)

    async def start(self) -> None:
        """Find the end of the journal; run() does it too."""
        if self.position < 0:
            self.position = await self._in_thread(self._end)

    async def run(self) -> None:
        """Follow the journal until cancelled. A database that fails is asked again; the feed goes on."""
        while True:
            try:
                await self.start()
                rows = await self._in_thread(self._next_rows)
            except asyncio.CancelledError:
                raise
            except Exception as problem:  # noqa: BLE001 - drivers raise many kinds; each means: try again
                _log.error("feed cannot read error=%s", type(problem).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            if rows:
                self._hand_out(rows)
            if len(rows) < BATCH:
                await self._hints.wait(self._poll_ms)

    def close(self) -> None:
        """Let go of the reading thread."""
        self._thread.shutdown(cancel_futures=True)

    def _hand_out(self, rows: Sequence[Row]) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(rows)
            except Exception:  # noqa: BLE001 - a listener's mistake must not silence the others
                _log.exception("listener failed from_seq=%d to_seq=%d", rows[0].seq, rows[-1].seq)
        self.position = rows[-1].seq
        self.lag_ms = max(0, int(time.time() * 1000) - rows[-1].at_ms)

    async def _in_thread(self, ask: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, ask)

    def _end(self) -> int:
        with self._database.reading() as db:
            return last_seq(db)

    def _next_rows(self) -> list[Row]:
        with self._database.reading() as db:
            return read_rows(db, after_seq=self.position, limit=BATCH)
