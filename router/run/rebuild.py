"""What decides, rebuilt from the tables: the core, or safe mode's stand-in when the core keeps failing.

How it enters and leaves safe mode is here; what safe mode does is in safe_mode.py. Only mistakes of our own
code count: a commit whose outcome is unknown makes the router rebuild as well, but says nothing against the
core.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from router.core import Core
from router.decisions import Decision, RaiseAlarm
from router.events import Event
from router.journal.appends import SAFE_MARK
from router.journal.database import Database
from router.journal.restore import load_state, readable_plan
from router.run.safe_mode import SafeCore

MISTAKES_MAX: Final = 3
MISTAKES_WITHIN_MS: Final = 60_000
"""Three mistakes within a minute: rebuilding does not help, and people wait meanwhile."""

SAFE_MS: Final = 600_000
"""Safe mode lets the core try again after ten minutes; after a relapse after twice as long, and so on."""

SAFE_MS_MAX: Final = 4 * 3_600_000

_log = logging.getLogger("muster.router")


class Deciding(Protocol):
    """What decides: the core, or its stand-in. See router/core.py."""

    def handle(self, event: Event, now_ms: int = 0) -> list[Decision]: ...
    def advance(self, now_ms: int) -> list[Decision]: ...
    def next_deadline_ms(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What the tables gave: who decides from here on, and how far was read."""

    core: Deciding
    position: int
    plan_version: int
    core_ms: int


def clock_of(core: Deciding) -> int:
    """The core's own time: that of its last event or decision."""
    return core.centre.now_ms if isinstance(core, Core) else getattr(core, "now_ms", 0)


class Rebuilder:
    """Makes the core from the tables, counts its mistakes, and knows when safe mode begins and ends."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self.rebuilds = 0
        self.safe = False
        self._database = database
        self._clock_ms = clock_ms
        self._mistakes: list[int] = []
        self._safe_ms = SAFE_MS
        self._safe_until_ms = 0
        self._announced = True
        self._unreadable = ""
        self._unreadable_version = 0

    def rebuild(self) -> Rebuilt | None:
        """A new core, or its stand-in after too many mistakes. None: this was one more mistake.

        Raises NoPlan, DatabaseGone, DatabaseBusy; PlanWrong when no plan can be read.
        """
        now_ms = self._clock_ms()
        self._choose_mode(now_ms)
        self.rebuilds += 1
        with self._database.reading() as db:
            position, state = load_state(db)
            version, plan = readable_plan(db, state.plan_version)
        if version < state.plan_version:
            self._note_unreadable(state.plan_version, version)
            state = replace(state, plan_version=version)
        try:
            core: Deciding = SafeCore(plan, state) if self.safe else Core.restore(plan, state)
        except Exception:
            if self.safe:
                raise
            _log.exception("cannot rebuild read_through=%d", position)
            self.note_mistake()
            return None
        took_ms = self._clock_ms() - now_ms
        _log.info(
            "rebuilt read_through=%d open=%d ms=%d safe=%d",
            position,
            len(state.interactions),
            took_ms,
            self.safe,
        )
        return Rebuilt(core=core, position=position, plan_version=state.plan_version, core_ms=state.now_ms)

    def note_mistake(self) -> None:
        """Our own code raised, or an invariant did not hold."""
        now_ms = self._clock_ms()
        self._mistakes = [at_ms for at_ms in self._mistakes if now_ms - at_ms < MISTAKES_WITHIN_MS] + [now_ms]

    def safe_mode_over(self) -> bool:
        """Whether the core should be tried again."""
        return self.safe and self._clock_ms() >= self._safe_until_ms

    def announcements(self, now_ms: int) -> Sequence[Decision]:
        """Alarms that tell people once: safe mode began; the plan in force cannot be read."""
        found: list[Decision] = []
        if not self._announced:
            self._announced = True
            minutes = str(self._safe_ms // 60_000)
            found.append(RaiseAlarm(at_ms=now_ms, code="safe_mode", ref="router", detail=minutes))
        if self._unreadable:
            found.append(
                RaiseAlarm(at_ms=now_ms, code="plan_unreadable", ref="router", detail=self._unreadable)
            )
            self._unreadable = ""
        return found

    def release_of(self, release: str) -> str:
        """What the decisions of this moment are marked with."""
        return release + SAFE_MARK if self.safe else release

    def _note_unreadable(self, in_force: int, read: int) -> None:
        """Say once for each version that it cannot be read."""
        if in_force != self._unreadable_version:
            self._unreadable_version = in_force
            self._unreadable = f"version {in_force}; version {read} is used"
            _log.error("plan cannot be read version=%d used=%d", in_force, read)

    def _choose_mode(self, now_ms: int) -> None:
        if len(self._mistakes) >= MISTAKES_MAX:
            relapse = now_ms - self._safe_until_ms < SAFE_MS_MAX
            self._safe_ms = min(2 * self._safe_ms, SAFE_MS_MAX) if relapse else SAFE_MS
            self._safe_until_ms = now_ms + self._safe_ms
            self._mistakes = []
            self.safe = True
            self._announced = False
            _log.error("safe mode begins minutes=%d", self._safe_ms // 60_000)
        elif self.safe and now_ms >= self._safe_until_ms:
            self.safe = False
            _log.warning("safe mode ends: the core is tried again")
