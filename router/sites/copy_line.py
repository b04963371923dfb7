"""Who waits until the other site has a contact too, and whether anybody should. Pure: no clock, no I/O.

What is done about it (asking how far the other site is, saying openly what it does not have) is
second_copy.py. One line per process: each finds out for itself that the other site lags.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Final

LATE_MAX: Final = 3
"""Time-outs in a row after which nobody waits any more. One slow answer is no outage; three are, and each of
them cost somebody a second."""

CLOSE_MS: Final = 500
"""A peer that has what was newest this long ago has caught up. Under load there is always something newer
that it cannot have yet; and a wait of a second ends well with it."""


class Outcome(StrEnum):
    """How a wait ended: the other site has it; it came too late; nobody waits at present."""

    COPIED = "copied"
    SLOW = "slow"
    LAGGING = "lagging"


@dataclass(slots=True, order=True)
class Wait:
    """One contact that waits. Shape: outcome is None as long as it does."""

    seq: int
    until_ms: int = field(compare=False)
    outcome: Outcome | None = field(default=None, compare=False)


@dataclass(slots=True)
class CopyLine:
    """The line. Each method that may end waits returns those that it ended.

    Shape: acked is how far the other site is known to be; newest the newest seq that was asked about.
    """

    acked: int = 0
    newest: int = 0
    lagging: bool = False
    _late: int = 0
    _goal: tuple[int, int] = (0, 0)
    """While it lags: (seq, when it was the newest). Having it soon after means having caught up."""
    _by_seq: list[Wait] = field(default_factory=list)
    _by_time: deque[Wait] = field(default_factory=deque)

    def join(self, seq: int, *, now_ms: int, wait_ms: int) -> Wait:
        """Wait for this seq; the answer's outcome may be known at once."""
        wait = Wait(seq, now_ms + wait_ms)
        self.newest = max(self.newest, seq)
        if seq <= self.acked:
            wait.outcome = Outcome.COPIED
        elif self.lagging:
            wait.outcome = Outcome.LAGGING
        else:
            heappush(self._by_seq, wait)
            self._by_time.append(wait)
        return wait

    def heard(self, acked: int, *, now_ms: int) -> list[Wait]:
        """The other site has everything up to here. Older news say nothing new."""
        self.acked = acked = max(self.acked, acked)
        done = []
        while self._by_seq and self._by_seq[0].seq <= acked:
            done.append(heappop(self._by_seq))
        if done:
            self._late = 0
        self._end(done, Outcome.COPIED)
        if self.lagging:
            self._look_again(now_ms)
        return done

    def pass_time(self, now_ms: int) -> list[Wait]:
        """Ends what has waited long enough; after the third in a row everything."""
        late = []
        while self._by_time and self._by_time[0].until_ms <= now_ms:
            late.append(self._by_time.popleft())
        late = [each for each in late if each.outcome is None]
        if not late:
            return []
        self._end(late, Outcome.SLOW)
        self._late += len(late)
        if self._late < LATE_MAX:
            return late
        rest = sorted(self._by_seq)
        self._end(rest, Outcome.LAGGING)
        self.lagging = True
        self._goal = (self.newest, now_ms)
        return late + rest

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._by_seq)

    def next_ms(self) -> int | None:
        """When the first of them has waited long enough."""
        return self._by_time[0].until_ms if self._by_time else None

    def _end(self, waits: list[Wait], outcome: Outcome) -> None:
        for each in waits:
            each.outcome = outcome
        if outcome is not Outcome.COPIED:
            self._by_seq = [each for each in self._by_seq if each.outcome is None]
            heapify(self._by_seq)
        while self._by_time and self._by_time[0].outcome is not None:
            self._by_time.popleft()

    def _look_again(self, now_ms: int) -> None:
        seq, at_ms = self._goal
        if self.acked < seq:
            return
        if self.acked >= self.newest or now_ms - at_ms <= CLOSE_MS:
            self.lagging = False
            self._late = 0
        else:
            self._goal = (self.newest, now_ms)
