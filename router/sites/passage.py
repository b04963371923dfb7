"""May this process decide, or send? Not before somebody who lives now says that this site knows who serves.

Whoever died may have been taken over meanwhile, and so may a site whose database took nothing for a while.
Roles start in any order, so what counts is never what stands in the tables: it is what was written since this
process began, by the peer role that has learned (boot_gate.Gate), or by another process of its role that had
passed before and was never away. Nobody of them: after GATE_S it goes on, because a site that is alone must
answer.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.records import Fact
from router.run.lease import NOW_MS
from router.sites.status import put_status, status_of

GATE: Final = "gate"
"""Key of the row of site_status by which the peer role vouches; `gate/<role>` is that of who passed."""

PEER_RUN: Final = "run"
GATE_S: Final = 10.0
"""The router serves after this in any case: a site that is alone must answer."""

AWAY_S: Final = 20.0
"""Whose commits came back last so long ago may have been taken over: the shortest policy waits for 30 s."""

LATELY_MS: Final = 7_000
"""A standby passes by the word of who died up to 5 s ago (lease.TTL_MS, and a second): it lived meanwhile."""

EVERY_S: Final = 1.0
PAUSE_S: Final = 0.1

_ASKED: Final = "gate_asked"
_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone)
_log = logging.getLogger("muster.gate")


class Gap:
    """How long ago something went well last, by the clock that counted more: each stands still at times.

    A machine that is frozen stops the one, and whoever sets the time of day changes the other.
    """

    def __init__(self, clocks_s: Sequence[Callable[[], float]] = (time.monotonic, time.time)) -> None:
        self._clocks_s = clocks_s
        self.mark()

    def mark(self) -> None:
        """It went well now."""
        self._at_s = [clock_s() for clock_s in self._clocks_s]

    @property
    def seconds(self) -> float:
        """Since then."""
        return max(clock_s() - at_s for clock_s, at_s in zip(self._clocks_s, self._at_s, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouch:
    """Append: "I live, and know what I have to", at the database's own time; committed as contacts are.

    What waited in a queue while the database took nothing says nothing any more: fit() is asked as it is
    written.
    """

    key: str
    fit: Callable[[], bool]
    data: dict[str, str | int]

    def write_content(self, db: Connection) -> None:
        """The row."""
        if self.fit():
            put_status(db, self.key, now_ms(db), self.data)

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Nothing."""
        return ()


class Passage:
    """That of one process of the router or the worker. Everything is called in its event loop.

    since_ms is the time of the database (`began`) when the process began.
    """

    def __init__(
        self,
        database: Database,
        committer: Committer,
        *,
        role: str,
        since_ms: int,
        gap: Gap | None = None,
        patience_s: float = GATE_S,
    ) -> None:
        self._database, self._committer = database, committer
        self._key, self._since_ms = f"{GATE}/{role}", since_ms
        self._gap = gap or Gap()
        self._patience_s = patience_s
        self._open = False
        self._asking = asyncio.Lock()

    async def passes(self, going_on: Callable[[], bool] = lambda: True) -> bool:
        """Returns at once while this process was never away; else when somebody vouches, or nobody does.

        False: going_on() said that nobody wants to know any more.
        """
        if self.is_open():
            return True
        async with self._asking:
            while not self.is_open() and going_on():
                try:
                    await self._ask(going_on)
                except _AWAY:
                    await asyncio.sleep(PAUSE_S)
        return self.is_open()

    def is_open(self) -> bool:
        """Whether this process passed, and its commits have come back since."""
        if self._open and self._gap.seconds > AWAY_S:
            _log.warning("was away: asks again who serves key=%s", self._key)
            self._open, self._since_ms = False, 0
        return self._open

    async def keep(self) -> None:
        """Until cancelled: once a second a commit, which vouches for those of its role that begin."""
        while True:
            if self.is_open():
                with suppress(*_AWAY):
                    await self._committer.append(Vouch(key=self._key, fit=self.is_open, data={}))
                    if self.is_open():
                        self._gap.mark()
            await asyncio.sleep(EVERY_S)

    async def _ask(self, going_on: Callable[[], bool]) -> None:
        """The time runs from when the database takes what is written: before, nobody could say anything."""
        if not self._since_ms or not await self._told():
            await self._committer.append(Vouch(key=_ASKED, fit=lambda: True, data={}))
            self._since_ms = self._since_ms or await asyncio.to_thread(began, self._database)
            give_up_s = time.monotonic() + self._patience_s
            while not await self._told():
                if not going_on():
                    return
                if time.monotonic() >= give_up_s:
                    _log.warning("goes on without having heard of the other site key=%s", self._key)
                    break
                await asyncio.sleep(PAUSE_S)
        self._gap.mark()
        self._open = True

    async def _told(self) -> bool:
        return await asyncio.to_thread(self._vouched)

    def _vouched(self) -> bool:
        with self._database.reading() as db:
            return vouched(db, self._key, since_ms=self._since_ms)


def vouched(db: Connection, *keys: str, since_ms: int) -> bool:
    """Whether somebody said so since then, and lately: the peer role, or one of those keys."""
    gate = status_of(db, GATE)
    if gate.at_ms and PEER_RUN not in gate.data:
        return True  # A peer role of an older release says it once.
    from_ms = max(since_ms, now_ms(db) - LATELY_MS)
    return any(each.at_ms >= from_ms for each in (gate, *(status_of(db, key) for key in keys)))


def began(database: Database) -> int:
    """The database's own time. Raises DatabaseGone, DatabaseBusy."""
    with database.reading() as db:
        return now_ms(db)


def now_ms(db: Connection) -> int:
    """The database's own time: that of machines may differ."""
    found = db.row(f"SELECT {NOW_MS[db.dialect]}")
    return int(found[0]) if found else 0
