"""Follows both streams in one thread: what the other site's journal means for this one is done in steps.

A step looks at the own database and at the copy, and appends to the own stream what follows. It is called
again and again, whenever either has grown and at least every second, so a step that did nothing, or that
failed, has another chance; it must be harmless to repeat.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from router.journal.committer import Committer, CommitUnknown
from router.journal.connection import DatabaseBusy, DatabaseGone
from router.journal.database import Database

Step = Callable[[Committer, Database, Database], None]
"""(own committer, own database, copy)."""

EVERY_S: Final = 1.0
APART_S: Final = 0.05
"""Under load both streams grow all the time: steps see them in gulps, not row by row."""

_log = logging.getLogger("muster.follower")


class Follower:
    """One thread that calls the steps, in their order."""

    def __init__(
        self, committer: Committer, own: Database, copy: Database, steps: Sequence[tuple[str, Step]]
    ) -> None:
        self._committer = committer
        self._own = own
        self._copy = copy
        self._steps = steps
        self._failing: dict[str, str] = {}
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
        """Steps that failed the last time, each with why: for status and alarms."""
        return dict(self._failing)

    def run(self) -> None:
        """Until stopped."""
        while not self._stopping.is_set():
            self._wake.clear()
            for name, step in self._steps:
                if self._stopping.is_set():
                    return
                self._take(name, step)
            self._stopping.wait(APART_S)
            self._wake.wait(EVERY_S)

    def _take(self, name: str, step: Step) -> None:
        began = time.monotonic()
        try:
            step(self._committer, self._own, self._copy)
        except (CommitUnknown, DatabaseBusy, DatabaseGone) as problem:
            self._failed(name, f"{type(problem).__name__}: {problem}")
        except Exception as mistake:  # noqa: BLE001 - one step that fails must not end the others
            if name not in self._failing:
                _log.exception("a step failed step=%s", name)
            self._failed(name, f"{type(mistake).__name__}: {mistake}")
        else:
            self._failing.pop(name, None)
        if (took := time.monotonic() - began) > EVERY_S:
            _log.warning("a step took long step=%s seconds=%.1f", name, took)

    def _failed(self, name: str, why: str) -> None:
        if self._failing.get(name) != why:
            _log.warning("a step is tried again step=%s reason=%s", name, why)
        self._failing[name] = why
