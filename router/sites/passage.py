"""May this process decide, or send? Not before somebody who lives now says that this site knows who serves.

Whoever died may have been taken over meanwhile, and so may a site whose database took nothing for a while.
Roles start in any order, so what counts is never what stands in the tables: it is what was written since this
process began, by the peer role that has learned (boot_gate.Gate), or by another process of its role that had
passed before and was never away. Nobody of them: after GATE_S it goes on, because a site that is alone must
answer. One that is not alone has time: while the other site is heard, what it did meanwhile is on its way.
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
from router.sites.status import PEER, Status, put_status, status_of

GATE: Final = "gate"
"""Key of the row of site_status by which the peer role vouches; `gate/<role>` is that of who passed."""

PEER_RUN: Final = "run"
GATE_S: Final = 10.0
"""After this who hears nobody goes on in any case: a site that is alone must answer."""

ROUTER_S: Final = 60.0
"""The router goes on after this also where the other site is heard: hours of it may take long to copy."""

WORKER_S: Final = 300.0
"""A worker waits longer: what it sends in vain is sent twice, and cannot be taken back."""

HEARD_S: Final = 4.0
"""The peer role says every second what it heard: after this without a word nobody is there."""

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


class Heard:
    """Whether the other site answers: what the peer role keeps of it changes while this process looks on.

    By no clock but our own: the peer role's machine may have another one. What stood there before says
    nothing, nor does a site whose database takes nothing: it has nothing to give.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._at_ms: int | None = None
        self._at_s = -HEARD_S

    def look(self, said: Status) -> None:
        """What stands there now."""
        if self._at_ms not in (None, said.at_ms) and "stuck_ms" not in said.data:
            self._at_s = self._clock_s()
        self._at_ms = said.at_ms

    @property
    def lately(self) -> bool:
        """It answered a moment ago."""
        return self._clock_s() - self._at_s < HEARD_S


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

    since_ms is the time of the database (`began`) when the process began. patience_s is for where nobody is
    heard, longest_s for where the other site is.
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
        longest_s: float = ROUTER_S,
    ) -> None:
        self._database, self._committer = database, committer
        self._key, self._since_ms = f"{GATE}/{role}", since_ms
        self._gap = gap or Gap()
        self._patience_s, self._longest_s = patience_s, longest_s
        self._heard = Heard()
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
            if not await self._waits(going_on):
                return
        self._gap.mark()
        self._open = True

    async def _waits(self, going_on: Callable[[], bool]) -> bool:
        """Until somebody vouches, or there is no reason to wait. False: nobody wants to know any more."""
        began_s, said = time.monotonic(), False
        while not await self._told():
            if not going_on():
                return False
            waited_s = time.monotonic() - began_s
            if waited_s >= (self._longest_s if self._heard.lately else self._patience_s):
                _log.warning("goes on without having heard of the other site key=%s", self._key)
                break
            if waited_s >= self._patience_s and not said:
                said = True
                _log.warning("the other site is there, what it did is not yet: waits key=%s", self._key)
            await asyncio.sleep(PAUSE_S)
        return True

    async def _told(self) -> bool:
        return await asyncio.to_thread(self._vouched)

    def _vouched(self) -> bool:
        with self._database.reading() as db:
            self._heard.look(status_of(db, PEER))
            # Another server's clock may be behind that of the one this process began with.
            self._since_ms = min(self._since_ms, now_ms(db))
            return vouched(db, self._key, since_ms=self._since_ms)


def vouched(db: Connection, *keys: str, since_ms: int) -> bool:
    """Whether somebody said so since then, and lately: the peer role, or one of those keys.

    What was said by a clock that is ahead of the database's may be from before.
    """
    gate, *others = [status_of(db, key) for key in (GATE, *keys)]
    until_ms = now_ms(db)
    from_ms = max(since_ms, until_ms - LATELY_MS)
    if PEER_RUN not in gate.data and max(since_ms, 1) <= gate.at_ms <= until_ms:
        return True  # A peer role of an older release says it once.
    return any(from_ms <= each.at_ms <= until_ms for each in (gate, *others))


def began(database: Database) -> int:
    """The database's own time. Raises DatabaseGone, DatabaseBusy."""
    with database.reading() as db:
        return now_ms(db)


def now_ms(db: Connection) -> int:
    """The database's own time: that of machines may differ."""
    found = db.row(f"SELECT {NOW_MS[db.dialect]}")
    return int(found[0]) if found else 0
