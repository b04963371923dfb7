"""Does a silent process starve or stand? The kernel says how long each thread was ready and got no processor.

Source: Linux, Documentation/scheduler/sched-stats.rst: /proc/<pid>/task/<tid>/schedstat has the time on a
processor, the time waited for one (both in ns), and a count. Where there is no such file, nobody starves.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

STARVED_SHARE: Final = 0.5
"""Of the time since the last look. What is frozen, locked or waits for a disk waits for no processor."""


class CpuWaits:
    """Looks at one process again and again."""

    def __init__(
        self, pid: int, *, proc: Path = Path("/proc"), clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._threads = proc / str(pid) / "task"
        self._clock_s = clock_s
        self._looked_at_s = clock_s()
        self._waited_ns = self._waits()

    def starved(self) -> bool:
        """Whether one of its threads mostly waited for a processor since the last look."""
        before_s, before_ns = self._looked_at_s, self._waited_ns
        self._looked_at_s, self._waited_ns = self._clock_s(), self._waits()
        longest_ns = max(
            (waited - before_ns.get(thread, waited) for thread, waited in self._waited_ns.items()), default=0
        )
        return longest_ns > 0 and longest_ns >= STARVED_SHARE * (self._looked_at_s - before_s) * 1e9

    def _waits(self) -> dict[str, int]:
        """Time waited so far, by thread."""
        found = {}
        with suppress(OSError):
            for thread in self._threads.iterdir():
                with suppress(OSError, IndexError, ValueError):  # it ended meanwhile
                    found[thread.name] = int((thread / "schedstat").read_text().split()[1])
        return found
