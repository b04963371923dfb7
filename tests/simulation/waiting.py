"""What a simulated web does before it says that a contact is kept: it waits for the other site, or says so.

The same as router/sites/second_copy.py, of which it uses the parts that decide (CopyLine, MarkMissed).
"""

from collections.abc import Callable

from router.journal.committer import Append, CommitUnknown
from router.journal.connection import DatabaseGone
from router.sites.copy_gaps import MarkMissed, acked_through
from router.sites.copy_line import CopyLine, Outcome, Wait
from tests.simulation.appends import Arrive
from tests.simulation.journal import Died
from tests.simulation.one_site import SimulatedSite
from tests.simulation.processes import Web
from tests.simulation.timeline import Action

WAIT_MS = 1_000
LOOK_MS = 250

Acknowledged = Callable[[str, int, bool], None]
"""Told of each contact that is acknowledged: its id, its seq, and whether the other site had it by then."""


class Waiting:
    """One of it at each of two sites: a line for each web."""

    def __init__(self, site: SimulatedSite, acknowledged: Acknowledged) -> None:
        self._site = site
        self._acknowledged = acknowledged
        self._lines: dict[str, CopyLine] = {}
        self._waits: dict[int, tuple[Wait, Action]] = {}
        self._numbers = 0
        self._looking: set[str] = set()

    def kept(self, append: Append, web: Web, then: Action) -> None:
        """Kept here; whoever sent a contact hears of it when the other site has it too."""
        if not isinstance(append, Arrive):
            then()
            return
        site, ref = self._site, append.interaction_id
        found = site.journal.db.row("SELECT arrived_seq FROM interaction WHERE interaction_id = :id", id=ref)
        seq = int(found[0]) if found else 0
        line = self._lines.setdefault(web.web_id, CopyLine())
        wait = line.join(seq, now_ms=site.clock.now_ms, wait_ms=WAIT_MS)
        self._numbers += 1
        self._waits[self._numbers] = (wait, lambda: self._over(wait, web, ref, then))
        self._end()
        self._look_soon(web)

    def hint(self, acked: int) -> None:
        """Redis says how far the other site is; not everybody hears it."""
        site = self._site
        for web in site.webs:
            line = self._lines.get(web.web_id)
            if web.alive and line is not None and not site.chance(0.2):
                site.soon(0, 30, lambda line=line: self._heard(line, acked))

    def _heard(self, line: CopyLine, acked: int) -> None:
        line.heard(acked, now_ms=self._site.clock.now_ms)
        self._end()

    def _look_soon(self, web: Web) -> None:
        line = self._lines[web.web_id]
        if web.web_id not in self._looking and (line.waiting or line.lagging):
            self._looking.add(web.web_id)
            self._site.at(LOOK_MS, lambda: self._look(web))

    def _look(self, web: Web) -> None:
        self._looking.discard(web.web_id)
        if not web.alive:
            return
        line, now_ms = self._lines[web.web_id], self._site.clock.now_ms
        line.heard(acked_through(self._site.journal.db), now_ms=now_ms)
        line.pass_time(now_ms)
        self._end()
        self._look_soon(web)

    def _end(self) -> None:
        over = [number for number, (wait, _) in self._waits.items() if wait.outcome is not None]
        for number in over:
            self._waits.pop(number)[1]()

    def _over(self, wait: Wait, web: Web, ref: str, then: Action) -> None:
        """Whose web died meanwhile hears nothing, and asks again."""
        if not web.alive:
            return
        copied = wait.outcome is Outcome.COPIED
        if not copied:
            mark = MarkMissed(wait.seq, (wait.outcome or Outcome.SLOW).value)
            try:
                self._site.journal.append(mark, skew_ms=web.skew_ms)
            except (CommitUnknown, DatabaseGone):
                return
            except Died:
                web.die()
                return
            copied = mark.copied
        self._acknowledged(ref, wait.seq, copied)
        then()
