"""The site's time, as one process knows it: milliseconds UTC that never go back and never stand still."""

import threading
import time
from collections.abc import Callable

from router.journal.connection import Connection


def wall_ms() -> int:
    """The machine's time of day, which people and time servers may set back."""
    return time.time_ns() // 1_000_000


def elapsed_ms() -> int:
    """Milliseconds that passed since some moment, whatever anybody does to the time of day."""
    return time.monotonic_ns() // 1_000_000


class SteadyClock:
    """Begins at the time of day and goes on by what really passes, but is never behind the journal.

    The journal's times never go back. Were each one merely the later of the time of day and the last row's, a
    machine set back by an hour would stand still for that hour: no offer would run out, nothing unread would
    be passed on. Small corrections by a time server reach this clock as well (the kernel slews both).
    """

    def __init__(self, wall: Callable[[], int] = wall_ms, elapsed: Callable[[], int] = elapsed_ms) -> None:
        self._elapsed = elapsed
        self._offset_ms = wall() - elapsed()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, db: Connection) -> "SteadyClock":
        """A clock that is not behind this journal."""
        clock = cls()
        found = db.row("SELECT last_at_ms FROM stream WHERE own = 1")
        clock.at_least(found[0] if found else 0)
        return clock

    def __call__(self) -> int:
        """The time now."""
        return self._elapsed() + self._offset_ms

    def at_least(self, ms: int) -> None:
        """Somebody has seen this time: go on from there if it is later than ours."""
        with self._lock:
            self._offset_ms = max(self._offset_ms, ms - self._elapsed())
