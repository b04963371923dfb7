"""A web process whose database takes nothing: it falls silent to its pages, until something is kept again.

Pages that hear nothing say so, keep what is written, and ask the other site, which serves them once it has
taken over. A page that is told that all is well stays where nothing can be kept.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from router.journal.committer import Append, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.records import Row

OUT_S: Final = 5.0
"""Longer than any wait for a busy database: a page would hear that nothing is saved in any case."""

EVERY_S: Final = 1.0

_log = logging.getLogger("muster.web")


class Keeps(Protocol):
    """What a process appends by, as far as it matters here."""

    @property
    def out_s(self) -> float: ...
    async def append(self, append: Append) -> tuple[Row, ...]: ...


def is_out(keeps: Keeps) -> bool:
    """Whether this process can keep nothing, and has not been able to for a while."""
    return keeps.out_s >= OUT_S


class Silence:
    """Shape: probe is an append that commits; send_away() ends the lines of pages that hear no beats."""

    def __init__(self, keeps: Keeps, probe: Append, send_away: Callable[[], None]) -> None:
        self._keeps = keeps
        self._probe = probe
        self._send_away = send_away
        self._out = False

    async def run(self) -> None:
        """Until cancelled. While nothing is kept, nobody else may be asking: so this does."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """One look, and one try while the database is out."""
        out = is_out(self._keeps)
        if out and not self._out:
            _log.error("pages are sent elsewhere: nothing has been kept for %.0f s", self._keeps.out_s)
            self._send_away()
        self._out = out
        if self._keeps.out_s:
            with suppress(CommitUnknown, DatabaseBusy, DatabaseGone):
                await self._keeps.append(self._probe)
