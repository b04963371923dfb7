"""Follows both streams in one thread: what the other site's journal means for this one is done in steps.

A step looks at the own database and at the copy, and appends to the own stream what follows. It is called
again and again, whenever either has grown and at least every second, so a step that did nothing, or that
failed, has another chance; it must be harmless to repeat. One that goes on failing is told by an alarm: what
it does may be missing here for good, and nobody would see that.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseDamaged, DatabaseGone
from router.journal.database import Database
from router.run.trouble import NoticeTrouble

Step = Callable[[Committer, Database, Database], None]
"""(own committer, own database, copy)."""

EVERY_S: Final = 1.0
APART_S: Final = 0.05
"""Under load both streams grow all the time: steps see them in gulps, not row by row."""

STEP_FAILING: Final = "step_failing"
"""Code of the alarm that a step goes on failing; its ref is which, its detail why."""

HOLD_S: Final = 30.0
"""For so long it must last: a database that is begun again, or hangs for a moment, is back by then."""

_log = logging.getLogger("muster.follower")


@dataclass(slots=True)
class _Failing:
    """A step that failed the last time: why, since when without a break, whether people were told; rotten: it
    was the copy that could not be read."""

    why: str
    since_s: float
    told: bool = False
    rotten: bool = False


class Follower:
    """One thread that calls the steps, in their order."""

    def __init__(
        self,
        committer: Committer,
        own: Database,
        copy: Database,
        steps: Sequence[tuple[str, Step]],
        *,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._committer = committer
        self._own = own
        self._copy = copy
        self._steps = steps
        self._clock_s = clock_s
        self._failing: dict[str, _Failing] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Either stream has grown. From any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Ends run() after the step under way."""
        self._stopping.set()
        self._wake.set()

    @property
    def failing(self) -> dict[str, str]:
        """Steps that failed the last time, each with why: for status and gate. Any thread."""
        return {name: each.why for name, each in list(self._failing.items())}

    def failing_but(self, learning: Collection[str]) -> list[str]:
        """Those without these steps where they cannot read the copy: nobody need wait for that. It goes on
        until the copy is made anew, and people are told."""
        return [name for name, each in list(self._failing.items()) if name not in learning or not each.rotten]

    def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            self._wake.clear()
            self.turn()
            self._stopping.wait(APART_S)
            self._wake.wait(EVERY_S)

    def turn(self) -> None:
        """Each step once, as long as nobody stops it."""
        for name, step in self._steps:
            if self._stopping.is_set():
                return
            self._take(name, step)

    def _take(self, name: str, step: Step) -> None:
        began = self._clock_s()
        try:
            step(self._committer, self._own, self._copy)
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            why = f"{type(problem).__name__}: {problem}"
            rotten = isinstance(problem, DatabaseDamaged) and problem.of is self._copy
            self._failed(name, why, detail=why, rotten=rotten)
        except Exception as mistake:  # noqa: BLE001 - one step that fails must not end the others
            if name not in self._failing:
                _log.exception("a step failed step=%s", name)
            self._failed(name, f"{type(mistake).__name__}: {mistake}", detail=type(mistake).__name__)
        else:
            self._failing.pop(name, None)
        if (took := self._clock_s() - began) > EVERY_S:
            _log.warning("a step took long step=%s seconds=%.1f", name, took)

    def _failed(self, name: str, why: str, *, detail: str, rotten: bool = False) -> None:
        """detail goes into the journal: of our mistakes without their words, which may be a customer's."""
        now_s = self._clock_s()
        failing = self._failing.setdefault(name, _Failing("", now_s))
        if failing.why != why:
            _log.warning("a step is tried again step=%s reason=%s", name, why)
        failing.why, failing.rotten = why, rotten
        if not failing.told and now_s - failing.since_s >= HOLD_S:
            failing.told = self._tell(name, detail)

    def _tell(self, name: str, detail: str) -> bool:
        """Whether it could be told; where the own database is what fails, that is tried again as well."""
        try:
            self._committer.submit(NoticeTrouble(code=STEP_FAILING, ref=name, detail=detail)).result()
        except Exception as problem:  # noqa: BLE001 - what cannot be told must not end the steps
            _log.warning("not told that a step fails step=%s reason=%s", name, type(problem).__name__)
            return False
        return True
