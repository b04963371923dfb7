"""The beat of a bridge: a call every 20 ms on average, however late the event loop comes to it."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from router.run.media.frame import FRAME_S

LATE_FRAMES: Final = 2

CATCH_UP_MAX: Final = 10
"""Beats that are made good after the process was busy: 200 ms, what jitter buffers on the way can hold."""


class Ticks(Protocol):
    """Something that calls back again and again until it is stopped.

    `beats` counts them, `late` those that came 40 ms or more after their time: more than the buffers of who
    listens hide. `skipped` counts those of them that were given up.
    """

    beats: int
    late: int
    skipped: int

    def start(self, tick: Callable[[], None]) -> None:
        """From now on."""

    def stop(self) -> None:
        """Never again."""


class LoopTicks:
    """By the running event loop's clock."""

    def __init__(self) -> None:
        self.beats = self.late = self.skipped = 0
        self._loop = asyncio.get_running_loop()
        self._tick: Callable[[], None] | None = None
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def start(self, tick: Callable[[], None]) -> None:
        """The first beat is 20 ms from now."""
        self._tick, self._due = tick, self._loop.time() + FRAME_S
        self._handle = self._loop.call_at(self._due, self._run)

    def stop(self) -> None:
        """Again: harmless."""
        self._tick = None
        if self._handle is not None:
            self._handle.cancel()

    def _run(self) -> None:
        behind = int((self._loop.time() - self._due) / FRAME_S)
        self.late += max(0, behind + 1 - LATE_FRAMES)
        skipped = max(0, behind - CATCH_UP_MAX)
        self.skipped += skipped
        beats = 1 + behind - skipped
        self._due += (1 + behind) * FRAME_S
        # Before the beats: one that raises costs its own 20 ms and nothing else.
        self._handle = self._loop.call_at(self._due, self._run)
        for _ in range(beats):
            if self._tick is None:
                return
            self.beats += 1
            self._tick()
