"""One turn of the active router: read rows, decide, commit. No thread, no waiting, no clock of its own.

router_loop.py drives it in production; the simulation drives it with fakes. The order is what the promises
rest on: a decision is committed, together with how far was read, before anybody can see it or act on it.
What was decided but not committed is never decided again from the same memory: either the same group is
committed later, or the memory is thrown away and rebuilt from the tables.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from router.core import Core
from router.decisions import Decision
from router.events import Event, PlanActivated
from router.invariants import check_touched
from router.journal.appends import Fenced, Overtaken, RouterAppend
from router.journal.committer import CommitUnknown, NotCommitted
from router.journal.database import Database
from router.journal.stream import read_rows
from router.records import UNREADABLE, Fact, Row, event_of, readable_part
from router.run.dead_webs import DeadWebs
from router.run.rebuild import Deciding, Rebuilder, clock_of

ROWS_MAX: Final = 500
"""Rows handled in one turn; with DECISIONS_MAX it bounds how long one commit holds the counter."""

DECISIONS_MAX: Final = 1_000
"""No further row is handled in a turn that has decided this much: about 0.1 s of writing."""

POSITION_MS: Final = 1_000
"""Rows that led to no decision are noted as read this much later, unless a decision does it before.

Read again after a crash they lead to nothing again, so this only bounds how much is read again. The group
that notes them says when each was handled (its quiet turns): a core that is told later may decide more.
"""

PENDING_MS: Final = 6_000
"""What could not be committed for longer is decided anew: offers of before an outage would end unseen."""

_log = logging.getLogger("muster.router")


class Appends(Protocol):
    """How a turn is made durable: returns the rows, or raises.

    NotCommitted: nothing was written, the same append is tried again in a later turn. CommitUnknown: the
    memory is rebuilt. Overtaken: nothing was written, the memory is rebuilt. Fenced ends this router.
    """

    def __call__(self, append: RouterAppend, /) -> Sequence[Row]: ...


@dataclass(slots=True, kw_only=True)
class _Turn:
    """What is to be committed: decisions, and how far was read when they were taken."""

    read_through: int
    now_ms: int
    core_ms: int
    plan_version: int
    handled: bool = False
    """Whether the core was shown anything."""
    decisions: list[Decision] = field(default_factory=list)
    extra: Sequence[Fact] = ()


class RouterStep:
    """The active router's memory and its turns.

    Shape: clock_ms() is the time of day; check(core, decisions) raises when an invariant does not hold after
           them. `position` is the seq of the last row handled; `core` is None before the first turn and after
           a mistake.
    """

    def __init__(
        self,
        *,
        database: Database,
        commit: Appends,
        clock_ms: Callable[[], int],
        epoch: int,
        release: str,
        check: Callable[[Core, Sequence[Decision]], None] = check_touched,
    ) -> None:
        self.core: Deciding | None = None
        self.position = 0
        self.rebuilder = Rebuilder(database, clock_ms)
        self._database = database
        self._append = commit
        self._clock_ms = clock_ms
        self._epoch = epoch
        self._release = release
        self._check = check
        self._dead_webs = DeadWebs()
        self._plan_version = 0
        self._core_ms = 0
        self._saved_position = self._saved_ms = 0
        self._quiet: list[tuple[int, int]] = []
        self._pending: _Turn | None = None
        self._unknown = 0

    @property
    def in_vain(self) -> bool:
        """Whether nothing comes through, however often it is decided anew: a full disk, a broken network."""
        return self._unknown > 1

    def step(self) -> bool:
        """One turn. Whether to call again at once; if not, after a hint or after wake_in_ms().

        Raises Fenced, NoPlan, and DatabaseGone or DatabaseBusy when reading fails: then try again a little
        later.
        """
        if self._pending is not None:
            if self._clock_ms() - self._pending.now_ms > PENDING_MS:
                self._forget()
                return True
            self._commit(self._pending)
            return self._pending is None
        if self.core is None or self.rebuilder.safe_mode_over():
            return self._rebuild()
        now_ms = self._clock_ms()
        with self._database.reading() as db:
            rows = read_rows(db, after_seq=self.position, limit=ROWS_MAX)
            extra = self._dead_webs.facts(db, now_ms)
        try:
            turn = self._decide(self.core, rows, max(now_ms, rows[-1].at_ms if rows else 0))
        except Exception:
            if self.rebuilder.safe:
                raise  # The simplest router we have fails as well: start the process anew.
            self._mistake("the core failed", self.position)
            return True
        turn.extra = extra
        self._commit(turn)
        more = len(rows) == ROWS_MAX or (bool(rows) and turn.read_through < rows[-1].seq)
        return more or bool(extra) or self.core is None

    def wake_in_ms(self, poll_ms: int) -> int:
        """How long to wait for a hint: until the next deadline, at most poll_ms."""
        due_ms = self.core.next_deadline_ms() if self.core is not None else None
        return poll_ms if due_ms is None else min(max(due_ms - self._clock_ms(), 0), poll_ms)

    def _rebuild(self) -> bool:
        rebuilt = self.rebuilder.rebuild()
        if rebuilt is None:
            return True  # A mistake in there was noted; the next attempt may be safe mode.
        self._quiet.clear()
        self.core = rebuilt.core
        self.position = self._saved_position = rebuilt.position
        self._plan_version = rebuilt.plan_version
        self._core_ms = self._saved_ms = rebuilt.core_ms
        return True

    def _decide(self, core: Deciding, rows: Sequence[Row], now_ms: int) -> _Turn:
        """Show rows to the core, then let time pass."""
        turn = _Turn(
            read_through=self.position,
            now_ms=now_ms,
            core_ms=self._core_ms,
            plan_version=self._plan_version,
            decisions=list(self.rebuilder.announcements(now_ms)),
        )
        for row in rows:
            if len(turn.decisions) >= DECISIONS_MAX:
                break
            self._show(core, row, turn)
        turn.decisions += core.advance(now_ms)
        turn.core_ms = clock_of(core)
        if isinstance(core, Core):
            self._check(core, turn.decisions)
        return turn

    def _show(self, core: Deciding, row: Row, turn: _Turn) -> None:
        event = _event(row)
        turn.read_through = row.seq
        if event is None:
            return
        turn.decisions += core.handle(event, turn.now_ms)
        turn.handled = True
        if isinstance(event, PlanActivated):
            turn.plan_version = event.version

    def _commit(self, turn: _Turn) -> None:
        """Make the turn durable; where that is not possible now, keep it for the next step. Raises Fenced."""
        if not turn.decisions and not turn.extra and not self._position_due(turn):
            if turn.handled:
                self._quiet.append((turn.read_through, turn.now_ms))
            self._remember(turn)
            return
        self._pending = turn
        try:
            rows = self._append(self._append_of(turn))
        except NotCommitted as reason:
            _log.warning("not committed read_through=%d reason=%s", turn.read_through, reason)
            return
        except Overtaken as reason:
            _log.info("decided anew read_through=%d reason=%s", turn.read_through, reason)
            self._forget()
            return
        except CommitUnknown as reason:
            _log.warning("outcome unknown read_through=%d reason=%s", turn.read_through, reason)
            self._unknown += 1
            self._forget()
            return
        except Fenced:
            raise
        except Exception:  # noqa: BLE001 - the fold refuses what was decided: the decision is at fault
            self._mistake("decisions cannot be folded", turn.read_through)
            return
        self._pending, self._unknown = None, 0
        self._remember(turn)
        self._saved_position, self._saved_ms = turn.read_through, turn.core_ms
        self._quiet.clear()
        if rows and not turn.extra and rows[0].seq == self.position + 1:
            self.position = rows[-1].seq  # Our own decisions, and nothing between: no need to read them.

    def _append_of(self, turn: _Turn) -> RouterAppend:
        return RouterAppend(
            epoch=self._epoch,
            read_through=turn.read_through,
            now_ms=turn.now_ms,
            core_ms=turn.core_ms,
            plan_version=turn.plan_version,
            release=self.rebuilder.release_of(self._release),
            decisions=tuple(turn.decisions),
            extra=tuple(turn.extra),
            quiet=tuple(self._quiet),
            after=(self._saved_position, self._saved_ms),
        )

    def _position_due(self, turn: _Turn) -> bool:
        """Whether rows that led to nothing should be noted as read now."""
        waited = bool(self._quiet) and abs(turn.now_ms - self._quiet[0][1]) >= POSITION_MS
        return waited or turn.read_through - self._saved_position > ROWS_MAX

    def _remember(self, turn: _Turn) -> None:
        self.position = turn.read_through
        self._core_ms = turn.core_ms
        self._plan_version = turn.plan_version

    def _mistake(self, what: str, read_through: int) -> None:
        _log.exception("%s read_through=%d", what, read_through)
        self.rebuilder.note_mistake()
        self._forget()

    def _forget(self) -> None:
        """The memory is not trusted any more; the next step starts from the tables."""
        self._pending = None
        self.core = None


def _event(row: Row) -> Event | None:
    """The event in a row. One that cannot be read must neither stop all routing nor lose a contact."""
    try:
        return event_of(row)
    except UNREADABLE:
        _log.exception("row cannot be read seq=%d kind=%s ref=%s", row.seq, row.kind, row.ref)
        return readable_part(row)
