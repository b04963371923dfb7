"""Does this site's own database take what is written? Asked once a second, by a real commit.

A database that hangs raises nothing: tables say what they said before, and a site would call itself Normal
for ever. So what its beats say must not come from that database: it comes from here, out of memory. The other
site's console, and its policy, then know what this one can write down nowhere.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final  # Any: JSON

from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import Connection, DatabaseBusy, DatabaseGone
from router.journal.database import Database
from router.journal.hanging import Hanging, why_hanging
from router.records import Fact
from router.run.trouble import NoticeTrouble
from router.sites.problems import Problem
from router.sites.service_states import DOWN
from router.sites.status import put_status

EVERY_S: Final = 1.0
STUCK_S: Final = 5.0
"""A commit that takes longer: by then providers and pages have long been told that nothing was kept."""

ASK_AFTER_S: Final = 3.0
"""What it seems to be is asked before anybody is told: a frozen server takes its time not to answer."""

GOOD_AFTER: Final = 3
"""Commits in a row: a disk that comes and goes is not there."""

ASKED_S: Final = 30.0
"""What it seems to be is asked again after this long: the cause may have changed."""

PULSE: Final = "pulse"
"""Key in site_status of the row that is written."""

HANGS: Final = "database_hangs"
"""Code of the problem, and of this site's alarm once it is over; the other site's is peer_database_hangs."""

PEER_HANGS: Final = "peer_database_hangs"
_AWAY: Final = (CommitUnknown, DatabaseBusy, DatabaseGone)
_log = logging.getLogger("muster.peer")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beat:
    """Append that commits one number as contacts are committed, and nothing to the journal."""

    at_ms: int

    def write_content(self, db: Connection) -> None:
        put_status(db, PULSE, self.at_ms, {})

    def facts(self, db: Connection, at_ms: int) -> Sequence[Fact]:
        """Nothing."""
        return ()


class Pulse:
    """Shape: committer is one that journals; clock_ms the time of day, clock_s one that nobody sets."""

    def __init__(
        self,
        own: Database,
        committer: Committer,
        *,
        site: str,
        clock_ms: Callable[[], int],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own, self._committer, self._site = own, committer, site
        self._clock_ms, self._clock_s = clock_ms, clock_s
        self._since_s: float | None = None
        """When the first of the commits was asked for that have not come back well."""
        self._good = GOOD_AFTER
        self._stuck_s = 0.0
        self._why = Hanging(text="nobody knows why yet", todo="look at the database's disk, server and log")
        self._asked_s = -ASKED_S
        self._asking: asyncio.Task[None] | None = None

    @property
    def stuck_s(self) -> float:
        """For how long nothing has been taken; 0.0 while the database does what it should."""
        waited_s = self._waited_s
        return waited_s if waited_s >= STUCK_S or self._stuck_s else 0.0

    @property
    def _waited_s(self) -> float:
        return 0.0 if self._since_s is None else self._clock_s() - self._since_s

    def said(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the beats say: the tables' own words, unless nothing can be written to them."""
        stuck_s = self.stuck_s
        if not stuck_s:
            return content
        ready = [each for each in content.get("ready", []) if each.get("code") != HANGS]
        problem = asdict(self.problem(stuck_s))
        return {
            **content,
            "state": DOWN,
            "accepts": False,
            "stuck_ms": round(stuck_s * 1000),
            "ready": [problem, *ready],
        }

    def problem(self, stuck_s: float) -> Problem:
        """It in words."""
        text = f"the database has taken nothing for {stuck_s:.0f} s: {self._why.text}"
        return Problem(code=HANGS, text=text, todo=self._why.todo)

    async def run(self) -> None:
        """Until cancelled."""
        asking: asyncio.Task[None] | None = None
        while True:
            if asking is None or asking.done():
                asking = asyncio.create_task(self.beat())
            await asyncio.sleep(EVERY_S)
            stuck_s = self.stuck_s
            if stuck_s and not self._stuck_s:
                self._stuck_s = stuck_s  # from here on until GOOD_AFTER
            if self._waited_s >= ASK_AFTER_S and self._clock_s() - self._asked_s >= ASKED_S:
                self._asked_s = self._clock_s()
                self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        self._why = await asyncio.to_thread(why_hanging, self._own)
        if self._since_s is not None:
            problem = self.problem(self._waited_s)
            _log.error("this site serves nobody: %s. Do: %s", problem.text, problem.todo)

    async def beat(self) -> None:
        """One commit, and what it shows."""
        began_s = self._clock_s()
        if self._since_s is None:
            self._since_s = began_s
        try:
            await self._committer.append(_Beat(at_ms=self._clock_ms()))
        except _AWAY:
            self._good = 0
            return
        if self._clock_s() - began_s >= STUCK_S:
            self._good = 0
        self._good += 1
        if self._stuck_s and self._good < GOOD_AFTER:
            return
        self._since_s = None
        if self._stuck_s:
            await self._over()

    async def _over(self) -> None:
        """The people of this site hear of it now: before, nothing could be written down."""
        stuck_s, self._stuck_s, self._asked_s = self._stuck_s, 0.0, -ASKED_S
        detail = f"for {stuck_s:.0f} s and more: {self._why.text}"
        _log.warning("the database takes what is written again")
        try:
            await self._committer.append(NoticeTrouble(code=HANGS, ref=self._site, detail=detail))
        except _AWAY:
            _log.warning("nobody was told that the database hung")
