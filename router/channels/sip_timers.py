"""Deadlines of the SIP user agent: what to do when. Reads no clock itself; whoever runs it gives one.

Source: RFC 3261 section 17 and table 4.
"""

import heapq
from collections.abc import Callable
from typing import Final

T1_MS: Final = 500
"""An estimate of the round trip."""

T2_MS: Final = 4_000
"""The longest time between two repeats."""

T4_MS: Final = 5_000
"""The longest time that a message stays in the network."""

GIVE_UP_MS: Final = 64 * T1_MS
"""Timers B, F, H, J, L, M: so long one side tries, and the other remembers."""


class Timer:
    """One deadline. Cancelling is harmless at any time."""

    __slots__ = ("action", "at_ms")

    def __init__(self, at_ms: int, action: Callable[[], None]) -> None:
        self.at_ms = at_ms
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Let it pass unheard."""
        self.action = None


class Timers:
    """All deadlines of one user agent. `wake` is called when the next one has become sooner."""

    def __init__(self, clock: Callable[[], int], wake: Callable[[], None] = lambda: None) -> None:
        self.clock = clock
        self._wake = wake
        self._heap: list[tuple[int, int, Timer]] = []
        self._count = 0

    def after(self, wait_ms: int, action: Callable[[], None]) -> Timer:
        """Call it when so much time has passed."""
        timer = Timer(self.clock() + wait_ms, action)
        self._count += 1
        soonest = not self._heap or timer.at_ms < self._heap[0][0]
        heapq.heappush(self._heap, (timer.at_ms, self._count, timer))
        if soonest:
            self._wake()
        return timer

    def next_ms(self) -> int | None:
        """When to call run_due next; None: never, as things are."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> None:
        """Do everything whose time has come, in its order."""
        now = self.clock()
        while (at_ms := self.next_ms()) is not None and at_ms <= now:
            timer = heapq.heappop(self._heap)[2]
            action, timer.action = timer.action, None
            if action is not None:
                action()


class Repeater:
    """Does something again and again, at growing intervals, until stopped or given up."""

    def __init__(
        self,
        timers: Timers,
        repeat: Callable[[], None],
        *,
        give_up: Callable[[], None],
        most_ms: int = T2_MS,
        repeats: bool = True,
    ) -> None:
        """The first time is the caller's. most_ms 0: intervals double without an end (timer A)."""
        self._timers, self._repeat, self._most_ms = timers, repeat, most_ms
        self._wait_ms = T1_MS
        self._next = timers.after(T1_MS, self._again) if repeats else None
        self._end = timers.after(GIVE_UP_MS, self._gave_up)
        self._give_up = give_up

    def stop(self) -> None:
        """It was heard."""
        self.stop_repeating()
        self._end.cancel()

    def stop_repeating(self) -> None:
        """It was heard, but the end is still waited for."""
        if self._next is not None:
            self._next.cancel()

    def slow_down(self) -> None:
        """It was heard, and is repeated at the longest interval only (timer E in Proceeding)."""
        if self._next is not None:
            self._wait_ms = self._most_ms

    def _again(self) -> None:
        self._wait_ms = min(2 * self._wait_ms, self._most_ms) if self._most_ms else 2 * self._wait_ms
        self._next = self._timers.after(self._wait_ms, self._again)
        self._repeat()

    def _gave_up(self) -> None:
        self.stop_repeating()
        self._give_up()
