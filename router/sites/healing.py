"""Looks after the second copy once a second: heals gaps, says what nobody said, knows how far the peer is.

Part of the peer role. The sender moves the position `peer`; everything here follows from the tables, so a
peer role that was killed leaves nothing undone: the next one goes on.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from router.journal.clock import wall_ms
from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.sites.copy_gaps import SingleCopies, TendGaps, acked_through, behind, healing_due
from router.sites.copy_line import CLOSE_MS

TURN_S: Final = 1.0

SETTLED_MS: Final = CLOSE_MS // 2
"""A peer that has been closer than this for two looks is waited for again by every process: each knows from a
hint, or within LOOK_MS, that it has caught up."""

_log = logging.getLogger("muster.sites")


class Healing:
    """One of it in the peer role. Shape: `figures` is the latest look, for site_status and metrics."""

    def __init__(
        self, database: Database, committer: Committer, *, clock: Callable[[], int] = wall_ms
    ) -> None:
        self.figures: Mapping[str, int] = {}
        self._database = database
        self._committer = committer
        self._clock = clock
        self._singles = SingleCopies()
        self._close_looks = 0

    async def run(self) -> None:
        """Until cancelled. While the database is away there is nothing to heal."""
        while True:
            try:
                await self.turn()
            except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
                _log.warning("copies not looked after error=%s", type(problem).__name__)
            await asyncio.sleep(TURN_S)

    async def turn(self) -> None:
        """One look, and what follows from it. Raises CommitUnknown, DatabaseBusy, DatabaseGone."""
        if await asyncio.to_thread(self._look):
            await self._committer.append(TendGaps(settled=self._settled))

    @property
    def _settled(self) -> bool:
        return self._close_looks >= 2

    def _look(self) -> bool:
        with self._database.reading() as db:
            now_ms = self._clock()
            self.figures = copy_figures(db, self._singles, now_ms)
            near = self.figures["behind_ms"] <= SETTLED_MS
            self._close_looks = self._close_looks + 1 if near else 0
            return healing_due(db, settled=self._settled, now_ms=now_ms)


def copy_figures(db: Connection, singles: SingleCopies, now_ms: int) -> dict[str, int]:
    """How far the other site has our journal."""
    rows, ms = behind(db, now_ms)
    return {
        "acked_through": acked_through(db),
        "behind_rows": rows,
        "behind_ms": ms,
        "single_copies": singles.count(db),
    }
